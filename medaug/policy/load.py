"""Policies: lists of transforms in YAML, named by ``_target_`` as in a MONAI bundle."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from monai.bundle import ConfigParser
from monai.transforms import Compose

from medaug.errors import InputError
from medaug.policy.trust import check_is_data, locate_target
from medaug.resources import configs_dir
from medaug.typing import StrPath


def policy_path(name_or_path: StrPath) -> Path:
    """Return the file of a policy: a shipped one by its name, or any YAML file by its path.

    Raises
    ------
    InputError
        If there is no such policy; the message lists the shipped ones.
    """
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"}:
        if not path.is_file():
            raise InputError(f"there is no policy file {path}")
        return path
    shipped = {p.stem: p for p in sorted((configs_dir() / "policies").glob("*.yaml"))}
    if str(name_or_path) in shipped:
        return shipped[str(name_or_path)]
    raise InputError(
        f"unknown policy {str(name_or_path)!r}{_nearest(str(name_or_path), shipped)}: name one of "
        f"{', '.join(shipped)}, or give the path of a .yaml file"
    )


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
    _check_arguments(entry, where)
    parser = ConfigParser({"spatial_size": spatial_size, "transform": entry})
    try:
        transform = parser.get_parsed_content("transform")
    except Exception as error:  # whatever a constructor raises about its arguments
        raise InputError(f"{where}: {_root_cause(error)}") from error
    if not callable(transform):
        raise InputError(f"{where} is no transform")
    return transform


def _check_arguments(content: Any, where: str) -> None:
    """Refuse, at any depth, a target that does not exist and an argument that it does not take."""
    if isinstance(content, list):
        for i, item in enumerate(content):
            _check_arguments(item, f"{where}, part {i + 1}")
        return
    if not isinstance(content, dict):
        return
    if isinstance(content.get("_target_"), str):
        _check_target(content, where)
    for key, value in content.items():
        _check_arguments(value, f"{where}, {key}")


def _check_target(entry: dict[str, Any], where: str) -> None:
    target = locate_target(entry["_target_"], where)
    if not callable(target):
        module, _, name = entry["_target_"].rpartition(".")
        home = locate_target(module, where)
        known = [] if home is None else dir(home)
        raise InputError(f"{where}: there is no {name!r} in {module}{_nearest(name, known)}")
    known = _arguments_of(target)
    for key in entry:
        if not key.startswith("_") and key not in known:
            raise InputError(
                f"{where}: unknown key {key!r}{_nearest(key, known)}; it takes {', '.join(known)}"
            )


def _arguments_of(target: Callable[..., Any]) -> list[str]:
    """Return the names that ``target`` takes, those of a typed ``**options`` spelt out."""
    names: list[str] = []
    for name, parameter in inspect.signature(target).parameters.items():
        hint = inspect.get_annotations(_initialiser(target), eval_str=True).get(name)
        options = get_args(hint)
        if parameter.kind is inspect.Parameter.VAR_KEYWORD and options:
            names += options[0].__annotations__
        else:
            names.append(name)
    return names


def _initialiser(target: Callable[..., Any]) -> Callable[..., Any]:
    return target.__init__ if inspect.isclass(target) else target


def _root_cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
