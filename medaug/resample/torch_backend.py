"""The torch backend: the same resample, for tensors that live on a GPU.

It gathers voxels by flat indices, as the compiled loops do. ``torch.nn.functional.grid_sample`` is
not used: it wants the coordinates of the whole output at once, scaled to [-1, 1] at the cost of
digits, reads halfway positions in another way, and knows neither votes nor integer labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch

from medaug.geometry import Shape, Warp, WarpKind
from medaug.kernels.gather import ROUNDING
from medaug.resample.box import touched_box
from medaug.resample.options import Sampling, check_shapes
from medaug.resample.torch_coordinates import SlabCoordinates
from medaug.resample.torch_splines import (
    REACH,
    Taps,
    mirrored,
    spline_coefficients,
    spline_weights,
    tensor_product,
)
from medaug.typing import AnyArray

#: The coordinates of a slab take so many bytes at most, unless it is a single plane. What else it
#: takes is a multiple of that: about 10 for linear, 20 for cubic or where a lattice is not the
#: first stage, up to 40 for a vote.
_SLAB_BYTES = 8 << 20

#: Labels are only copied and compared, so one integer type for each item size serves all dtypes,
#: also the unsigned ones for which torch has few operations.
_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@torch.no_grad()
def resample_tensors(
    tensors: Sequence[torch.Tensor], warp: Warp, samplings: Sequence[Sampling]
) -> list[torch.Tensor]:
    """Resample tensors that share a grid and a device, slab by slab of the output.

    Parameters
    ----------
    tensors : sequence of tensors [C, I, J, K]
        Of one spatial shape, no axis of it empty; any channels, strides and real dtypes.
    warp : Warp
        From output voxels to the voxels of the tensors.
    samplings : sequence of Sampling
        Interpolation and padding of each tensor.

    Returns
    -------
    list of tensors [C, *warp.output_shape]
        On the device of the input and outside autograd. float32 for ``linear`` and ``cubic``,
        otherwise of the input's dtype. The input itself where the warp is the identity and the
        dtype stays.

    Raises
    ------
    ValueError
        If a tensor has not four axes or no voxels, or their spatial shapes differ.

    Notes
    -----
    Agrees with :func:`medaug.resample.resample_arrays` up to the rounding of float32 coordinates.
    White noise, which shows it most, differs by less than 1e-4 of the range of its intensities and
    of ``padding_value`` on grids of up to 256 voxels a side, by twice that on 400. Labels differ
    only where two voxels or votes tie within that rounding, one voxel in 20,000 of white noise.

    Memory beyond input and output does not grow with them, but for ``cubic``: its coefficients are
    a float32 copy of the part of the input that the warp touches.
    """
    check_shapes([tuple(tensor.shape) for tensor in tensors])
    if not tensors:
        return []
    kind = warp.kind(tensors[0].shape[1:])
    pairs = list(zip(tensors, samplings, strict=True))
    if kind is WarpKind.IDENTITY:
        return [tensor.to(_dtype_of_result(tensor, sampling)) for tensor, sampling in pairs]
    jobs = [_job(tensor, warp, sampling, kind is WarpKind.GRID) for tensor, sampling in pairs]
    coordinates = SlabCoordinates(warp, tensors[0].device)
    for start, stop in _slabs(warp.output_shape):
        xyz = coordinates.of_planes(start, stop)
        for job in jobs:
            job.write(job, xyz, job.out[:, start:stop].view(len(job.out), -1))
    return [
        job.out.view(_dtype_of_result(tensor, sampling))
        for job, (tensor, sampling) in zip(jobs, pairs, strict=True)
    ]


class _Job(NamedTuple):
    """A tensor to read, how, and where to."""

    write: Callable[[_Job, torch.Tensor, torch.Tensor], None]
    channels: list[torch.Tensor]  # the memory of each, flat, as integers of the item size
    dtype: torch.dtype  # what these integers stand for
    shape: Sequence[int]  # [3], of the input
    box: AnyArray  # int64 [2, 3]: the first voxel that the memory holds, and behind the last
    strides: tuple[int, ...]  # [3], of the memory, in elements
    sampling: Sampling
    fill: torch.Tensor
    out: torch.Tensor  # [C, I, J, K]

    def read(self, channel: int, offset: torch.Tensor) -> torch.Tensor:
        """Return the voxels of a channel at offsets [n], in the dtype of the output."""
        bits = self.channels[channel].index_select(0, offset)
        return bits.view(self.dtype).to(self.out.dtype)


def _job(tensor: torch.Tensor, warp: Warp, sampling: Sampling, is_grid: bool) -> _Job:
    dtype, device, shape = _dtype_of_result(tensor, sampling), tensor.device, tensor.shape[1:]
    out = torch.empty((len(tensor), *warp.output_shape), dtype=dtype, device=device)
    fill = torch.from_numpy(np.array(sampling.padding_value)).to(dtype)
    box = np.array([(0, 0, 0), shape])
    if not sampling.interpolates:
        tensor, out, fill = (t.view(_BITS[t.itemsize]) for t in (tensor, out, fill))
    volumes = list(tensor)
    if sampling.mode == "cubic" and not is_grid:
        # One voxel for the outermost tap, one for the rounding of coordinates.
        box = touched_box(warp, np.array(shape), sampling.padding_mode, REACH + 2)
        part = tuple(slice(start, stop) for start, stop in box.T.tolist())
        volumes = [spline_coefficients(volume[part].to(torch.float32)) for volume in volumes]
    return _Job(
        # A grid warp only moves voxels, and that the nearest one does to the bit.
        write=_nearest if is_grid else _WRITERS[sampling.mode],
        channels=[_flat(volume) for volume in volumes],
        dtype=volumes[0].dtype,
        shape=shape,
        box=box,
        strides=volumes[0].stride(),
        sampling=sampling,
        fill=fill.to(device),
        out=out,
    )


def _interpolate(job: _Job, xyz: torch.Tensor, out: torch.Tensor) -> None:
    """Write the weighted sums of the voxels around each point of a slab to ``out`` [C, n]."""
    taps, outside = _taps(job, xyz)
    out.zero_()
    for offset, weight in tensor_product(taps):
        for channel, values in enumerate(out):
            values.addcmul_(weight, job.read(channel, offset))
    if job.sampling.padding_mode == "constant":
        for values in out:
            blended = (1.0 - outside) * values + outside * job.fill
            values.copy_(torch.where(outside > 0.0, blended, values))


def _nearest(job: _Job, xyz: torch.Tensor, out: torch.Tensor) -> None:
    """Write the nearest voxels, the upper one halfway between two."""
    offset = torch.zeros_like(xyz[0], dtype=torch.int64)
    inside = torch.ones_like(offset, dtype=torch.bool)
    for x, size, stride in zip(xyz, job.shape, job.strides, strict=True):
        nearest = (_folded(x, size, job.sampling) + 0.5).floor()
        voxel = nearest.long().clamp(0, size - 1)
        inside &= voxel == nearest
        offset += voxel * stride
    for channel, values in enumerate(out):
        values.copy_(torch.where(inside, job.read(channel, offset), job.fill))


def _vote(job: _Job, xyz: torch.Tensor, out: torch.Tensor) -> None:
    """Write the labels with the most votes; what lies outside votes for the fill value."""
    _nearest(job, xyz, out)
    taps, outside = _taps(job, xyz)
    offsets, weights = zip(*tensor_product(taps), strict=True)
    votes = torch.stack([*weights, outside])
    votes[:-1] *= 1.0 - outside
    for channel, winner in enumerate(out):
        corners = [job.read(channel, offset) for offset in offsets]
        labels = torch.stack([*corners, job.fill.expand_as(winner)])
        winner.copy_(_elected(labels, votes, winner))


_WRITERS = {"linear": _interpolate, "cubic": _interpolate, "nearest": _nearest, "vote": _vote}


def _elected(labels: torch.Tensor, votes: torch.Tensor, nearest: torch.Tensor) -> torch.Tensor:
    """Return of each column of ``labels`` [v, n] the one with the most of the ``votes`` [v, n]."""
    winner, most = nearest, (votes * (labels == nearest)).sum(0) + float(ROUNDING)  # wins ties
    for label in labels:
        total = (votes * (labels == label)).sum(0)
        ahead = total > most
        winner, most = torch.where(ahead, label, winner), torch.where(ahead, total, most)
    return winner


def _taps(job: _Job, xyz: torch.Tensor) -> tuple[list[Taps], torch.Tensor]:
    """Return the taps along each axis for points [3, n], and the share [n] of each outside.

    All lie in the box, which holds all voxels that have a weight.
    """
    axes: list[Taps] = []
    inside = torch.ones_like(xyz[0])
    for axis, (x, size, stride) in enumerate(zip(xyz, job.shape, job.strides, strict=True)):
        start, stop = job.box[:, axis].tolist()
        folded = _folded(x, size, job.sampling)
        position = folded.clamp(0, size - 1)
        inside *= (1.0 - (folded - position).abs()).clamp(min=0.0)
        around = _voxels_around(position, size, job.sampling)
        axes.append([((n.clamp(start, stop - 1) - start) * stride, weight) for n, weight in around])
    outside = 1.0 - inside
    return axes, torch.where(outside > float(ROUNDING), outside, 0.0)


def _voxels_around(position: torch.Tensor, size: int, sampling: Sampling) -> Taps:
    """Return the voxels that matter at ``position`` [n] in ``[0, size - 1]``, and their weights."""
    if size == 1:
        return [(torch.zeros_like(position, dtype=torch.int64), torch.ones_like(position))]
    base = position.floor().clamp(max=size - 2)
    t, voxel = position - base, base.long()
    if sampling.mode != "cubic":
        return [(voxel, 1.0 - t), (voxel + 1, t)]
    return [(mirrored(voxel + n - 1, size), weight) for n, weight in enumerate(spline_weights(t))]


def _folded(x: torch.Tensor, size: int, sampling: Sampling) -> torch.Tensor:
    """Return ``x`` folded into ``[0, size - 1]``; ``constant`` leaves it as it is."""
    if sampling.padding_mode == "constant":
        return x
    if sampling.padding_mode == "reflect" and size > 1:
        return mirrored(x, size)
    if sampling.padding_mode == "symmetric":
        x = (x + 0.5).remainder(2 * size)
        x = torch.minimum(x, 2 * size - x) - 0.5
    return x.clamp(0, size - 1)


def _flat(volume: torch.Tensor) -> torch.Tensor:
    """Return the memory of ``volume``, from its first to its last element, as integers."""
    steps = zip(volume.shape, volume.stride(), strict=True)
    span = 1 + sum((n - 1) * stride for n, stride in steps)
    return volume.view(_BITS[volume.itemsize]).as_strided((span,), (1,))


def _slabs(shape: Shape) -> list[tuple[int, int]]:
    """Return the first plane of each slab, and the one behind its last."""
    plane_bytes = 3 * 4 * shape[1] * shape[2]
    if plane_bytes == 0:
        return []
    planes = max(1, _SLAB_BYTES // plane_bytes)
    return [(i, min(i + planes, shape[0])) for i in range(0, shape[0], planes)]


def _dtype_of_result(tensor: torch.Tensor, sampling: Sampling) -> torch.dtype:
    return torch.float32 if sampling.interpolates else tensor.dtype
