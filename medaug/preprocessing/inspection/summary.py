"""A data set in a few numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from medaug.io.problems import SEVERITIES, Severity
from medaug.preprocessing.case_survey import CaseSurvey
from medaug.preprocessing.channel_survey import PERCENTILES
from medaug.preprocessing.survey import DatasetSurvey

# Spacings that differ by less, in mm, are equal: headers hold float32.
_SPACING_DECIMALS = 3

_MM3_PER_ML = 1000.0


@dataclass(frozen=True)
class Spread:
    """How a number varies over the cases."""

    lowest: float
    median: float
    highest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return that of some values, passing over NaN; NaN if nothing is left."""
        known = [value for value in values if not math.isnan(value)]
        if not known:
            return cls(math.nan, math.nan, math.nan)
        return cls(min(known), float(np.median(known)), max(known))


@dataclass(frozen=True)
class ChannelSummary:
    """The intensities of a channel in all cases.

    Attributes
    ----------
    name : str
        Its number, if the layout has no names.
    percentiles : tuple of Spread
        Of the foreground, at `medaug.preprocessing.channel_survey.PERCENTILES`.
    background_share : Spread
        Share of voxels, 0 to 1, that are an exact background.
    """

    name: str
    percentiles: tuple[Spread, ...]
    background_share: Spread


@dataclass(frozen=True)
class LabelSummary:
    """A label value in all labelled cases.

    Attributes
    ----------
    value : int
    name : str
        Empty if the layout has no names.
    cases : int
        That have it.
    voxels, volume_ml : Spread
        In the cases that have it.
    share : float
        Of all voxels of the labelled cases, 0 to 1.
    """

    value: int
    name: str
    cases: int
    voxels: Spread
    volume_ml: Spread
    share: float


@dataclass(frozen=True)
class Summary:
    """A data set in a few numbers.

    Attributes
    ----------
    name, root, layout : str
    cases : int
        That were found.
    readable, labelled, patients : int
        Cases whose image can be read, those of them whose label can, and whose scans they are.
    bytes : int
        Size of the files of readable cases.
    shape, spacing_mm : tuple of 3 Spread
        Along the array axes of each case.
    distinct_spacings : int
    orientations, dtypes : dict of str to int
        Number of readable cases, the most common first.
    channel_counts : dict of int to int
        Number of readable cases with so many channels, the most common first.
    channels : tuple of ChannelSummary
        Those that all readable cases have.
    labels : tuple of LabelSummary
        Of all values that are listed or occur.
    foreground_share : Spread
        Share of the voxels of a labelled case, 0 to 1, that are not background.
    problems : dict of severity to int
    """

    name: str
    root: str
    layout: str
    cases: int
    readable: int
    labelled: int
    patients: int
    bytes: int
    shape: tuple[Spread, ...]
    spacing_mm: tuple[Spread, ...]
    distinct_spacings: int
    orientations: dict[str, int]
    dtypes: dict[str, int]
    channel_counts: dict[int, int]
    channels: tuple[ChannelSummary, ...]
    labels: tuple[LabelSummary, ...]
    foreground_share: Spread
    problems: dict[Severity, int]


def summarise(surveyed: DatasetSurvey) -> Summary:
    """Return a data set in a few numbers."""
    files, cases = surveyed.files, surveyed.cases
    labelled = [case for case in cases if case.label_voxels is not None]
    severities = Counter(problem.severity for problem in surveyed.all_problems)
    return Summary(
        name=files.name,
        root=str(files.root),
        layout=files.layout,
        cases=len(files.cases),
        readable=len(cases),
        labelled=len(labelled),
        patients=len({case.patient for case in cases}),
        bytes=sum(case.bytes for case in cases),
        shape=tuple(Spread.of(case.shape[axis] for case in cases) for axis in range(3)),
        spacing_mm=tuple(Spread.of(case.spacing_mm[axis] for case in cases) for axis in range(3)),
        distinct_spacings=len(
            {tuple(np.round(case.spacing_mm, _SPACING_DECIMALS).tolist()) for case in cases}
        ),
        orientations=dict(Counter(case.orientation for case in cases).most_common()),
        dtypes=dict(Counter(case.dtype for case in cases).most_common()),
        channel_counts=dict(Counter(len(case.channels) for case in cases).most_common()),
        channels=tuple(_channels(surveyed)),
        labels=tuple(_labels(surveyed, labelled)),
        foreground_share=Spread.of(map(_foreground_share, labelled)),
        problems={severity: severities[severity] for severity in SEVERITIES},
    )


def volumes_ml(cases: Sequence[CaseSurvey], value: int) -> list[float]:
    """Return the volume of a label value in each case that has it."""
    return [
        case.label_voxels[value] * math.prod(case.spacing_mm) / _MM3_PER_ML
        for case in cases
        if case.label_voxels is not None and value in case.label_voxels
    ]


def _channels(surveyed: DatasetSurvey) -> Iterator[ChannelSummary]:
    count = min((len(case.channels) for case in surveyed.cases), default=0)
    names = surveyed.files.channels
    for number in range(count):
        channels = [case.channels[number] for case in surveyed.cases]
        named = names is not None and number < len(names)
        yield ChannelSummary(
            name=names[number] if names is not None and named else str(number),
            percentiles=tuple(
                Spread.of(channel.percentiles[at] for channel in channels)
                for at in range(len(PERCENTILES))
            ),
            background_share=Spread.of(channel.background_share for channel in channels),
        )


def _labels(surveyed: DatasetSurvey, labelled: Sequence[CaseSurvey]) -> Iterator[LabelSummary]:
    names = surveyed.files.labels or {}
    occurring = {value for case in labelled for value in case.label_values}
    total = sum(math.prod(case.shape) for case in labelled)
    for value in sorted({*names, *occurring}) if labelled else ():
        voxels = [n for case in labelled if (n := (case.label_voxels or {}).get(value, 0))]
        yield LabelSummary(
            value=value,
            name=names.get(value, ""),
            cases=len(voxels),
            voxels=Spread.of(voxels),
            volume_ml=Spread.of(volumes_ml(labelled, value)),
            share=sum(voxels) / total,
        )


def _foreground_share(case: CaseSurvey) -> float:
    return 1 - (case.label_voxels or {}).get(0, 0) / math.prod(case.shape)
