"""Intensity transforms that put something else in the place of voxels."""

from __future__ import annotations

from typing import get_args

from monai.config import KeysCollection
from typing_extensions import Unpack

from medaug.intensity import CutOut, Fill, Impulses
from medaug.ranges import (
    AxisRangesLike,
    RangeLike,
    parse_amounts,
    parse_axis_amounts,
    parse_probability,
)
from medaug.resample import check_choice
from medaug.transforms.changing import RandIntensityDictTransform
from medaug.transforms.options import IntensityOptions


class RandSaltPepperd(RandIntensityDictTransform):
    """Set single voxels to the extremes of the channel; see :class:`medaug.intensity.Impulses`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`. Channels share the density unless ``per_channel``, but
        never the voxels.
    density : float or pair
        Share of the voxels; a number means itself.
    salt : float
        Share of the largest value among them; the others get the smallest.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        density: RangeLike = (0.0, 0.01),
        salt: float = 0.5,
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = Impulses(parse_amounts("density", density), parse_probability("salt", salt))
        super().__init__(keys, prob, effect, options)


class RandCutOutd(RandIntensityDictTransform):
    """Fill random boxes, those of an image at the same place in all channels.

    See :class:`medaug.intensity.CutOut`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    holes : int or pair
        How many boxes; a number means itself.
    size_mm : range
        Edge of a box. A number means itself, a pair a range for each axis, three entries one for
        each axis.
    fill : {"low", "mean", "zero"}
        What the boxes hold: the smallest value of the channel, its mean, or zero.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        holes: RangeLike = (1, 4),
        size_mm: AxisRangesLike = (5.0, 20.0),
        fill: Fill = "mean",
        **options: Unpack[IntensityOptions],
    ) -> None:
        check_choice("fill", fill, get_args(Fill))
        edges = parse_axis_amounts("size_mm", size_mm, flat=1.0)
        super().__init__(keys, prob, CutOut(parse_amounts("holes", holes), edges, fill), options)


RandSaltPepperD = RandSaltPepperDict = RandSaltPepperd
RandCutOutD = RandCutOutDict = RandCutOutd
