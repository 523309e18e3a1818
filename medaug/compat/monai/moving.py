"""The base of the drop-in transforms that move voxels."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms.lazy.functional import apply_pending_transforms

from medaug.compat.monai.tensors import as_monai_gives
from medaug.spatial import Step
from medaug.transforms.base import Record, Sample
from medaug.transforms.options import WarpOptions
from medaug.transforms.warping import RandWarpDictTransform


class RandMovingDropIn(RandWarpDictTransform):
    """Base of the drop-in transforms that move voxels.

    It takes and gives what MONAI's classes do, and all the rest is medaug's: the record that is
    kept with the sample, replay, ``Fused``, and the inverse.

    Parameters
    ----------
    keys, prob, steps, options
        See :class:`medaug.transforms.warping.RandWarpDictTransform`.
    gives_float32 : bool
        Whatever comes in leaves as float32, labels included.
    **others
        See :class:`medaug.transforms.warping.WarpDictTransform`.
    """

    def __init__(
        self,
        keys: KeysCollection,
        prob: float,
        steps: Sequence[Step],
        options: WarpOptions,
        *,
        gives_float32: bool,
        **others: Any,
    ) -> None:
        super().__init__(keys, prob, steps, options, **others)
        self.gives_float32 = gives_float32

    def __call__(self, data: Mapping[Hashable, Any], lazy: bool | None = None) -> Sample:
        """Draw a record and apply it at once, ``lazy`` or not.

        What MONAI has put off until now is done before.
        """
        current: Sample = apply_pending_transforms(dict(data), self.keys)
        if self.allow_missing_keys and not any(key in current for key in self.keys):
            return current
        return super().__call__(current)

    def apply(self, data: Mapping[Hashable, Any], record: Record) -> Sample:
        """Resample every key by the warp of ``record``, and give tensors as MONAI does."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = as_monai_gives(d[key])
        d = super().apply(d, record)
        if self.gives_float32:
            for key in self.key_iterator(d):
                d[key] = as_monai_gives(d[key], torch.float32)
        return d
