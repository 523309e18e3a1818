"""What a gallery shows: a scan, its label, and the slice to look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from monai.data import MetaTensor

from medaug.benchmark.cases.phantom import PhantomConfig, make_phantom
from medaug.drawing import Plane, plane_through
from medaug.errors import InputError
from medaug.io.volume import Volume, read_volume
from medaug.transforms.base import Sample
from medaug.typing import AnyArray, FloatArray, Matrix, StrPath

#: Below this an image is taken to be in HU: only CT has values so far below zero.
_AIR_AT_MOST = -900.0
#: What the darkest and a bright voxel of other images become where an operation takes HU.
_STRETCHED_HU = (-1000.0, 400.0)
#: Voxels that are kept around what is not background.
_MARGIN = 8


@dataclass(frozen=True, eq=False)
class Subject:
    """A scan to show.

    Attributes
    ----------
    name : str
    image : float32 array [1, I, J, K]
        Finite, as in the file, cut to what is not background.
    label : integer array [1, I, J, K], optional
    affine : float64 array [4, 4]
        Of what is left.
    """

    name: str
    image: FloatArray
    label: AnyArray | None
    affine: Matrix

    @property
    def zscored(self) -> FloatArray:
        """The image with mean 0 and s.d. 1 over all that is brighter than its darkest voxel."""
        foreground = self.image[self.image > self.image.min()].astype(np.float64)
        return np.asarray((self.image - foreground.mean()) / foreground.std(), np.float32)

    @property
    def is_ct(self) -> bool:
        """Whether it must be CT in HU."""
        return bool(self.image.min() <= _AIR_AT_MOST)

    @property
    def in_hu(self) -> FloatArray:
        """The image itself if it is CT in HU, otherwise stretched to a range like that of CT."""
        if self.is_ct:
            return self.image
        low, high = float(self.image.min()), float(np.percentile(self.image, 99.5))
        air, bright = _STRETCHED_HU
        scale = (bright - air) / (high - low) if high > low else 1.0
        return np.asarray(air + (self.image - low) * scale, np.float32)

    @property
    def keys(self) -> tuple[str, ...]:
        """Of :meth:`sample`."""
        return ("image",) if self.label is None else ("image", "label")

    def sample(self, *, in_hu: bool) -> Sample:
        """Return the scan as a pipeline carries it."""
        arrays = {"image": self.in_hu if in_hu else self.zscored, "label": self.label}
        affine = torch.from_numpy(self.affine)
        # The arrays belong to the subject: nothing may write into them.
        return {
            key: MetaTensor(torch.tensor(arrays[key]), affine=affine.clone()) for key in self.keys
        }

    @cached_property
    def plane(self) -> Plane:
        """The axial plane with the most label, or the middle one."""
        label = None if self.label is None else self.label[0]
        return plane_through(self.affine, "axial", self.image.shape[1:], label)

    def picture(self, volume: AnyArray) -> AnyArray:
        """Return the slice [rows, columns] of a volume [1, I, J, K] of this grid."""
        return self.plane.picture(np.asarray(volume)[0])


def load_subject(image: StrPath, label: StrPath | None = None, *, channel: int = 0) -> Subject:
    """Read a scan and its label.

    Raises
    ------
    InputError
        If a file cannot be read, the image has not that channel, is constant or is not finite, or
        the label is not one channel of whole numbers on the grid of the image.
    """
    scan = read_volume(image)
    if not 0 <= channel < len(scan.data):
        raise InputError(f"{image} has {len(scan.data)} channels; there is no channel {channel}")
    voxels = scan.data[channel : channel + 1].astype(np.float32)
    if not np.isfinite(voxels).all():
        raise InputError(f"{image} has voxels that are not finite")
    if voxels.min() == voxels.max():
        raise InputError(f"{image} is constant")
    mask = None if label is None else _read_label(label, scan)
    return _cut(Path(image).name, voxels, mask, scan.affine)


def phantom_subject(spacing_mm: float = 2.0) -> Subject:
    """Return a case of the benchmark's phantom, whose field of view is 160 x 192 x 160 mm."""
    across, along = round(160 / spacing_mm), round(192 / spacing_mm)
    shape = (across, along, across)
    case = make_phantom(PhantomConfig(cases=2, shape=shape, spacing_mm=spacing_mm)).cases[0]
    affine = np.diag([*case.spacing_mm, 1.0])
    return _cut("phantom", np.asarray(case.image[:1], np.float32), case.label, affine)


def _read_label(path: StrPath, scan: Volume) -> AnyArray:
    data = read_volume(path).data
    if len(data) != 1 or data.shape[1:] != scan.data.shape[1:]:
        raise InputError(
            f"{path} must have one channel on the grid of the image; "
            f"got {list(data.shape)} and {list(scan.data.shape)}"
        )
    if not np.isfinite(data).all() or (data != np.round(data)).any():
        raise InputError(f"{path} must hold whole numbers")
    return data.astype(np.int32)


def _cut(name: str, image: FloatArray, label: AnyArray | None, affine: Matrix) -> Subject:
    """Return the subject without the background around it, which only takes time."""
    inside: npt.NDArray[np.bool_] = image[0] > image[0].min()
    box = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        (where,) = np.nonzero(inside.any(axis=others))
        box.append(slice(max(int(where[0]) - _MARGIN, 0), int(where[-1]) + _MARGIN + 1))
    moved = affine.copy()
    moved[:3, 3] += affine[:3, :3] @ [cut.start for cut in box]
    kept = (slice(None), *box)
    cut_label = None if label is None else np.ascontiguousarray(label[kept])
    return Subject(name, np.ascontiguousarray(image[kept]), cut_label, moved)
