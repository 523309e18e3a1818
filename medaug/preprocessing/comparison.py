"""What is odd about cases beside the others of their data set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medaug.io.cases import DatasetFiles
from medaug.io.orientation import axes_for
from medaug.io.problems import Problem
from medaug.preprocessing.case_survey import CaseSurvey
from medaug.preprocessing.channel_survey import format_number

#: A spacing or a field of view this many times as large or as small as the median is odd.
ODD_LENGTH = 3.0

#: Widths of intensity ranges this many times as large as the next smaller one are another scale.
SCALE_GAP = 3.0

# With fewer cases nothing is usual.
_FEWEST = 3

# More cases than these share one line.
_LINES = 3
_NAMES = 50

_ANOTHER_EXPORT = (
    "another scanner or export? Normalise each case by itself (zscore), not by fixed numbers."
)


@dataclass(frozen=True)
class _Oddity:
    """A case that is odd, the file that shows it, and how it is."""

    case: CaseSurvey
    file: Path
    how: str


def compare_cases(files: DatasetFiles, cases: Sequence[CaseSurvey]) -> list[Problem]:
    """Return what is odd about cases beside the others of their data set.

    Errors: a number of channels that is not that of the set, label values that the set does not
    list. Warnings, where there are three cases or more: spacings and fields of view far from the
    median, and another scale of intensities than the most common one. Warnings: two cases with the
    very same image. Notes: listed label values that no case has.

    Parameters
    ----------
    files : DatasetFiles
    cases : sequence of CaseSurvey
        Of those that can be read.
    """
    problems = [
        *_channel_counts(files, cases),
        *_unlisted_labels(files, cases),
        *_unused_labels(files, cases),
        *_same_files(files, cases),
    ]
    if len(cases) >= _FEWEST:
        problems += [
            *_lengths(files, cases, "spacing", lambda case: case.spacing_mm),
            *_lengths(files, cases, "field of view", _field_of_view_mm),
            *_intensities(files, cases),
        ]
    return problems


def _channel_counts(files: DatasetFiles, cases: Sequence[CaseSurvey]) -> Iterator[Problem]:
    if files.channels is not None:
        usual, source = len(files.channels), "the data set lists"
    elif cases:
        usual = Counter(len(case.channels) for case in cases).most_common(1)[0][0]
        source = "most cases have"
    for case in cases:
        if len(case.channels) != usual:
            path = _image(files, case)
            yield Problem(
                "error",
                path,
                f"{path}: the number of channels is {len(case.channels)}, but {source} {usual}; "
                "give the case the channels of the others or remove it.",
                case.name,
            )


def _unlisted_labels(files: DatasetFiles, cases: Sequence[CaseSurvey]) -> Iterator[Problem]:
    if files.labels is None:
        return
    paths = {case.name: case.label.path for case in files.cases if case.label is not None}
    for case in cases:
        strange = [value for value in case.label_values if value not in files.labels]
        if strange:
            path = paths[case.name]
            values = ", ".join(map(str, strange))
            yield Problem(
                "error",
                path,
                f"{path}: label value {values} is not among those that the data set lists "
                f"({', '.join(map(str, files.labels))}); list it in dataset.json or correct the "
                "label.",
                case.name,
            )


def _unused_labels(files: DatasetFiles, cases: Sequence[CaseSurvey]) -> Iterator[Problem]:
    labelled = [case for case in cases if case.label_voxels is not None]
    used = {value for case in labelled for value in case.label_values}
    for value, name in (files.labels or {}).items():
        if labelled and value not in used:
            line = f"{files.root}: no case has label {value} ({name}), which the data set lists."
            yield Problem("note", files.root, line)


def _same_files(files: DatasetFiles, cases: Sequence[CaseSurvey]) -> Iterator[Problem]:
    count = {case.name: sum(len(scan.files) for scan in case.images) for case in files.cases}
    images: dict[tuple[str, ...], list[CaseSurvey]] = defaultdict(list)
    for case in cases:  # the files of the image come first
        images[tuple(case.sha256.values())[: count[case.name]]].append(case)
    for same in images.values():
        for case in same[1:]:
            path = _image(files, case)
            line = f"{path}: the very image of case {same[0].name}; remove one of the two."
            yield Problem("warning", path, line, case.name)


def _lengths(
    files: DatasetFiles,
    cases: Sequence[CaseSurvey],
    what: str,
    lengths_of: Callable[[CaseSurvey], Sequence[float]],
) -> Iterator[Problem]:
    """Yield cases with a length along an axis of the body that is far from the median."""
    lengths = np.array([_along_the_body(case, lengths_of(case)) for case in cases])
    median = np.median(lengths, axis=0)
    odd = np.maximum(lengths / median, median / lengths).max(axis=1) > ODD_LENGTH
    oddities = [
        _Oddity(case, _image(files, case), f"{_triple(row)} mm, usually {_triple(median)} mm")
        for case, row, is_odd in zip(cases, lengths, odd, strict=True)
        if is_odd
    ]
    yield from _lines(
        files, oddities, f"unusual {what} to the right, front and up", "check the header."
    )


def _intensities(files: DatasetFiles, cases: Sequence[CaseSurvey]) -> Iterator[Problem]:
    """Yield cases on other scales than the most common one, the channels of a case together."""
    count = min(len(case.channels) for case in cases)
    names = files.channels or tuple(map(str, range(count)))
    widths = [[case.channels[n].width for case in cases] for n in range(count)]
    for channels, rows in _odd_rows(widths).items():
        first = channels[0][0]
        along = widths[first]
        usual = format_number(np.median([along[row] for row in scales_of(along)[0]]).item())
        which = ", ".join(names[n] for n, _ in channels)
        what = "intensities" if count == 1 else f"intensities of {which}"
        of = "they span" if count == 1 else f"{names[first]} spans"
        oddities = [
            _Oddity(
                cases[row],
                _image(files, cases[row], first),
                f"{of} {format_number(along[row])}, usually about {usual}",
            )
            for row in rows
        ]
        yield from _lines(files, oddities, f"{what} on another scale", _ANOTHER_EXPORT)


def _odd_rows(widths: Sequence[Sequence[float]]) -> dict[tuple[tuple[int, int], ...], list[int]]:
    """Return the rows that are alike, by the channels in which they are odd and their scales."""
    odd: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for channel, along in enumerate(widths):
        for scale, rows in enumerate(scales_of(along)[1:]):
            for row in rows:
                odd[row].append((channel, scale))
    alike: dict[tuple[tuple[int, int], ...], list[int]] = defaultdict(list)
    for row in sorted(odd):
        alike[tuple(odd[row])].append(row)
    return alike


def scales_of(widths: Sequence[float]) -> list[list[int]]:
    """Sort widths of intensity ranges into scales that gaps of a factor `SCALE_GAP` part.

    Parameters
    ----------
    widths : sequence of float
        What is not positive, as of a constant channel, is on no scale.

    Returns
    -------
    list of list of int
        The indices of the widths on each scale, the most common one first.
    """
    scales: list[list[int]] = []
    usable = [index for index, width in enumerate(widths) if width > 0]
    for index in sorted(usable, key=widths.__getitem__):
        if scales and widths[index] <= SCALE_GAP * widths[scales[-1][-1]]:
            scales[-1].append(index)
        else:
            scales.append([index])
    return sorted(scales, key=len, reverse=True)


def _lines(
    files: DatasetFiles, oddities: Sequence[_Oddity], what: str, remedy: str
) -> Iterator[Problem]:
    """Yield a warning for each case, or one for all if they are many."""
    if len(oddities) <= _LINES:
        for each in oddities:
            line = f"{each.file}: {what} ({each.how}); {remedy}"
            yield Problem("warning", each.file, line, each.case.name)
        return
    names = [each.case.name for each in oddities]
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    line = (
        f"{files.root}: {what} in {len(names)} cases (of the first: {oddities[0].how}); {remedy} "
        f"Cases: {', '.join(names[:_NAMES])}{more}."
    )
    yield Problem("warning", files.root, line)


def _field_of_view_mm(case: CaseSurvey) -> list[float]:
    return [count * mm for count, mm in zip(case.shape, case.spacing_mm, strict=True)]


def _along_the_body(case: CaseSurvey, values: Sequence[float]) -> list[float]:
    """Return values along array axes in the order right, front, up."""
    return [values[axis] for axis in axes_for(case.orientation, "RAS")]


def _triple(lengths: Iterable[float]) -> str:
    return " x ".join(f"{length:.4g}" for length in lengths)


def _image(files: DatasetFiles, case: CaseSurvey, channel: int = 0) -> Path:
    """Return the file of a channel."""
    images = next(each.images for each in files.cases if each.name == case.name)
    return images[channel if channel < len(images) else 0].path
