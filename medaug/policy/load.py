"""Policies: lists of transforms in YAML, named by ``_target_`` as in a MONAI bundle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from monai.bundle import ConfigParser
from monai.transforms import Compose

from medaug.errors import InputError
from medaug.policy.arguments import check_arguments
from medaug.policy.trust import check_is_data
from medaug.resources import config_file
from medaug.typing import StrPath


def policy_path(name_or_path: StrPath, *, also: Iterable[str] = ()) -> Path:
    """Return the file of a policy: a shipped one by its name, or any YAML file by its path.

    Parameters
    ----------
    name_or_path : str or path
    also : iterable of str
        Further names that the caller knows, for the message.

    Raises
    ------
    InputError
        If there is no such policy; the message lists the shipped ones.
    """
    return config_file(name_or_path, "policies", also=also)


def load_policy(
    name_or_path: StrPath, *, spatial_size: Sequence[int] | None = None, trust: bool = False
) -> Compose:
    """Build a policy.

    Parameters
    ----------
    name_or_path : str or path
        See :func:`policy_path`.
    spatial_size : sequence of ints, optional
        What ``@spatial_size`` stands for in the policy: the patch that its spatial transform cuts
        out in the same resample. ``None`` keeps the size of the input.
    trust : bool
        Allow it to name and run any code, see :func:`medaug.policy.check_is_data`.

    Returns
    -------
    monai.transforms.Compose
        Of dictionary transforms on the keys ``image`` and ``label``.

    Raises
    ------
    InputError
        If the file is no list of ``_target_`` entries, or a transform refuses its arguments.
    """
    path = policy_path(name_or_path)
    return build_policy(read_policy(path), str(path), spatial_size=spatial_size, trust=trust)


def read_policy(path: Path) -> str:
    """Return the text of a policy file.

    Raises
    ------
    InputError
        If it cannot be read, or is no UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read the policy {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no valid YAML: {error}") from error


def parse_policy(text: str, where: str) -> list[Any]:
    """Return the entries of a policy.

    Parameters
    ----------
    text : str
        YAML.
    where : str
        Starts messages: the file.

    Raises
    ------
    InputError
        If the text is no list.
    """
    try:
        entries = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"{where} is no valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(entries, list):
        raise InputError(f"{where} must be a list of transforms, each with a _target_ key")
    return entries


def build_policy(
    text: str, where: str, *, spatial_size: Sequence[int] | None = None, trust: bool = False
) -> Compose:
    """Build a policy from the text of its file; see :func:`load_policy`."""
    size = None if spatial_size is None else [int(n) for n in spatial_size]
    return Compose(
        [
            _build(entry, size, f"{where}, entry {i + 1}", trust)
            for i, entry in enumerate(parse_policy(text, where))
        ]
    )


def _build(entry: Any, spatial_size: list[int] | None, where: str, trust: bool) -> Any:
    if not isinstance(entry, dict) or not isinstance(entry.get("_target_"), str):
        raise InputError(
            f"{where} must be a mapping with a _target_ key, such as "
            "'_target_: medaug.transforms.RandSpatiald'"
        )
    if not trust:
        check_is_data(entry, where)
    where = f"{where} ({entry['_target_']})"
    check_arguments(entry, where)
    parser = ConfigParser({"spatial_size": spatial_size, "transform": entry})
    try:
        transform = parser.get_parsed_content("transform")
    except Exception as error:  # whatever a constructor raises about its arguments
        raise InputError(f"{where}: {_root_cause(error)}") from error
    if not callable(transform):
        raise InputError(f"{where} is no transform")
    return transform


def _root_cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())
