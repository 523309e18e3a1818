"""Between what a MONAI pipeline carries (ndarray, Tensor, MetaTensor) and arrays [C, I, J, K]."""

from __future__ import annotations

from copy import deepcopy
from typing import TypeAlias

import numpy as np
import torch
from monai.data import MetaTensor

from medaug.geometry import affine_spacing
from medaug.typing import AnyArray

Volume: TypeAlias = AnyArray | torch.Tensor


def array_of(volume: Volume, key: str) -> AnyArray:
    """Return the voxels as a NumPy array [C, I, J, K], without a copy for CPU tensors.

    Raises
    ------
    TypeError
        If ``volume`` is neither an array nor a tensor.
    ValueError
        If it has not two or three spatial axes behind the channel axis, or has no voxels.
    """
    if isinstance(volume, MetaTensor):
        volume = volume.as_tensor()
    if isinstance(volume, torch.Tensor):
        volume = volume.detach().cpu().numpy()
    if not isinstance(volume, np.ndarray):
        raise TypeError(f"{key!r} must be an ndarray or a Tensor; got {type(volume).__name__}")
    if volume.ndim not in (3, 4) or volume.size == 0:
        raise ValueError(
            f"{key!r} must have shape [C, I, J] or [C, I, J, K] with at least one voxel; "
            f"got {list(volume.shape)}"
        )
    return volume if volume.ndim == 4 else volume[..., None]


def volume_like(array: AnyArray, original: Volume) -> Volume:
    """Return ``array`` [C, I, J, K] as the kind of ``original``, with its metadata and rank."""
    if original.ndim == 3:
        array = array[..., 0]
    if not isinstance(original, torch.Tensor):
        return array
    tensor = torch.from_numpy(array).to(original.device)
    if not isinstance(original, MetaTensor):
        return tensor
    # MONAI writes into nested metadata in place, so a shallow copy would reach the input.
    meta, operations = deepcopy(original.meta), list(original.applied_operations)
    with_meta: torch.Tensor = MetaTensor(tensor, meta=meta, applied_operations=operations)
    return with_meta


def spacing_mm_of(volume: Volume, key: str) -> tuple[float, float, float]:
    """Return the voxel spacing along the array axes; 1 where there is no metadata.

    Raises
    ------
    ValueError
        If the affine is singular or not finite.
    """
    if not isinstance(volume, MetaTensor):
        return 1.0, 1.0, 1.0
    affine = np.eye(4)
    given = np.asarray(volume.affine.cpu(), dtype=np.float64)
    rank = min(given.shape[0] - 1, 3)
    affine[:rank, :rank] = given[:rank, :rank]
    if not np.isfinite(given).all() or np.linalg.det(affine) == 0:
        raise ValueError(f"the affine of {key!r} is singular or not finite: {given.tolist()}")
    first, second, third = (float(s) for s in affine_spacing(affine))
    return first, second, third
