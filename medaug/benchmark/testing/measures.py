"""What is measured of a segmentation: the columns of every table of scores."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One column of the scores.

    Attributes
    ----------
    name : str
        Of the column.
    title : str
        For tables and axes, with its unit.
    higher_is_better : bool or None
        None where the best value lies in the middle.
    """

    name: str
    title: str
    higher_is_better: bool | None


#: In the order of the tables. The first one is what the answer is about.
MEASURES = (
    Measure("dice", "Dice", higher_is_better=True),
    Measure("iou", "IoU", higher_is_better=True),
    Measure("precision", "precision", higher_is_better=True),
    Measure("recall", "recall", higher_is_better=True),
    Measure("hd95_mm", "HD95 (mm)", higher_is_better=False),
    Measure("surface_dice", "surface Dice", higher_is_better=True),
    Measure("volume_error", "volume error", higher_is_better=None),
)
