"""Between what a MONAI pipeline carries (ndarray, Tensor, MetaTensor) and arrays [C, I, J, K]."""

from __future__ import annotations

import math
from collections.abc import Hashable
from copy import deepcopy
from typing import TypeAlias

import numpy as np
import torch
from monai.data import MetaTensor
from monai.data.utils import affine_to_spacing, to_affine_nd
from monai.utils.enums import MetaKeys

from medaug.typing import AnyArray, Matrix

Volume: TypeAlias = AnyArray | torch.Tensor

#: The share of the volume of a box, of the same edges, below which a voxel is flat.
_FLAT = 1e-12


def without_metadata(volume: Volume) -> Volume:
    """Return the voxels as they are: each look at a ``MetaTensor`` takes a way through MONAI."""
    return volume.as_tensor() if isinstance(volume, MetaTensor) else volume


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
    volume = without_metadata(volume)
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
    plain = without_metadata(original)
    if plain.ndim == 3:
        voxels = voxels[..., 0]
    if not isinstance(plain, torch.Tensor):
        return voxels
    tensor = voxels if isinstance(voxels, torch.Tensor) else torch.from_numpy(voxels)
    tensor = tensor.to(plain.device)
    if not isinstance(original, MetaTensor):
        return tensor
    result: torch.Tensor = _with_metadata_of(original, tensor)
    return result


def _with_metadata_of(original: MetaTensor, tensor: torch.Tensor) -> MetaTensor:
    """Return ``tensor`` with what ``original`` says, which the constructor takes long to make."""
    result = tensor.as_subclass(MetaTensor)
    result.copy_meta_from(original, copy_attr=False)
    # MONAI writes into nested metadata in place, so a shallow copy would reach the input. Of a
    # tensor, torch's own deepcopy takes longer than all the rest here.
    result.meta = {
        name: entry.detach().clone() if isinstance(entry, torch.Tensor) else deepcopy(entry)
        for name, entry in original.meta.items()
    }
    result.applied_operations = list(original.applied_operations)
    result.clear_pending_operations()
    return result


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
    given = volume.affine.cpu().numpy()
    rank = min(len(given) - 1, 3)
    affine[:rank, :rank], affine[:rank, 3] = given[:rank, :rank], given[:rank, -1]
    if not _is_usable(affine):
        raise ValueError(f"the affine of {key!r} is singular or not finite: {given.tolist()}")
    return affine


def _is_usable(affine: Matrix) -> bool:
    """Tell whether an affine [4, 4] is finite and its axes do not lie in a plane, up to rounding.

    In plain numbers: of so few, NumPy takes several times as long.
    """
    (a, b, c, x), (d, e, f, y), (g, h, i, z), _ = affine.tolist()
    volume = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    box = math.hypot(a, d, g) * math.hypot(b, e, h) * math.hypot(c, f, i)
    return math.isfinite(x + y + z) and abs(volume) > _FLAT * box  # false for NaN and infinity


def move_affine(volume: MetaTensor, matrix: Matrix) -> None:
    """Note that voxels of ``volume`` come from ``matrix`` times their place, and the new spacing.

    Parameters
    ----------
    volume : MetaTensor
        Its metadata is written to.
    matrix : float64 array [4, 4]
        From its voxels to those that its affine is of.
    """
    before, pulled = volume.affine, torch.from_numpy(matrix)
    if before.shape != pulled.shape:
        pulled = to_affine_nd(before.shape[-1] - 1, pulled)
    affine = before.to(torch.float64) @ pulled
    volume.meta[MetaKeys.AFFINE] = affine
    if MetaKeys.PIXDIM in volume.meta:
        spacing = affine_to_spacing(affine)
        volume.meta[MetaKeys.PIXDIM][1 : 1 + len(spacing)] = spacing
