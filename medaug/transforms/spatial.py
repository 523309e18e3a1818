"""Random transforms that move what is seen: the joint one, and thin ones for a single purpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from monai.config import KeysCollection
from typing_extensions import Unpack

from medaug.ranges import (
    AxisRangesLike,
    RangeLike,
    is_one_range,
    parse_amounts,
    parse_axis_probabilities,
    parse_axis_ranges,
    parse_probability,
)
from medaug.resample import check_choice
from medaug.spatial import (
    CenterCrop,
    Elastic,
    Flip,
    Rotate,
    Rotate90,
    Scale,
    Shear,
    SizeLike,
    Step,
    Translate,
    parse_size,
)
from medaug.transforms.options import WarpOptions
from medaug.transforms.warping import RandWarpDictTransform

#: What a scale factor is of.
ScaleOf: TypeAlias = Literal["objects", "field"]


class RandSpatiald(RandWarpDictTransform):
    """Flip, scale, shear, rotate, shift, crop and deform: all in one resample for all keys.

    What is seen is changed in that order, in millimetres about the centre of the field of view.
    Each effect takes part with its own probability. A number for a range means a symmetric one, a
    pair ``(low, high)`` itself, three entries one for each array axis. An effect that is left at
    its default is off.

    Parameters
    ----------
    keys : str or sequence of str
        Arrays [C, I, J, K] or [C, I, J]; all of one spatial shape. They share the warp.
    prob : float
        Probability that a sample is changed at all; otherwise it is only cut to ``spatial_size``.
    spatial_size : int or sequence of ints, optional
        Output size in voxels, about the centre; ``None``, or -1 for an axis, keeps the input's.
    rotate_degrees : range
        Angle about each axis.
    scale : range
        Magnification; a number ``s`` means ``1 - s`` to ``1 + s``. One factor for all axes, unless
        there is an entry for each.
    scale_of : {"objects", "field"}
        What the factor is of: 1.2 makes what is seen 1.2 times as large, or the field of view, so
        that it is seen 1.2 times as small.
    shear_degrees : range
        Angle by which the other axes lean towards each axis.
    translate_mm : range
        Shift along each axis.
    elastic_spacing_mm : float or pair
        Distance of the control points of the elastic deformation. A number means itself.
    elastic_std_mm : float or pair
        Standard deviation of its displacement along each axis. A number means itself. See
        :class:`medaug.spatial.Elastic`: no strength makes it fold.
    flip_prob : float or one for each axis
        Probability of mirroring each axis.
    swap_labels : sequence of pairs of ints
        Label values that change places when the left-right axis is mirrored. By the affine, that is
        the array axis nearest to the world's first; without metadata it is the first array axis.
    label_key : str
        The key that ``swap_labels`` is about; its ``mode`` must be ``nearest`` or ``vote``.
    rotate_prob, scale_prob, shear_prob, translate_prob, elastic_prob : float
        Probability that the effect takes part when the transform fires.
    **options
        ``mode``, ``padding_mode``, ``padding_value``, ``point_keys``, ``point_space``, ``backend``
        and ``allow_missing_keys``: see :class:`medaug.transforms.options.WarpOptions`.

    Raises
    ------
    ValueError
        When built: a range upside down, a probability outside [0, 1], an unknown mode, a size of
        zero. When called: keys of different shape, a wrong rank, an unusable affine, control points
        further apart than the volume is long.
    KeyError
        When called: a key is missing.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        spatial_size: SizeLike | None = None,
        rotate_degrees: AxisRangesLike = 0.0,
        rotate_prob: float = 1.0,
        scale: AxisRangesLike = 0.0,
        scale_prob: float = 1.0,
        scale_of: ScaleOf = "objects",
        shear_degrees: AxisRangesLike = 0.0,
        shear_prob: float = 1.0,
        translate_mm: AxisRangesLike = 0.0,
        translate_prob: float = 1.0,
        elastic_spacing_mm: RangeLike = 32.0,
        elastic_std_mm: RangeLike = 0.0,
        elastic_prob: float = 1.0,
        flip_prob: float | Sequence[float] = 0.0,
        swap_labels: Sequence[Sequence[int]] = (),
        label_key: str = "label",
        **options: Unpack[WarpOptions],
    ) -> None:
        steps = (
            Step(Flip(parse_axis_probabilities("flip_prob", flip_prob))),
            Step(_scale("scale", scale, scale_of), parse_probability("scale_prob", scale_prob)),
            Step(
                Shear(parse_axis_ranges("shear_degrees", shear_degrees)),
                parse_probability("shear_prob", shear_prob),
            ),
            Step(
                Rotate(parse_axis_ranges("rotate_degrees", rotate_degrees)),
                parse_probability("rotate_prob", rotate_prob),
            ),
            Step(
                Translate(parse_axis_ranges("translate_mm", translate_mm)),
                parse_probability("translate_prob", translate_prob),
            ),
            Step(CenterCrop(parse_size(spatial_size)), always=True),
            # Last, so that control points cover only what is cut out.
            Step(
                _elastic(elastic_spacing_mm, elastic_std_mm),
                parse_probability("elastic_prob", elastic_prob),
            ),
        )
        super().__init__(keys, prob, steps, options, swap_labels=swap_labels, label_key=label_key)


class RandAffined(RandWarpDictTransform):
    """Scale, shear, rotate and shift in one resample, in millimetres about the centre.

    Parameters
    ----------
    keys, prob, rotate_degrees, scale, shear_degrees, translate_mm, **options
        See :class:`RandSpatiald`.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        rotate_degrees: AxisRangesLike = 0.0,
        scale: AxisRangesLike = 0.0,
        shear_degrees: AxisRangesLike = 0.0,
        translate_mm: AxisRangesLike = 0.0,
        **options: Unpack[WarpOptions],
    ) -> None:
        steps = (
            Step(_scale("scale", scale)),
            Step(Shear(parse_axis_ranges("shear_degrees", shear_degrees))),
            Step(Rotate(parse_axis_ranges("rotate_degrees", rotate_degrees))),
            Step(Translate(parse_axis_ranges("translate_mm", translate_mm))),
        )
        super().__init__(keys, prob, steps, options)


class RandElasticd(RandWarpDictTransform):
    """Deform by a random B-spline lattice that never folds; see :class:`medaug.spatial.Elastic`.

    Parameters
    ----------
    keys, prob, elastic_spacing_mm, elastic_std_mm, **options
        See :class:`RandSpatiald`.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        elastic_spacing_mm: RangeLike = 32.0,
        elastic_std_mm: RangeLike = 2.0,
        **options: Unpack[WarpOptions],
    ) -> None:
        super().__init__(keys, prob, (Step(_elastic(elastic_spacing_mm, elastic_std_mm)),), options)


class RandZoomd(RandWarpDictTransform):
    """Magnify about the centre; the grid stays, so the rest is cut off or padded.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandSpatiald`.
    zoom : range
        Magnification; a number ``z`` means ``1 - z`` to ``1 + z``. One factor for all axes, unless
        there is an entry for each.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        zoom: AxisRangesLike = 0.1,
        **options: Unpack[WarpOptions],
    ) -> None:
        super().__init__(keys, prob, (Step(_scale("zoom", zoom)),), options)


class RandFlipd(RandWarpDictTransform):
    """Mirror along array axes, exact to the voxel.

    Parameters
    ----------
    keys, prob, swap_labels, label_key, **options
        See :class:`RandSpatiald`. ``mode`` is ``nearest`` unless given: nothing is interpolated.
    flip_prob : float or one for each axis
        Probability of mirroring each axis when the transform fires.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        flip_prob: float | Sequence[float] = 0.5,
        swap_labels: Sequence[Sequence[int]] = (),
        label_key: str = "label",
        **options: Unpack[WarpOptions],
    ) -> None:
        super().__init__(
            keys,
            prob,
            (Step(Flip(parse_axis_probabilities("flip_prob", flip_prob))),),
            options,
            default_mode="nearest",
            swap_labels=swap_labels,
            label_key=label_key,
        )


class RandRotate90d(RandWarpDictTransform):
    """Turn by quarters in the plane of two array axes, exact to the voxel.

    Parameters
    ----------
    keys, prob, **options
        See :class:`RandSpatiald`. ``mode`` is ``nearest`` unless given: nothing is interpolated.
    max_turns : int
        The number of quarter turns is drawn from 1 to ``max_turns``.
    axes : pair of ints
        Array axes of the plane; a turn brings what is seen along the first to the second.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        max_turns: int = 3,
        axes: Sequence[int] = (0, 1),
        **options: Unpack[WarpOptions],
    ) -> None:
        steps = (Step(Rotate90(max_turns, tuple(axes))),)
        super().__init__(keys, prob, steps, options, default_mode="nearest")


def _scale(name: str, factors: AxisRangesLike, scale_of: ScaleOf = "objects") -> Scale:
    check_choice("scale_of", scale_of, get_args(ScaleOf))
    ranges = parse_axis_ranges(name, factors, 1.0)
    return Scale(ranges, is_one_range(factors), name, scale_of == "field")


def _elastic(spacing_mm: RangeLike, std_mm: RangeLike) -> Elastic:
    return Elastic(
        parse_amounts("elastic_spacing_mm", spacing_mm), parse_amounts("elastic_std_mm", std_mm)
    )


RandSpatialD = RandSpatialDict = RandSpatiald
RandAffineD = RandAffineDict = RandAffined
RandElasticD = RandElasticDict = RandElasticd
RandZoomD = RandZoomDict = RandZoomd
RandFlipD = RandFlipDict = RandFlipd
RandRotate90D = RandRotate90Dict = RandRotate90d
