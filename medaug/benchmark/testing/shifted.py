"""The shifted test: how a trained network does on corrupted test cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from torch import nn

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.cases.regions import Region
from medaug.benchmark.config import ShiftConfig
from medaug.benchmark.testing.corruptions import corrupt
from medaug.benchmark.testing.inference import Segmenter
from medaug.benchmark.testing.overlap import dice_of


def shifted_dice(
    network: nn.Module,
    cases: Sequence[Case],
    regions: Sequence[Region],
    segmenter: Segmenter,
    shift: ShiftConfig,
) -> Iterator[dict[str, Any]]:
    """Yield the Dice of each region under each corruption and severity, of the first cases.

    The truth is the label of the corrupted case: a rotation turns it as well. Each row has the
    ``corruption``, its ``severity``, the ``case``, the ``class`` and the ``dice``.
    """
    for case in cases[: shift.cases]:
        for corruption, severity in product(shift.corruptions, shift.severities):
            corrupted = corrupt(case, corruption, severity, seed=shift.seed)
            segmented = segmenter.segment(network, corrupted)
            for region in regions:
                yield {
                    "corruption": corruption,
                    "severity": severity,
                    "case": case.name,
                    "class": region.name,
                    "dice": dice_of(region.mask(segmented), region.mask(corrupted.label[0])),
                }
