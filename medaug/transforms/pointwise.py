"""Intensity transforms that change each voxel by itself."""

from __future__ import annotations

from numbers import Real
from typing import get_args

from monai.config import KeysCollection
from typing_extensions import Unpack

from medaug.intensity import (
    NONZERO,
    Change,
    Clip,
    Contrast,
    Distribution,
    Gamma,
    IntensityScale,
    IntensityShift,
    ShiftUnit,
    Standardise,
    Window,
)
from medaug.ranges import RangeLike, Strength, parse_amounts, parse_probability, parse_range
from medaug.resample import check_choice
from medaug.transforms.changing import IntensityDictTransform, RandIntensityDictTransform
from medaug.transforms.options import IntensityOptions


class RandIntensityScaled(RandIntensityDictTransform):
    """Multiply intensities, as gain varies between scanners.

    See :class:`medaug.intensity.IntensityScale`.

    Parameters
    ----------
    keys : str or sequence of str
        Images [C, I, J, K] or [C, I, J].
    prob : float
        Probability that an image is changed.
    factor : float or pair
        Range of the factor; a number ``s`` means ``1 - s`` to ``1 + s``.
    distribution : {"uniform", "log_uniform", "balanced"}
        How it is drawn; ``balanced`` is as often below 1 as above, uniform on either side.
    **options
        ``per_channel``, ``channel_prob``, ``foreground``, ``keep_range`` and
        ``allow_missing_keys``: see :class:`medaug.transforms.options.IntensityOptions`.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        factor: RangeLike = 0.25,
        distribution: Distribution = "uniform",
        **options: Unpack[IntensityOptions],
    ) -> None:
        check_choice("distribution", distribution, get_args(Distribution))
        effect = IntensityScale(parse_range("factor", factor, 1.0), distribution)
        super().__init__(keys, prob, effect, options)


class RandIntensityShiftd(RandIntensityDictTransform):
    """Add the same to every voxel; see :class:`medaug.intensity.IntensityShift`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    offset : float or pair
        Range of what is added; a number ``s`` means ``-s`` to ``s``.
    unit : {"std", "absolute"}
        It is in standard deviations of the channel, or in the units of the image.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        offset: RangeLike = 0.25,
        unit: ShiftUnit = "std",
        **options: Unpack[IntensityOptions],
    ) -> None:
        check_choice("unit", unit, get_args(ShiftUnit))
        super().__init__(keys, prob, IntensityShift(parse_range("offset", offset), unit), options)


class RandContrastd(RandIntensityDictTransform):
    """Scale intensities about the mean of the channel; see :class:`medaug.intensity.Contrast`.

    Parameters
    ----------
    keys, prob, factor, distribution, **options
        See :class:`RandIntensityScaled`.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        factor: RangeLike = 0.25,
        distribution: Distribution = "uniform",
        **options: Unpack[IntensityOptions],
    ) -> None:
        check_choice("distribution", distribution, get_args(Distribution))
        effect = Contrast(parse_range("factor", factor, 1.0), distribution)
        super().__init__(keys, prob, effect, options)


class RandGammad(RandIntensityDictTransform):
    """Bend the intensity curve by a random exponent; see :class:`medaug.intensity.Gamma`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    gamma : float or pair
        Range of the exponent; a number ``g`` means ``1 - g`` to ``1 + g``.
    distribution : {"log_uniform", "uniform", "balanced"}
        How it is drawn.
    negate_prob : float
        Probability that the curve is bent from the bright end, as of the negated image.
    keep_stats : bool
        Restore mean and standard deviation of each channel afterwards.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        gamma: RangeLike = (0.7, 1.5),
        distribution: Distribution = "log_uniform",
        negate_prob: float = 0.0,
        keep_stats: bool = False,
        **options: Unpack[IntensityOptions],
    ) -> None:
        check_choice("distribution", distribution, get_args(Distribution))
        effect = Gamma(
            parse_range("gamma", gamma, 1.0),
            distribution,
            parse_probability("negate_prob", negate_prob),
            keep_stats,
        )
        super().__init__(keys, prob, effect, options)


class RandWindowd(RandIntensityDictTransform):
    """Show a window of the intensities, as of CT; see :class:`medaug.intensity.Window`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`. An image without its window is on another scale than one
        that has it, so ``prob`` is best left at 1.
    level, width : float or pair
        Range of the centre of the window and of its width, in the units of the image; a number
        means itself. Soft tissue of CT, in HU, unless given.
    output : pair
        What the ends of the window become.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        level: RangeLike = (20.0, 60.0),
        width: RangeLike = (300.0, 500.0),
        output: RangeLike = (0.0, 1.0),
        **options: Unpack[IntensityOptions],
    ) -> None:
        centre = (float(level), float(level)) if isinstance(level, Real) else level
        effect = Window(
            parse_range("level", centre),
            parse_amounts("width", width),
            parse_range("output", output),
        )
        super().__init__(keys, prob, effect, options)


class RandClipd(RandIntensityDictTransform):
    """Cut the tails of the intensities at random percentiles; see :class:`medaug.intensity.Clip`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    lower_percentile, upper_percentile : float or pair
        Ranges of the percentiles; a number means itself. 0 and 100 cut nothing.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        lower_percentile: RangeLike = (0.0, 1.0),
        upper_percentile: RangeLike = (99.0, 100.0),
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = Clip(
            parse_amounts("lower_percentile", lower_percentile),
            parse_amounts("upper_percentile", upper_percentile),
        )
        super().__init__(keys, prob, effect, options)


class Standardized(IntensityDictTransform):
    """Bring each channel to mean 0 and standard deviation 1.

    See :class:`medaug.intensity.Standardise`.

    Parameters
    ----------
    keys : str or sequence of str
        Images [C, I, J, K] or [C, I, J].
    foreground : str
        Change only these voxels, and take statistics of them alone: ``nonzero`` for those that are
        not zero, or the key of a mask of the same spatial shape. All voxels unless given.
    allow_missing_keys : bool
        Skip keys that a sample does not have, instead of raising ``KeyError``.
    """

    def __init__(
        self, keys: KeysCollection, foreground: str = "", allow_missing_keys: bool = False
    ) -> None:
        if not isinstance(foreground, str):
            raise TypeError(f"foreground must be {NONZERO!r} or a key; got {foreground!r}")
        change = _Certain(Standardise(), foreground=foreground)
        super().__init__(keys, (change,), allow_missing_keys)


class _Certain(Change):
    """A change that is no augmentation: containers make it neither weaker nor less likely."""

    def at(self, strength: Strength) -> Change:  # noqa: ARG002  # at any
        return self


RandIntensityScaleD = RandIntensityScaleDict = RandIntensityScaled
RandContrastD = RandContrastDict = RandContrastd
RandGammaD = RandGammaDict = RandGammad
RandIntensityShiftD = RandIntensityShiftDict = RandIntensityShiftd
RandWindowD = RandWindowDict = RandWindowd
RandClipD = RandClipDict = RandClipd
StandardizeD = StandardizeDict = Standardized
