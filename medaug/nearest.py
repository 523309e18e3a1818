"""The known word that is nearest to one that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return what was probably meant by `word`, or None if nothing is like it.

    Parameters
    ----------
    word : str
    known : iterable of str
        Small and capital letters are alike; of words that differ in them only the first counts.
        The first that goes on where `word` ends is nearest: names of settings end in their units.
    """
    by_lower_case: dict[str, str] = {}
    for each in known:
        by_lower_case.setdefault(each.lower(), each)
    longer = [each for each in by_lower_case if each.startswith(f"{word.lower()}_")]
    close = longer or difflib.get_close_matches(word.lower(), by_lower_case, n=1)
    return by_lower_case[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``" (did you mean 'that'?)"``, or nothing if no known word is like `word`."""
    near = nearest(word, known)
    return f" (did you mean {near!r}?)" if near else ""
