"""The joint spatial transform: one warp, one resample."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.data.utils import to_affine_nd
from monai.utils import ensure_tuple_rep
from monai.utils.enums import TraceKeys

from medaug.geometry import Warp
from medaug.ranges import (
    AxisRangesLike,
    RangeLike,
    parse_amounts,
    parse_axis_probabilities,
    parse_axis_ranges,
    parse_probability,
)
from medaug.resample import Mode, PaddingMode, Sampling, resample_array
from medaug.spatial import (
    Elastic,
    Flip,
    Grid,
    MaybeEffect,
    Rotate,
    Scale,
    Shear,
    Translate,
    output_shape_of,
    sample_warp,
)
from medaug.transforms.base import RandDictTransform, Record, Sample
from medaug.transforms.tensors import array_of, spacing_mm_of, volume_like


class RandSpatiald(RandDictTransform):
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
        super().__init__(keys, prob, allow_missing_keys)
        self.spatial_size = spatial_size
        output_shape_of(spatial_size, (1, 1, 1))  # refuses a bad size now rather than in a worker
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
        self.effects = (
            MaybeEffect(elastic, parse_probability("elastic_prob", elastic_prob)),
            MaybeEffect(translate, parse_probability("translate_prob", translate_prob)),
            MaybeEffect(rotate, parse_probability("rotate_prob", rotate_prob)),
            MaybeEffect(shear, parse_probability("shear_prob", shear_prob)),
            MaybeEffect(magnify, parse_probability("scale_prob", scale_prob)),
            MaybeEffect(Flip(parse_axis_probabilities("flip_prob", flip_prob)), 1.0),
        )
        count = len(self.keys)
        self.samplings = tuple(
            Sampling(*options)
            for options in zip(
                ensure_tuple_rep(mode, count),
                ensure_tuple_rep(padding_mode, count),
                ensure_tuple_rep(padding_value, count),
                strict=True,
            )
        )

    def sample(self, data: Mapping[Hashable, Any], rng: np.random.Generator) -> Record:
        """Return the warp of this sample as ``{"warp": ...}``; see :meth:`Warp.to_dict`."""
        grid = self._grid_of(data)
        effects = self.effects if self.fires(rng) else ()
        return {"warp": sample_warp(effects, rng, grid).to_dict()}

    def apply(self, data: Mapping[Hashable, Any], record: Record) -> Sample:
        """Resample every key by the warp of ``record``."""
        d = dict(data)
        warp, encoded = Warp.from_dict(record["warp"]), json.dumps(record)
        for key, sampling in self.key_iterator(d, self.samplings):
            original = d[key]
            array = resample_array(array_of(original, key), warp, sampling)
            d[key] = volume_like(array, original)
            self.trace(
                d, key, original, encoded, affine=warp.affine_part(), **dataclasses.asdict(sampling)
            )
        return d

    def inverse(self, data: Mapping[Hashable, Any]) -> Sample:
        """Take every key back to the grid it came from.

        What had left the field of view is gone; it comes back as ``padding_value``.
        """
        d = dict(data)
        for key in self.key_iterator(d):
            record, note = self.untrace(d, key)
            warped, warp = d[key], Warp.from_dict(record["warp"])
            size = [int(n) for n in note[TraceKeys.ORIG_SIZE]]
            undone = warp.inverse(size + [1] * (3 - len(size)))
            # MONAI's Invertd writes the interpolation that it wants into the note.
            info = note[TraceKeys.EXTRA_INFO]
            sampling = Sampling(info["mode"], info["padding_mode"], float(info["padding_value"]))
            array = resample_array(array_of(warped, key), undone, sampling)
            d[key] = volume_like(array, warped)
            if isinstance(d[key], MetaTensor):
                d[key].affine = warped.affine @ to_affine_nd(
                    warped.affine.shape[-1] - 1, torch.from_numpy(undone.affine_part())
                )
        return d

    def _grid_of(self, data: Mapping[Hashable, Any]) -> Grid:
        """Return the grid that all keys share."""
        shapes = {key: array_of(data[key], key).shape[1:] for key in self.key_iterator(dict(data))}
        if len(set(shapes.values())) > 1:
            raise ValueError(f"all keys must have the same spatial shape; got {shapes}")
        if not shapes:
            raise KeyError(f"the sample has none of the keys {list(self.keys)}")
        key, shape = next(iter(shapes.items()))
        return Grid(shape, spacing_mm_of(data[key], key), output_shape_of(self.spatial_size, shape))


RandSpatialD = RandSpatialDict = RandSpatiald
