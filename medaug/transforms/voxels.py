"""What the spatial transforms do to voxels, wherever those live."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import torch
from monai.utils import dtype_torch_to_numpy

from medaug.geometry import Warp
from medaug.resample import Sampling, get_num_threads, resample_arrays
from medaug.transforms.options import Backend
from medaug.transforms.tensors import Volume, plain_volume


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

        tensors = [torch.as_tensor(v) for v in plain]
        results = resample_tensors(tensors, warp, samplings)
        return [
            r if isinstance(v, torch.Tensor) else r.numpy()
            for r, v in zip(results, plain, strict=True)
        ]
    arrays = [v if isinstance(v, np.ndarray) else v.cpu().numpy() for v in plain]
    return [*resample_arrays(arrays, warp, samplings, get_num_threads())]


def swap_labels_in(voxels: Volume, pairs: Sequence[Sequence[int]]) -> Volume:
    """Return ``voxels`` with the labels of each pair in each other's place."""
    for left, right in pairs:
        was_left, was_right = voxels == left, voxels == right
        voxels = voxels.clone() if isinstance(voxels, torch.Tensor) else voxels.copy()
        voxels[was_left], voxels[was_right] = right, left
    return voxels


def check_sampled(voxels: Volume, key: Hashable, sampling: Sampling) -> None:
    """Refuse voxels that cannot be read as ``sampling`` says.

    Raises
    ------
    ValueError
        If labels that vote are no whole numbers (a floating dtype alone is what MONAI loads), or a
        dtype that is kept cannot hold the padding value.
    """
    if sampling.mode == "vote":
        _check_whole(voxels, key)
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


def _check_whole(voxels: Volume, key: Hashable) -> None:
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
