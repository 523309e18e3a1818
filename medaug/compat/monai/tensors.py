"""What MONAI's transforms hand back: tensors with metadata, whatever went in."""

from __future__ import annotations

from typing import Any

import torch
from monai.data import MetaTensor, get_track_meta
from monai.utils import convert_to_tensor

from medaug.transforms.tensors import Volume


def as_monai_gives(volume: Volume, dtype: torch.dtype | None = None) -> Any:
    """Return ``volume`` as a ``MetaTensor``, or a ``Tensor`` where MONAI tracks no metadata.

    Parameters
    ----------
    volume : ndarray, Tensor or MetaTensor
        Its voxels are shared where neither dtype nor memory layout need another copy.
    dtype : torch.dtype, optional
        Of the result; that of ``volume`` unless given.
    """
    if isinstance(volume, MetaTensor) and get_track_meta():
        plain = volume.as_tensor()
        if plain.is_contiguous() and dtype in (None, plain.dtype):
            return volume
    return convert_to_tensor(volume, dtype=dtype, track_meta=get_track_meta())
