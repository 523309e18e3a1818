"""Points that move with the image."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor

from medaug.geometry import affine_apply
from medaug.typing import AnyArray, Matrix


def mapped_points(
    points: Any,
    key: Hashable,
    rank: int,
    map_voxels: Callable[[Matrix], Matrix],
    affines: tuple[Matrix, Matrix] | None,
) -> Any:
    """Return ``points`` as the same kind of array, moved.

    Parameters
    ----------
    points : array or tensor [..., rank]
        Floating point; whole numbers come back as float32. A point that is not finite, as one that
        could not be found, stays as it is.
    key : str
        Named in errors.
    rank : int
        Axes of the image, 2 or 3.
    map_voxels : callable
        From voxel coordinates [N, 3] before to those after.
    affines : pair of float64 arrays [4, 4], optional
        Voxel-to-world affine before and after, for points in world coordinates.

    Raises what :func:`check_points` raises.
    """
    check_points(points, key, rank)
    given = points.detach().cpu().numpy() if isinstance(points, torch.Tensor) else points
    dtype = given.dtype if np.issubdtype(given.dtype, np.floating) else np.dtype(np.float32)
    flat = given.reshape(-1, rank).astype(dtype)
    finite = np.isfinite(flat).all(axis=1)
    flat[finite] = _moved(flat[finite], map_voxels, affines)
    moved = flat.reshape(given.shape)
    if not isinstance(points, torch.Tensor):
        return moved
    tensor = torch.from_numpy(moved).to(points.device)
    if isinstance(points, MetaTensor):
        operations = list(points.applied_operations)
        return MetaTensor(tensor, meta=deepcopy(points.meta), applied_operations=operations)
    return tensor


def check_points(points: Any, key: Hashable, rank: int) -> None:
    """Refuse what are no points of an image of ``rank`` axes.

    Raises
    ------
    TypeError
        If ``points`` is neither an array nor a tensor.
    ValueError
        If its last axis does not have ``rank`` entries.
    """
    if not isinstance(points, (np.ndarray, torch.Tensor)):
        raise TypeError(f"{key!r} must be an ndarray or a Tensor; got {type(points).__name__}")
    if points.ndim < 2 or points.shape[-1] != rank:
        raise ValueError(f"{key!r} must have shape [..., {rank}]; got {list(points.shape)}")


def _moved(
    points: AnyArray,
    map_voxels: Callable[[Matrix], Matrix],
    affines: tuple[Matrix, Matrix] | None,
) -> Matrix:
    """Return ``points`` [N, rank], moved, float64 [N, rank]."""
    rank = points.shape[1]
    moved = np.zeros((len(points), 3))
    moved[:, :rank] = points
    if affines is not None:
        moved = affine_apply(np.linalg.inv(affines[0]).astype(np.float64), moved)
    moved = map_voxels(moved)
    if affines is not None:
        moved = affine_apply(affines[1], moved)
    return moved[:, :rank]
