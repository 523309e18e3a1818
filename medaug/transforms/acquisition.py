"""Intensity transforms that emulate what goes wrong while a scan is acquired or stored."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real

from monai.config import KeysCollection
from typing_extensions import Unpack

from medaug.intensity import (
    BlockCompression,
    Ghosting,
    Gibbs,
    GibbsWindow,
    MetalStreaks,
    Motion,
    QuantumNoise,
    Spikes,
)
from medaug.ranges import (
    AxisRangesLike,
    RangeLike,
    is_one_range,
    parse_amounts,
    parse_axis_amounts,
    parse_axis_ranges,
)
from medaug.transforms.changing import RandIntensityDictTransform
from medaug.transforms.options import IntensityOptions


class RandGibbsd(RandIntensityDictTransform):
    """Cut k-space off, which rings beside edges; see :class:`medaug.intensity.Gibbs`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    keep : range
        Share of the spatial frequencies that is kept. A number means itself. One share for all
        axes, unless there is an entry for each.
    window : {"box", "ellipsoid"}
        Shape of what is kept: each axis is cut by itself, or the corners of k-space go first.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        keep: AxisRangesLike = (0.5, 0.9),
        window: GibbsWindow = "box",
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = Gibbs(parse_axis_amounts("keep", keep, 1.0), is_one_range(keep), window)
        super().__init__(keys, prob, effect, options)


class RandGhostingd(RandIntensityDictTransform):
    """Add ghosts along the phase encoding axis; see :class:`medaug.intensity.Ghosting`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    ghosts : int or pair
        Images along the axis, the original included; a number means itself.
    intensity : float or pair
        Of each copy, as a share of the original; a number means itself.
    axis : int
        The phase encoding axis; -1 draws one for each image.
    centre : float
        Share of the lines of k-space, those about its centre, that stays.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        ghosts: int | Sequence[int] = (2, 6),
        intensity: RangeLike = (0.02, 0.15),
        axis: int = -1,
        centre: float = 0.02,
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = Ghosting(
            _parse_counts("ghosts", ghosts), parse_amounts("intensity", intensity), axis, centre
        )
        super().__init__(keys, prob, effect, options)


class RandMotiond(RandIntensityDictTransform):
    """Let the body move while k-space is read; see :class:`medaug.intensity.Motion`.

    The label stays where it is: the centre of k-space is read before anything has moved.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    degrees : range
        Angle of a pose about each array axis; a number ``d`` means ``-d`` to ``d``.
    translate_mm : range
        Shift of a pose along each array axis; a number ``t`` means ``-t`` to ``t``.
    movements : int or pair
        How often another pose is taken; a number means itself.
    axis : int
        The phase encoding axis; -1 draws one for each image.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        degrees: AxisRangesLike = 5.0,
        translate_mm: AxisRangesLike = 4.0,
        movements: int | Sequence[int] = (2, 6),
        axis: int = -1,
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = Motion(
            parse_axis_ranges("degrees", degrees),
            parse_axis_ranges("translate_mm", translate_mm),
            _parse_counts("movements", movements),
            axis,
        )
        super().__init__(keys, prob, effect, options)


class RandSpiked(RandIntensityDictTransform):
    """Lay stripes over the image by spikes in k-space; see :class:`medaug.intensity.Spikes`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    spikes : int or pair
        How many; a number means itself.
    intensity : float or pair
        Of each spike, as a share of the largest coefficient of k-space; a number means itself.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        spikes: int | Sequence[int] = (1, 3),
        intensity: RangeLike = (0.02, 0.15),
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = Spikes(_parse_counts("spikes", spikes), parse_amounts("intensity", intensity))
        super().__init__(keys, prob, effect, options)


class RandQuantumNoised(RandIntensityDictTransform):
    """Lower the dose of a CT scan; see :class:`medaug.intensity.QuantumNoise`.

    The image is in HU, unless ``air`` and ``water`` say what stands for them.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    dose : float or pair
        Share of the dose of the scan; a number means itself.
    reference_noise_hu : float
        Standard deviation of the noise that the scan has.
    air, water : float
        What stands for -1000 and 0 HU in the image.
    kernel_mm : float
        Standard deviation of the reconstruction kernel.
    modulation : float
        How far the tube current evens out noise between slices, 0 to 1.
    slice_axis : int
        The array axis across the slices.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        dose: RangeLike = (0.15, 0.8),
        reference_noise_hu: float = 12.0,
        air: float = -1000.0,
        water: float = 0.0,
        kernel_mm: float = 0.5,
        modulation: float = 0.5,
        slice_axis: int = 2,
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = QuantumNoise(
            parse_amounts("dose", dose),
            reference_noise_hu,
            air,
            water,
            kernel_mm,
            modulation,
            slice_axis,
        )
        super().__init__(keys, prob, effect, options)


class RandMetalStreaksd(RandIntensityDictTransform):
    """Put metal and its streaks into a CT scan; see :class:`medaug.intensity.MetalStreaks`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    amplitude : float or pair, optional
        Of a streak beside the metal in standard deviations of the channel; a number means itself.
        0.3 to 1 unless given.
    amplitude_hu : float or pair, optional
        The same in the units of the image; give one of the two.
    metals : int or pair
        How many, 1 or 2; a number means itself.
    streaks : int or pair
        How many go through each; a number means itself.
    radius_mm : float or pair
        Of the metal; a number means itself.
    slice_axis : int
        The array axis across the slices.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        amplitude: RangeLike | None = None,
        amplitude_hu: RangeLike | None = None,
        metals: int | Sequence[int] = (1, 2),
        streaks: int | Sequence[int] = (4, 10),
        radius_mm: RangeLike = (1.5, 4.0),
        slice_axis: int = 2,
        **options: Unpack[IntensityOptions],
    ) -> None:
        if amplitude is not None and amplitude_hu is not None:
            raise ValueError(
                f"give amplitude or amplitude_hu; got {amplitude!r} and {amplitude_hu!r}"
            )
        if amplitude_hu is None:
            chosen = parse_amounts("amplitude", (0.3, 1.0) if amplitude is None else amplitude)
        else:
            chosen = parse_amounts("amplitude_hu", amplitude_hu)
        effect = MetalStreaks(
            chosen,
            amplitude_hu is not None,
            _parse_counts("metals", metals),
            _parse_counts("streaks", streaks),
            parse_amounts("radius_mm", radius_mm),
            slice_axis,
        )
        super().__init__(keys, prob, effect, options)


class RandBlockCompressiond(RandIntensityDictTransform):
    """Compress as JPEG does, in three dimensions; see :class:`medaug.intensity.BlockCompression`.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandIntensityScaled`.
    quality : float or pair
        From 1 to 100, which changes nothing; a number means itself.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        quality: RangeLike = (25.0, 90.0),
        **options: Unpack[IntensityOptions],
    ) -> None:
        effect = BlockCompression(parse_amounts("quality", quality))
        super().__init__(keys, prob, effect, options)


def _parse_counts(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    """Return ``value`` as a range of whole numbers from 0 on; a number means itself."""
    low, high = parse_amounts(name, float(value) if isinstance(value, Real) else value)
    if low % 1 or high % 1:
        raise ValueError(f"{name} must be whole numbers; got {value!r}")
    return int(low), int(high)


RandGibbsD = RandGibbsDict = RandGibbsd
RandGhostingD = RandGhostingDict = RandGhostingd
RandMotionD = RandMotionDict = RandMotiond
RandSpikeD = RandSpikeDict = RandSpiked
RandQuantumNoiseD = RandQuantumNoiseDict = RandQuantumNoised
RandMetalStreaksD = RandMetalStreaksDict = RandMetalStreaksd
RandBlockCompressionD = RandBlockCompressionDict = RandBlockCompressiond
