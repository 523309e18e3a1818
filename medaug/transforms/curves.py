"""Intensity transforms that send the range of a channel through a random curve."""

from __future__ import annotations

from monai.config import KeysCollection
from typing_extensions import Unpack

from medaug.intensity import HistogramShift, MonotoneCurve, NonlinearCurve
from medaug.ranges import RangeLike, parse_amounts
from medaug.transforms.changing import RandIntensityDictTransform
from medaug.transforms.options import IntensityOptions


class RandHistogramShiftd(RandIntensityDictTransform):
    """Move control points of the intensities, linear between.

    See :class:`medaug.intensity.HistogramShift`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    control_points : int or pair
        How many, both ends of the range included; fewer points allow larger shifts.
    strength : float or pair
        Share of the way that each point goes; a number means itself. 1 is MONAI's transform.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        control_points: RangeLike = 10,
        strength: RangeLike = (0.0, 0.5),
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = HistogramShift(
            parse_amounts("control_points", control_points), parse_amounts("strength", strength)
        )
        super().__init__(keys, prob, effect, options)


class RandMonotoneCurved(RandIntensityDictTransform):
    """Bend intensities by a smooth curve that keeps their order.

    See :class:`medaug.intensity.MonotoneCurve`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    strength : float or pair
        From 0 to 1, how far from the straight line the curve may go; a number means itself.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        strength: RangeLike = (0.0, 0.6),
        **options: Unpack[IntensityOptions],
    ) -> None:
        super().__init__(keys, prob, MonotoneCurve(parse_amounts("strength", strength)), options)


class RandNonlinearCurved(RandIntensityDictTransform):
    """Blend an image with a random curve of itself; see :class:`medaug.intensity.NonlinearCurve`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    strength : float or pair
        From 0 to 1, the share of the curve in the result; a number means itself.
    control_points : int or pair
        Of the curve, both ends of the range included; more points make more turns.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        strength: RangeLike = (0.0, 0.3),
        control_points: RangeLike = (4, 7),
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = NonlinearCurve(
            parse_amounts("strength", strength), parse_amounts("control_points", control_points)
        )
        super().__init__(keys, prob, effect, options)


RandHistogramShiftD = RandHistogramShiftDict = RandHistogramShiftd
RandMonotoneCurveD = RandMonotoneCurveDict = RandMonotoneCurved
RandNonlinearCurveD = RandNonlinearCurveDict = RandNonlinearCurved
