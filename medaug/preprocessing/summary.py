"""Many problems in few lines."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 3


def summary_of(messages: Sequence[str], remainder: str) -> str:
    """Return one message as it is, or the first few of several, a line each.

    Parameters
    ----------
    messages : sequence of str
        At least one.
    remainder : str
        Where all are listed.
    """
    if len(messages) == 1:
        return messages[0]
    shown = list(messages[:_SHOWN])
    if len(messages) > _SHOWN:
        shown.append(f"and {len(messages) - _SHOWN} more, see {remainder}")
    return "\n  ".join([f"{len(messages)} problems:", *shown])
