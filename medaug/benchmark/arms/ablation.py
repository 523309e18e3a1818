"""The arms of an ablation: a policy whole, without each of its parts, and each part alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from medaug.errors import InputError
from medaug.policy import only, parse_policy, parts_of, policy_path, without

#: The label of the reference, which does nothing.
NONE = "none"


def ablation(policy: str, text: str, where: str) -> Iterator[tuple[str, str]]:
    """Yield the label and the policy's text of each arm, the reference first.

    Parameters
    ----------
    policy : str
        What the policy is called.
    text : str
        Its content; it must be one that can be built.
    where : str
        Starts messages: the file.

    Yields
    ------
    label : str
        ``none``, the policy's name, ``POLICY-without-PART`` and ``none+PART`` for each part.
    text : str
        YAML.

    Raises
    ------
    InputError
        If the policy has fewer than two parts.
    """
    entries = parse_policy(text, where)
    parts = parts_of(entries)
    if len(parts) < 2:
        raise InputError(
            f"ablate: {where} has fewer than two parts ({len(parts)}), so there is nothing to take "
            "apart; name another policy."
        )
    yield NONE, policy_path(NONE).read_text(encoding="utf-8")
    yield policy, text
    for part in parts:
        yield f"{policy}-without-{part.name}", _as_text(without(entries, part))
    for part in parts:
        yield f"{NONE}+{part.name}", _as_text(only(entries, part))


def _as_text(entries: list[Any]) -> str:
    return yaml.safe_dump(entries, sort_keys=False)
