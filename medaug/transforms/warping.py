"""The base of the transforms that move voxels: one warp a sample, one resample a key."""

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
from medaug.resample import Mode, PaddingMode, Sampling, resample_array
from medaug.spatial import Grid, MaybeEffect, output_shape_of, sample_warp
from medaug.transforms.base import RandDictTransform, Record, Sample
from medaug.transforms.tensors import array_of, spacing_mm_of, volume_like


class WarpDictTransform(RandDictTransform):
    """Base of the spatial transforms: what a subclass adds is its effects and their ranges.

    Parameters
    ----------
    keys, prob, allow_missing_keys
        See :class:`medaug.transforms.base.RandDictTransform`.
    effects : sequence of MaybeEffect
        The first one is the last that is done to the image.
    spatial_size, mode, padding_mode, padding_value
        See :class:`medaug.transforms.RandSpatiald`.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float,
        *,
        effects: Sequence[MaybeEffect],
        spatial_size: int | Sequence[int] | None,
        mode: Mode | Sequence[Mode],
        padding_mode: PaddingMode | Sequence[PaddingMode],
        padding_value: float | Sequence[float],
        allow_missing_keys: bool,
    ) -> None:
        super().__init__(keys, prob, allow_missing_keys)
        output_shape_of(spatial_size, (1, 1, 1))  # refuses a bad size now rather than in a worker
        self.spatial_size = spatial_size
        self.effects = tuple(effects)
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
