"""Words for numbers, the same on the terminal and on the page."""

from __future__ import annotations

import math
from collections.abc import Mapping

from medaug.preprocessing.channel_survey import PERCENTILES, format_number
from medaug.preprocessing.inspection.summary import LabelSummary, Spread, Summary

_ENDS = ("lowest", "median", "highest")

#: Heads of the columns of the tables.
AXIS_COLUMNS = ("", *_ENDS)
INTENSITY_COLUMNS = ("channel", "of the cases", *(f"{at:g} %" for at in PERCENTILES))
LABEL_COLUMNS = (
    "value",
    "name",
    "cases",
    "voxels in a case",
    "ml in a case",
    "share of all voxels",
)

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def fact_rows(summary: Summary) -> list[tuple[str, str]]:
    """Return what there is, a name and a text each."""
    cases = count(summary.cases, "case")
    if summary.readable < summary.cases:
        cases += f", {summary.readable} of them readable"
    unlabelled = summary.readable - summary.labelled
    labels = f"{summary.labelled} labelled" + (f", {unlabelled} without" if unlabelled else "")
    return [
        ("folder", summary.root),
        ("layout", summary.layout),
        ("cases", f"{cases}, {labels}; {count(summary.patients, 'patient')}"),
        ("size", f"{file_size(summary.bytes)} in files"),
        ("channels", _channels(summary)),
        ("voxel type", counts(summary.dtypes)),
        ("orientation", counts(summary.orientations)),
        ("spacing", _spacing(summary)),
    ]


def axis_rows(summary: Summary) -> list[tuple[str, ...]]:
    """Return the rows of the table of shapes and spacings."""
    return [
        (f"{what} along {axis}", *(f"{getattr(spread, end):.4g}" for end in _ENDS))
        for what, spreads in (("voxels", summary.shape), ("spacing, mm", summary.spacing_mm))
        for axis, spread in zip("IJK", spreads, strict=True)
    ]


def intensity_rows(summary: Summary) -> list[tuple[str, ...]]:
    """Return the rows of the table of intensities, three for each channel."""
    return [
        (
            channel.name,
            end,
            *(format_number(getattr(spread, end)) for spread in channel.percentiles),
        )
        for channel in summary.channels
        for end in _ENDS
    ]


def label_rows(summary: Summary) -> list[tuple[str, ...]]:
    """Return the rows of the table of labels."""
    return [_label_row(label, summary.labelled) for label in summary.labels]


def foreground_sentence(summary: Summary) -> str:
    """Return how much of the scans is labelled."""
    share = summary.foreground_share
    return (
        f"Labelled are {percent(share.median)} of the voxels of the median case "
        f"({percent(share.lowest)} to {percent(share.highest)})."
    )


def background_sentence(summary: Summary) -> str:
    """Return what the percentiles are of."""
    shares = [
        f"{percent(channel.background_share.median)} of {channel.name}"
        for channel in summary.channels
        if channel.background_share.highest > 0
    ]
    if not shares:
        return "Percentiles of all voxels: no channel has an exact background."
    return (
        f"Percentiles of the foreground. The exact background, {', '.join(shares)} in the median "
        "case, does not count."
    )


def problems_sentence(summary: Summary) -> str:
    """Return how many problems there are, such as ``1 error, 2 warnings``."""
    found = [count(number, name) for name, number in summary.problems.items() if number]
    return ", ".join(found) or "no problems"


def count(number: int, noun: str) -> str:
    """Return a number with its noun in the right form."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def counts(numbers: Mapping[str, int]) -> str:
    """Return names with their numbers of cases; a single name without."""
    if len(numbers) == 1:
        return next(iter(numbers))
    return ", ".join(f"{name} in {count(number, 'case')}" for name, number in numbers.items())


def percent(share: float) -> str:
    """Return a share of 0 to 1 as percent."""
    return f"{100 * share:.3g} %"


def file_size(size: float) -> str:
    """Return a number of bytes in the unit that suits it."""
    for unit in _UNITS[:-1]:
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} {_UNITS[-1]}"


def _spacing(summary: Summary) -> str:
    if summary.distinct_spacings == 1:
        return " x ".join(f"{along.median:.4g}" for along in summary.spacing_mm) + " mm"
    return f"{summary.distinct_spacings} distinct ones"


def _channels(summary: Summary) -> str:
    if len(summary.channel_counts) > 1:
        return counts({str(n): cases for n, cases in summary.channel_counts.items()})
    return f"{len(summary.channels)} ({', '.join(channel.name for channel in summary.channels)})"


def _label_row(label: LabelSummary, labelled: int) -> tuple[str, ...]:
    return (
        str(label.value),
        label.name or ("" if label.value else "background"),
        f"{label.cases} of {labelled}",
        _range(label.voxels),
        _range(label.volume_ml),
        percent(label.share),
    )


def _range(spread: Spread) -> str:
    if math.isnan(spread.median):
        return "none"
    low, median, high = map(format_number, (spread.lowest, spread.median, spread.highest))
    return f"{median} ({low} to {high})"
