"""The joint spatial transform: one warp, one resample."""

from __future__ import annotations

from collections.abc import Sequence

from monai.config import KeysCollection

from medaug.ranges import (
    AxisRangesLike,
    RangeLike,
    parse_amounts,
    parse_axis_probabilities,
    parse_axis_ranges,
    parse_probability,
)
from medaug.resample import Mode, PaddingMode
from medaug.spatial import Elastic, Flip, MaybeEffect, Rotate, Scale, Shear, Translate
from medaug.transforms.warping import WarpDictTransform


class RandSpatiald(WarpDictTransform):
    """Flip, scale, shear, rotate, shift and deform, then crop: all in one resample for all keys.

    What is seen is changed in that order, in millimetres about the centre of the field of view,
    and the centre of the result is cut out or padded to ``spatial_size``. Each effect takes part
    with its own probability. A number for a range means a symmetric one, a pair ``(low, high)``
    itself, three entries one for each array axis. An effect that is left at its default is off.

    Parameters
    ----------
    keys : str or sequence of str
        Arrays [C, I, J, K] or [C, I, J]; all of one spatial shape. They share the warp.
    prob : float
        Probability that a sample is changed at all; otherwise it is only cut to ``spatial_size``.
    spatial_size : int or sequence of ints, optional
        Output size in voxels; ``None``, or -1 for an axis, keeps the input's.
    rotate_degrees : range
        Angle about each axis.
    scale : range
        Magnification; a number ``s`` means ``1 - s`` to ``1 + s``. One factor for all axes, unless
        there are three entries.
    shear_degrees : range
        Angle by which the other axes lean towards each axis.
    translate_mm : range
        Shift along each axis.
    elastic_spacing_mm : float or pair
        Distance of the control points of the elastic deformation. A number means itself.
    elastic_std_mm : float or pair
        Standard deviation of its displacement along each axis. A number means itself. See
        :class:`medaug.spatial.Elastic`: no strength makes it fold.
    flip_prob : float or three floats
        Probability of mirroring each axis.
    rotate_prob, scale_prob, shear_prob, translate_prob, elastic_prob : float
        Probability that the effect takes part when the transform fires.
    mode : str or sequence of str
        For each key: ``linear`` for images (float32 out); ``nearest`` or ``vote`` for labels.
    padding_mode : str or sequence of str
        For each key: ``constant``, ``border`` or ``reflect``.
    padding_value : float or sequence of floats
        For each key, the value outside the field of view under ``constant``.
    allow_missing_keys : bool
        Skip keys that a sample does not have.

    Raises
    ------
    ValueError
        When built: a range upside down, a probability outside [0, 1], an unknown mode, a size of
        zero. When called: keys of different shape, a wrong rank, an unusable affine.
    KeyError
        When called: a key is missing.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float = 1.0,
        *,
        spatial_size: int | Sequence[int] | None = None,
        rotate_degrees: AxisRangesLike = 0.0,
        rotate_prob: float = 1.0,
        scale: AxisRangesLike = 0.0,
        scale_prob: float = 1.0,
        shear_degrees: AxisRangesLike = 0.0,
        shear_prob: float = 1.0,
        translate_mm: AxisRangesLike = 0.0,
        translate_prob: float = 1.0,
        elastic_spacing_mm: RangeLike = 32.0,
        elastic_std_mm: RangeLike = 0.0,
        elastic_prob: float = 1.0,
        flip_prob: float | Sequence[float] = 0.0,
        mode: Mode | Sequence[Mode] = "linear",
        padding_mode: PaddingMode | Sequence[PaddingMode] = "constant",
        padding_value: float | Sequence[float] = 0.0,
        allow_missing_keys: bool = False,
    ) -> None:
        isotropic = isinstance(scale, (int, float)) or len(scale) == 2
        elastic = Elastic(
            parse_amounts("elastic_spacing_mm", elastic_spacing_mm),
            parse_amounts("elastic_std_mm", elastic_std_mm),
        )
        translate = Translate(parse_axis_ranges("translate_mm", translate_mm))
        rotate = Rotate(parse_axis_ranges("rotate_degrees", rotate_degrees))
        shear = Shear(parse_axis_ranges("shear_degrees", shear_degrees))
        magnify = Scale(parse_axis_ranges("scale", scale, 1.0), isotropic)
        # What is done to the image last acts first on an output coordinate.
        effects = (
            MaybeEffect(elastic, parse_probability("elastic_prob", elastic_prob)),
            MaybeEffect(translate, parse_probability("translate_prob", translate_prob)),
            MaybeEffect(rotate, parse_probability("rotate_prob", rotate_prob)),
            MaybeEffect(shear, parse_probability("shear_prob", shear_prob)),
            MaybeEffect(magnify, parse_probability("scale_prob", scale_prob)),
            MaybeEffect(Flip(parse_axis_probabilities("flip_prob", flip_prob)), 1.0),
        )
        super().__init__(
            keys,
            prob,
            effects=effects,
            spatial_size=spatial_size,
            mode=mode,
            padding_mode=padding_mode,
            padding_value=padding_value,
            allow_missing_keys=allow_missing_keys,
        )


RandSpatialD = RandSpatialDict = RandSpatiald
