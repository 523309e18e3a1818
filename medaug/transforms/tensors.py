"""Between what a MONAI pipeline carries (ndarray, Tensor, MetaTensor) and arrays [C, I, J, K]."""

from __future__ import annotations

import math
from collections.abc import Hashable
from copy import deepcopy
from typing import TypeAlias

import numpy as np
import torch
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing
from monai.utils.enums import MetaKeys

from medaug.typing import AnyArray, Matrix

Volume: TypeAlias = AnyArray | torch.Tensor

#: The share of the volume of a box, of the same edges, below which a voxel is flat.
_FLAT = 1e-12


def plain_volume(volume: Volume, key: Hashable) -> Volume:
    """Return the voxels [C, I, J, K] without metadata or gradient, where they live.

    Raises
    ------
    TypeError
        If ``volume`` is neither an array nor a tensor, or does not hold real numbers of 8 bytes
        at most.
    ValueError
        If it has not two or three spatial axes behind the channel axis, or has no voxels.
    """
    if isinstance(volume, MetaTensor):
        volume = volume.as_tensor()
    if isinstance(volume, torch.Tensor):
        volume, is_real = volume.detach(), not volume.is_complex()
    elif isinstance(volume, np.ndarray):
        is_real = volume.dtype.kind in "biuf" and volume.dtype.itemsize <= 8
    else:
        raise TypeError(f"{key!r} must be an ndarray or a Tensor; got {type(volume).__name__}")
    if not is_real:
        raise TypeError(f"{key!r} must hold real numbers of 8 bytes at most; got {volume.dtype}")
    if volume.ndim not in (3, 4) or 0 in volume.shape:
        raise ValueError(
            f"{key!r} must have shape [C, I, J] or [C, I, J, K] with at least one voxel; "
            f"got {list(volume.shape)}"
        )
    return volume if volume.ndim == 4 else volume[..., None]


def array_of(volume: Volume, key: Hashable) -> AnyArray:
    """Return the voxels as a NumPy array [C, I, J, K], without a copy for CPU tensors.

    Raises what :func:`plain_volume` and :func:`numpy_of` raise.
    """
    return numpy_of(plain_volume(volume, key), key)


def numpy_of(volume: Volume, key: Hashable) -> AnyArray:
    """Return a plain volume as a NumPy array.

    Raises
    ------
    TypeError
        If NumPy lacks its dtype, as bfloat16.
    """
    if isinstance(volume, np.ndarray):
        return volume
    try:
        return volume.cpu().numpy()
    except TypeError as error:
        raise TypeError(f"{key!r} has dtype {volume.dtype}, which NumPy lacks") from error


def volume_like(voxels: Volume, original: Volume) -> Volume:
    """Return ``voxels`` [C, I, J, K] as the kind of ``original``, with its metadata and rank."""
    if original.ndim == 3:
        voxels = voxels[..., 0]
    if not isinstance(original, torch.Tensor):
        return voxels
    tensor = voxels if isinstance(voxels, torch.Tensor) else torch.from_numpy(voxels)
    tensor = tensor.to(original.device)
    if not isinstance(original, MetaTensor):
        return tensor
    # MONAI writes into nested metadata in place, so a shallow copy would reach the input. Of a
    # tensor, torch's own deepcopy takes longer than all the rest here.
    meta = {
        name: entry.detach().clone() if isinstance(entry, torch.Tensor) else deepcopy(entry)
        for name, entry in original.meta.items()
    }
    operations = list(original.applied_operations)
    with_meta: torch.Tensor = MetaTensor(tensor, meta=meta, applied_operations=operations)
    return with_meta


def affine_of(volume: Volume, key: Hashable) -> Matrix:
    """Return the voxel-to-world affine, float64 [4, 4]; the identity where there is no metadata.

    Raises
    ------
    ValueError
        If the affine is singular or not finite.
    """
    affine = np.eye(4)
    if not isinstance(volume, MetaTensor):
        return affine
    given = np.asarray(volume.affine.cpu(), dtype=np.float64)
    rank = min(given.shape[0] - 1, 3)
    affine[:rank, :rank], affine[:rank, 3] = given[:rank, :rank], given[:rank, -1]
    if not np.isfinite(given).all() or _is_singular(affine[:3, :3]):
        raise ValueError(f"the affine of {key!r} is singular or not finite: {given.tolist()}")
    return affine


def _is_singular(linear: Matrix) -> bool:
    """Tell whether the columns of a matrix [3, 3] lie in a plane, up to rounding."""
    (a, b, c), (d, e, f), (g, h, i) = linear.tolist()
    volume = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    box = math.hypot(a, d, g) * math.hypot(b, e, h) * math.hypot(c, f, i)
    return bool(abs(volume) <= _FLAT * box)


def set_affine(volume: MetaTensor, affine: torch.Tensor) -> None:
    """Write ``affine`` into the metadata of ``volume``, and the spacing that goes with it."""
    volume.affine = affine
    if MetaKeys.PIXDIM in volume.meta:
        spacing = affine_to_spacing(volume.affine)
        volume.meta[MetaKeys.PIXDIM][1 : 1 + len(spacing)] = spacing
