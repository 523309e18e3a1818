"""The text of a policy that a search has made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml


def as_text(entries: list[Any], comments: Sequence[str] = ()) -> str:
    """Return the YAML of a policy as a person would write it.

    Parameters
    ----------
    entries : list
        Of the policy.
    comments : sequence of str
        Lines that go before it.
    """
    text: str = yaml.dump(entries, Dumper=_Dumper, sort_keys=False, width=100)
    return "".join(f"# {line}\n" for line in comments) + text


class _Dumper(yaml.SafeDumper):
    """Writes a list of numbers or texts on one line, and anything else below each other."""

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        """Return the node of a list."""
        items = list(sequence)
        nested = not items or any(isinstance(item, dict) for item in items)
        return super().represent_sequence(tag, items, flow_style=flow_style or not nested)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # yaml's signature
        """Write everything out."""
        return True

    def increase_indent(
        self,
        flow: bool = False,
        indentless: bool = False,  # noqa: ARG002  # yaml's signature
    ) -> None:
        """Indent lists below their key."""
        super().increase_indent(flow, False)
