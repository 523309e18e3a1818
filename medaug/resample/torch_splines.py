"""Cubic B-splines on tensors: weights, their product over the axes, and an image's coefficients.

Everything is element by element. Matrix products and convolutions would be shorter, but on CUDA
they may round to ten bits (TF32), by a switch that belongs to the training.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import torch

#: Along one axis: the offset [n] in elements, int64, and the weight [n], float32, of each tap.
Taps: TypeAlias = Sequence[tuple[torch.Tensor, torch.Tensor]]

# The inverse of sampling a cubic B-spline is the filter sqrt(3) * pole ** abs(k) (Unser 1999, IEEE
# Signal Processing Magazine 16(6)). Beyond the reach its taps are below 1e-7.
_POLE = math.sqrt(3.0) - 2.0
REACH = int(math.log(1e-7 / math.sqrt(3.0)) / math.log(-_POLE))


def spline_weights(t: torch.Tensor) -> list[torch.Tensor]:
    """Return the four cubic B-spline weights at ``t`` in [0, 1] of a cell; they sum to one."""
    s, square, cube = 1.0 - t, t * t, t * t * t
    first, last = s * s * s / 6.0, cube / 6.0
    second = 0.5 * cube - square + 2.0 / 3.0
    return [first, second, 1.0 - first - second - last, last]


def tensor_product(axes: Sequence[Taps]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield offset and weight of every combination of one tap of each of the three axes."""
    for (i, wi), (j, wj), (k, wk) in itertools.product(*axes):
        yield i + j + k, wi * wj * wk


def mirrored(x: torch.Tensor, size: int) -> torch.Tensor:
    """Fold coordinates into ``[0, size - 1]``, mirrored about both ends; ``size`` is above 1."""
    period = 2 * (size - 1)
    x = x.remainder(period)
    return torch.minimum(x, period - x)


def spline_coefficients(volume: torch.Tensor) -> torch.Tensor:
    """Return the coefficients of the cubic spline that goes through the voxels.

    Parameters
    ----------
    volume : float32 tensor [I, J, K]
        Goes on as its mirror image about the centres of its outermost voxels. An axis of one voxel
        is constant.
    """
    for axis, size in enumerate(volume.shape):
        if size > 1:
            volume = _unsampled(volume, axis)
    return volume


def _unsampled(volume: torch.Tensor, axis: int) -> torch.Tensor:
    size = volume.shape[axis]
    voxel = torch.arange(size, device=volume.device)
    total = math.sqrt(3.0) * volume
    for k in range(1, REACH + 1):
        before = volume.index_select(axis, mirrored(voxel - k, size))
        behind = volume.index_select(axis, mirrored(voxel + k, size))
        total.add_(before.add_(behind), alpha=math.sqrt(3.0) * _POLE**k)
    return total
