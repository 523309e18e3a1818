"""The training samples of a run: which case, which patch, and the policy's seed.

Sample n depends on (seed, fold, n) and on nothing else: neither on the arm nor on workers or order.
Two arms therefore see the same patches in the same order, and differ only in what their policy does
to them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import TypeAlias

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose
from monai.utils import convert_to_tensor
from torch.utils.data import Dataset

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.streams import Stream
from medaug.rng import derive_seed, generator
from medaug.typing import AnyArray

Size: TypeAlias = tuple[int, int, int]
Sample: TypeAlias = dict[str, torch.Tensor]


class PatchDataset(Dataset[Sample]):
    """The samples of one training run, without an end.

    Parameters
    ----------
    cases : sequence of Case
        The training cases.
    policy : monai.transforms.Compose
        Dictionary transforms on ``image`` and ``label``. They get a region around the patch and
        return either that region or the patch itself.
    patch_size : tuple of 3 int
        Voxels a sample has along each axis.
    region_factor : float
        Size of the region in patches, at least 1, so that a rotated patch finds real data in its
        corners.
    foreground_fraction : float
        Probability in [0, 1] that a patch is centred on a foreground voxel of a random class of the
        case.
    seed, fold : int
        Address of the run's random streams.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        policy: Compose,
        *,
        patch_size: Size,
        region_factor: float,
        foreground_fraction: float,
        seed: int,
        fold: int,
    ) -> None:
        self._cases = tuple(cases)
        self._foreground = tuple(_foreground_voxels(case.label[0]) for case in cases)
        self._policy = policy
        self._patch_size = patch_size
        self._region_size = region_size(patch_size, region_factor)
        self._foreground_fraction = foreground_fraction
        self._address = (seed, fold)

    def __getitem__(self, sample: int) -> Sample:
        """Return ``image`` float32 [C, *patch_size] and ``label`` uint8 [1, *patch_size]."""
        return self.augment(self.region(sample), sample)

    def region(self, sample: int) -> dict[str, MetaTensor]:
        """Return ``image`` and ``label`` around the patch of a sample, cut out anew."""
        position = self.case_index(sample)
        case = self._cases[position]
        start = self._region_start(position, sample)
        spacing = torch.diag(torch.tensor([*case.spacing_mm, 1.0], dtype=torch.float64))
        return {
            key: MetaTensor(
                torch.from_numpy(cut_region(array, start, self._region_size)), affine=spacing
            )
            for key, array in (("image", case.image), ("label", case.label))
        }

    def augment(self, region: dict[str, MetaTensor], sample: int) -> Sample:
        """Return the patch that the policy makes of the region of a sample."""
        self._policy.set_random_state(seed=derive_seed(Stream.POLICY, *self._address, sample))
        data = self._policy(region)
        return {
            "image": self._finish(data["image"], torch.float32),
            "label": self._finish(data["label"], torch.uint8),
        }

    def case_index(self, sample: int) -> int:
        """Return which case a sample comes from: shuffled epochs, each of which has every case."""
        epoch, position = divmod(sample, len(self._cases))
        return _epoch_order(len(self._cases), *self._address, epoch)[position]

    def _region_start(self, position: int, sample: int) -> Size:
        """Return the first voxel of the region, which may lie outside the scan."""
        rng = generator(Stream.PATCH, *self._address, sample)
        shape = self._cases[position].image.shape[1:]
        voxels = self._foreground[position] if rng.random() < self._foreground_fraction else ()
        patch_start = _patch_start(rng, shape, self._patch_size, voxels)
        sizes = zip(patch_start, self._patch_size, self._region_size, strict=True)
        i, j, k = (first - (region - patch) // 2 for first, patch, region in sizes)
        return i, j, k

    def _finish(self, values: AnyArray | torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Crop or pad about the centre to the patch size, as a plain contiguous tensor."""
        plain = torch.as_tensor(convert_to_tensor(values, dtype=dtype, track_meta=False))
        if plain.shape[1:] != self._patch_size:
            plain = torch.from_numpy(cut_centre(plain.cpu().numpy(), self._patch_size))
        return plain.contiguous()


def batches(first_step: int, batch_size: int, *, rank: int, devices: int) -> Iterator[list[int]]:
    """Yield, without an end, the numbers of the samples that a device takes in each step.

    Step `s` takes the samples from ``s * batch_size`` on, whatever the number of devices; each
    device has an equal stretch of them.

    Parameters
    ----------
    first_step : int
        The step to begin with, from 0.
    batch_size : int
        Samples in a step, on all devices together; a multiple of `devices`.
    rank, devices : int
        Number of the device, from 0, and how many there are.
    """
    share = batch_size // devices
    for step in count(first_step):
        first = step * batch_size + rank * share
        yield list(range(first, first + share))


def region_size(patch_size: Size, factor: float) -> Size:
    """Return the size of the region to cut: ``factor`` patches, with equal margins."""
    i, j, k = (size + 2 * int(np.ceil(size * (factor - 1) / 2)) for size in patch_size)
    return i, j, k


def cut_region(array: AnyArray, start: Size, size: Size) -> AnyArray:
    """Cut a box out of a volume, with zeros where it reaches beyond the volume.

    Parameters
    ----------
    array : ndarray [C, I, J, K]
        The volume.
    start : tuple of 3 int
        First voxel of the box; may be negative.
    size : tuple of 3 int
        Voxels along each axis.

    Returns
    -------
    ndarray [C, *size]
        A copy, of the same dtype.
    """
    region = np.zeros((array.shape[0], *size), dtype=array.dtype)
    source, target = [slice(None)], [slice(None)]
    for first, length, extent in zip(start, size, array.shape[1:], strict=True):
        low, high = max(first, 0), min(first + length, extent)
        source.append(slice(low, high))
        target.append(slice(low - first, high - first))
    region[tuple(target)] = array[tuple(source)]
    return region


def cut_centre(array: AnyArray, size: Size) -> AnyArray:
    """Crop or pad [C, I, J, K] to [C, *size] about the centre, as MONAI's `ResizeWithPadOrCrop`.

    That takes a millisecond a volume, of which this needs a twentieth.
    """
    i, j, k = (
        extent // 2 - length // 2 if extent > length else -((length - extent) // 2)
        for extent, length in zip(array.shape[1:], size, strict=True)
    )
    return cut_region(array, (i, j, k), size)


def _patch_start(
    rng: np.random.Generator, shape: Sequence[int], patch_size: Size, voxels: Sequence[AnyArray]
) -> tuple[int, ...]:
    """Draw the first voxel of a patch inside the scan, or centred where the scan is smaller.

    ``voxels`` holds the flat indices of each class to centre the patch on; empty for a uniform
    draw.
    """
    spare = [extent - size for extent, size in zip(shape, patch_size, strict=True)]
    if len(voxels) == 0:
        wanted = [int(rng.integers(max(room, 0) + 1)) for room in spare]
    else:
        of_class = voxels[int(rng.integers(len(voxels)))]
        centre = np.unravel_index(of_class[rng.integers(len(of_class))], tuple(shape))
        wanted = [int(at) - size // 2 for at, size in zip(centre, patch_size, strict=True)]
    return tuple(
        min(max(first, 0), room) if room >= 0 else room // 2
        for first, room in zip(wanted, spare, strict=True)
    )


def _foreground_voxels(label: AnyArray) -> tuple[AnyArray, ...]:
    """Return the flat indices of the voxels of every foreground class that occurs."""
    return tuple(np.flatnonzero(label == value) for value in np.unique(label) if value != 0)


@lru_cache(maxsize=8)
def _epoch_order(n_cases: int, seed: int, fold: int, epoch: int) -> tuple[int, ...]:
    return tuple(generator(Stream.ORDER, seed, fold, epoch).permutation(n_cases).tolist())
