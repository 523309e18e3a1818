"""Which way the axes of an array run through the body."""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np

from medaug.io.volume import Volume
from medaug.typing import Matrix

_ENDS = ("LR", "PA", "IS")


def orientation_of(affine: Matrix) -> str:
    """Return where the array axes run to, such as ``RAS``: right, anterior, superior.

    Parameters
    ----------
    affine : ndarray, shape [4, 4]
        Voxel coordinates to world coordinates. An oblique axis counts as the one nearest to it.
    """
    return "".join(nib.aff2axcodes(affine))


def axes_for(orientation: str, target: str) -> tuple[int, int, int]:
    """Return which axis of one orientation becomes each axis of another, whatever the directions.

    Parameters
    ----------
    orientation, target : str
        One letter of each of L/R, A/P and I/S.
    """
    bodily = [_bodily_axis(letter) for letter in orientation]
    i, j, k = (bodily.index(_bodily_axis(letter)) for letter in target)
    return (i, j, k)


def reorient(volume: Volume, orientation: str) -> Volume:
    """Swap and flip the axes of an array so that they run as asked; no voxel changes its place.

    Parameters
    ----------
    volume : Volume
    orientation : str
        Such as ``RAS``: the first axis to the right, and so on. The axes of an oblique scan stay
        oblique.

    Returns
    -------
    Volume
        C-contiguous; the very volume, if it has this orientation already.
    """
    now = nib.io_orientation(volume.affine)
    turn = nib.orientations.ornt_transform(now, nib.orientations.axcodes2ornt(orientation))
    if np.array_equal(turn, [[0, 1], [1, 1], [2, 1]]):
        return volume
    shape = volume.data.shape[1:]
    order = np.argsort(turn[:, 0]).astype(int)
    data = np.transpose(volume.data, (0, *(order + 1)))
    flipped = tuple(axis + 1 for axis in range(3) if turn[order[axis], 1] < 0)
    affine = volume.affine @ nib.orientations.inv_ornt_aff(turn, shape)
    return replace(
        volume,
        data=np.ascontiguousarray(np.flip(data, flipped)),
        affine=np.asarray(affine, np.float64),
    )


def _bodily_axis(letter: str) -> int:
    return next(axis for axis, ends in enumerate(_ENDS) if letter in ends)
