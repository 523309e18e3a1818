"""What the spatial transforms do to voxels, wherever those live."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import torch
from monai.utils import dtype_torch_to_numpy

from medaug.geometry import Warp
from medaug.resample import Sampling, get_num_threads, resample_arrays
from medaug.transforms.options import Backend
from medaug.transforms.tensors import Volume, numpy_of, plain_volume
from medaug.typing import AnyArray


def resample_volumes(
    volumes: Sequence[Volume],
    warp: Warp,
    sampled: Sequence[tuple[Hashable, Sampling]],
    backend: Backend,
) -> list[Volume]:
    """Resample all volumes in one go, where they live."""
    plain = [plain_volume(v, key) for v, (key, _) in zip(volumes, sampled, strict=True)]
    samplings = [sampling for _, sampling in sampled]
    on_gpu = any(isinstance(v, torch.Tensor) and v.device.type != "cpu" for v in plain)
    if backend == "torch" or (backend == "auto" and on_gpu):
        from medaug.resample.torch_backend import resample_tensors  # noqa: PLC0415  # seldom used

        tensors = [v if isinstance(v, torch.Tensor) else _tensor_of(v) for v in plain]
        results = resample_tensors(tensors, warp, samplings)
        return [
            r if isinstance(v, torch.Tensor) else r.numpy()
            for r, v in zip(results, plain, strict=True)
        ]
    arrays = [numpy_of(v, key) for v, (key, _) in zip(plain, sampled, strict=True)]
    return [*resample_arrays(arrays, warp, samplings, get_num_threads())]


def swap_labels_in(voxels: Volume, pairs: Sequence[Sequence[int]]) -> Volume:
    """Return ``voxels`` with the labels of each pair in each other's place."""
    for left, right in pairs:
        was_left, was_right = voxels == left, voxels == right
        if isinstance(voxels, torch.Tensor):
            # torch fills unsigned tensors of few sizes, but moves voxels of any.
            ends = torch.tensor([left, right], device=voxels.device).to(voxels.dtype)
            voxels = torch.where(was_left, ends[1], torch.where(was_right, ends[0], voxels))
        else:
            voxels = voxels.copy()
            voxels[was_left], voxels[was_right] = right, left
    return voxels


def _tensor_of(array: AnyArray) -> torch.Tensor:
    """Return a tensor of an array of any strides and byte order."""
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    backwards = any(stride < 0 for stride in native.strides)
    return torch.from_numpy(np.ascontiguousarray(native) if backwards else native)


def check_sampled(voxels: Volume, key: Hashable, sampling: Sampling) -> None:
    """Refuse voxels that cannot be read as ``sampling`` says.

    Raises
    ------
    ValueError
        If labels that vote are no whole numbers (a floating dtype alone is what MONAI loads), or a
        dtype that is kept cannot hold the padding value.
    """
    if sampling.mode == "vote":
        check_whole(voxels, key)
    if sampling.mode in ("vote", "nearest") and sampling.padding_mode == "constant":
        check_holds(voxels, key, "padding_value", [sampling.padding_value])


def check_holds(voxels: Volume, key: Hashable, name: str, values: Sequence[float]) -> None:
    """Refuse ``values``, called ``name``, that the dtype of ``voxels`` cannot hold."""
    dtype = voxels.dtype
    if isinstance(dtype, torch.dtype):
        dtype = np.dtype(np.float64 if dtype.is_floating_point else dtype_torch_to_numpy(dtype))
    if dtype.kind == "f":
        return
    least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    for value in values:
        if not (least <= value <= most and value % 1 == 0):
            raise ValueError(
                f"{name} {value:g} does not fit {key!r}, whose dtype is {voxels.dtype}"
            )


def check_whole(voxels: Volume, key: Hashable) -> None:
    """Refuse labels that are no whole numbers; a floating dtype alone is what MONAI loads."""
    if isinstance(voxels, torch.Tensor):
        if not voxels.is_floating_point():
            return
        fractions = voxels[voxels != voxels.round()]
    else:
        if voxels.dtype.kind != "f":
            return
        fractions = voxels[voxels != np.round(voxels)]
    if len(fractions):
        raise ValueError(
            f"{key!r} is to be resampled as a label but has fractions, such as "
            f"{float(fractions[0]):g} ({voxels.dtype})"
        )
