"""How the report and the terminal write numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: What stands where there is no number.
NOTHING = "\N{EN DASH}"

_MINUS = "\N{MINUS SIGN}"


def format_score(score: float, digits: int = 3) -> str:
    """Return a score with its decimals, or a dash for NaN."""
    return NOTHING if math.isnan(score) else f"{score:.{digits}f}".replace("-", _MINUS)


def format_difference(difference: float, digits: int = 3) -> str:
    """Return a difference with its sign, or a dash for NaN."""
    if math.isnan(difference):
        return NOTHING
    # Adding zero turns -0.0, which rounding can leave, into 0.0.
    rounded = round(difference, digits) + 0.0
    text = f"{rounded:+.{digits}f}" if rounded else f"{0:.{digits}f}"
    return text.replace("-", _MINUS)


def format_interval(low: float, high: float, digits: int = 3) -> str:
    """Return the two ends of an interval of differences, or a dash for NaN."""
    if math.isnan(low) or math.isnan(high):
        return NOTHING
    return f"{format_difference(low, digits)} to {format_difference(high, digits)}"


def format_p(p_value: float) -> str:
    """Return a p-value with three decimals, "<0.001", or a dash for NaN."""
    if math.isnan(p_value):
        return NOTHING
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def format_p_equation(p_value: float) -> str:
    """Return a p-value as it follows its name in a sentence: "= 0.012" or "<0.001"."""
    text = format_p(p_value)
    return text if text.startswith("<") else f"= {text}"


def format_confidence(confidence: float) -> str:
    """Return the name of an interval, such as "95% CI"."""
    return f"{100 * confidence:g}% CI"


def format_milliseconds(seconds: float) -> str:
    """Return a duration in milliseconds with two significant digits, or a dash for NaN."""
    if math.isnan(seconds):
        return NOTHING
    milliseconds = 1000 * seconds
    return f"{milliseconds:.0f}" if milliseconds >= 10 else f"{milliseconds:.2g}"


def format_count(count: int, noun: str) -> str:
    """Return a count with its noun, which takes an s unless there is one."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def format_size(size: str) -> str:
    """Return a size of the training set, "10" or "all", in words."""
    return "1 training case" if size == "1" else f"{size} training cases"


def enumerate_words(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: "a, b and c"."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
