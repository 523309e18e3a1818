"""Cases as uncompressed arrays that a training maps into memory and reads in parts.

A case is a folder:

- ``image.npy`` [I, J, K, C]: the channels of a voxel lie side by side, because a resample that
  needs a voxel needs all its channels.
- ``label.npy`` [I, J, K], if there is a label.
- ``places.npy``: for each label value the flat places of its voxels, one value after the other, so
  that a crop about a class need not search the label.
- ``case.json``: all that is not an array; written last, so that a case with it is whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from medaug.errors import InputError
from medaug.io.files import dump_json, open_atomically, write_atomically
from medaug.rng import generator
from medaug.typing import AnyArray, Matrix, StrPath

#: float16 is taken if it changes no channel by more than this share of its s.d., root mean square.
TOLERATED_ROUNDING = 1e-3

#: Places that are written down of a label value that has more voxels.
MOST_PLACES = 1 << 16

_FORMAT = 1
_RECORD = "case.json"


class CachedCase(BaseModel):
    """What ``case.json`` says.

    Attributes
    ----------
    format : int
        Version of these files.
    name, patient : str
    channels : tuple of str
    affine : 4 x 4 floats
        Voxels to world coordinates in mm.
    rounding : tuple of floats
        For each channel, the root mean square of what its dtype rounds away, relative to the
        channel's s.d.
    voxels : dict of int to int
        How many voxels each label value has; empty without a label.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = _FORMAT
    name: str
    patient: str
    channels: tuple[str, ...]
    affine: tuple[tuple[float, ...], ...]
    rounding: tuple[float, ...]
    voxels: dict[int, int]


@dataclass(frozen=True, eq=False)
class MappedCase:
    """A case whose arrays are mapped: a page is read when a voxel of it is.

    Attributes
    ----------
    facts : CachedCase
    image : float16, float32 or int16 array [C, I, J, K]
        Its memory has the channels of a voxel side by side. Writing to it changes no file.
    label : integer array [I, J, K], optional
    places : dict of int to int array
        Flat places of voxels of each label value: all, or `MOST_PLACES` at random.
    """

    facts: CachedCase
    image: AnyArray
    label: AnyArray | None
    places: Mapping[int, AnyArray]


def write_cached_case(
    folder: StrPath,
    image: AnyArray,
    label: AnyArray | None,
    affine: Matrix,
    *,
    name: str,
    patient: str,
    channels: Sequence[str],
) -> CachedCase:
    """Write a case.

    Parameters
    ----------
    folder : path
        Of this case; is made if need be.
    image : float32 or int16 array [C, I, J, K]
        int16 stays; float32 becomes float16 where that changes no channel by more than
        `TOLERATED_ROUNDING` of its s.d.
    label : integer array [I, J, K], optional
    affine : float64 array [4, 4]
    name, patient : str
    channels : sequence of str

    Returns
    -------
    CachedCase
        With what the dtype rounds away.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    dtype, rounding = _stored_dtype(image)
    side_by_side = np.empty((*image.shape[1:], len(image)), dtype)
    for channel, values in enumerate(image):
        side_by_side[..., channel] = values
    _write_array(folder / "image.npy", side_by_side)
    del side_by_side
    voxels: dict[int, int] = {}
    if label is not None:
        _write_array(folder / "label.npy", label)
        voxels, places = _places_of(label)
        _write_array(folder / "places.npy", places)
    facts = CachedCase(
        name=name,
        patient=patient,
        channels=tuple(channels),
        affine=tuple(map(tuple, affine.tolist())),
        rounding=rounding,
        voxels=voxels,
    )
    write_atomically(folder / _RECORD, dump_json(facts.model_dump()) + "\n")
    return facts


def find_cached_cases(root: StrPath) -> list[Path]:
    """Return the folders of the cases below `root`, by name.

    Raises
    ------
    InputError
        If there are none.
    """
    folders = sorted(path.parent for path in Path(root).glob(f"*/{_RECORD}"))
    if not folders:
        raise InputError(
            f"{root}: no cached cases in it; write them by "
            "`medaug preprocess IN OUT --format cache` and name its folder OUT/cache."
        )
    return folders


def map_cached_case(folder: StrPath) -> MappedCase:
    """Open a case; no voxel is read yet.

    Raises
    ------
    InputError
        If its files are missing, damaged or of another version.
    """
    folder = Path(folder)
    facts = _read_facts(folder / _RECORD)
    image = np.moveaxis(_map_array(folder / "image.npy", 4), 3, 0)
    if not facts.voxels:
        return MappedCase(facts, image, None, {})
    label, flat = _map_array(folder / "label.npy", 3), _map_array(folder / "places.npy", 1)
    kept = [min(count, MOST_PLACES) for count in facts.voxels.values()]
    if label.shape != image.shape[1:] or label.size != sum(facts.voxels.values()):
        raise InputError(f"{folder}: image and label do not fit together; write the case again.")
    parts = np.split(flat, np.cumsum(kept)[:-1])
    return MappedCase(facts, image, label, dict(zip(facts.voxels, parts, strict=True)))


def _stored_dtype(image: AnyArray) -> tuple[npt.DTypeLike, tuple[float, ...]]:
    """Return the dtype to store, and what it rounds away of each channel, relative to its s.d."""
    if image.dtype == np.int16:
        return image.dtype, (0.0,) * len(image)
    rounding = tuple(_lost_in_half(values) for values in image)
    if max(rounding) <= TOLERATED_ROUNDING:
        return np.dtype(np.float16), rounding
    return np.dtype(np.float32), (0.0,) * len(image)


def _lost_in_half(values: AnyArray) -> float:
    with np.errstate(over="ignore"):  # what is too large for float16 becomes infinite, and counts
        lost = values - values.astype(np.float16)
    std = float(values.std(dtype=np.float64))
    error = float(np.sqrt(np.square(lost).mean(dtype=np.float64)))
    return error / std if std > 0 else (0.0 if error == 0 else np.inf)


def _places_of(label: AnyArray) -> tuple[dict[int, int], AnyArray]:
    """Return how many voxels each value has, and the flat places of each, `MOST_PLACES` at most."""
    values, counts = np.unique(label, return_counts=True)
    rng, places = generator(0), []  # the same label gives the same file
    dtype = np.int32 if label.size <= np.iinfo(np.int32).max else np.int64
    for value in values:
        found = np.flatnonzero(label == value).astype(dtype)
        if len(found) > MOST_PLACES:
            found = np.sort(rng.choice(found, MOST_PLACES, replace=False))
        places.append(found)
    return dict(zip(values.tolist(), counts.tolist(), strict=True)), np.concatenate(places)


def _write_array(path: Path, array: AnyArray) -> None:
    with open_atomically(path) as file:
        np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


def _map_array(path: Path, rank: int) -> AnyArray:
    try:
        # Copy on write: torch takes no array that is read-only.
        array: AnyArray = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: cannot be mapped ({error}); write the case again.") from None
    if array.ndim != rank or array.dtype.kind not in "iuf":
        raise InputError(f"{path}: holds no {rank}-dimensional numbers; write the case again.")
    return array


def _read_facts(path: Path) -> CachedCase:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        facts = CachedCase.model_validate(content)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except (ValueError, ValidationError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: is damaged ({reason}); write the case again.") from None
    if facts.format != _FORMAT:
        raise InputError(f"{path}: has format {facts.format}, not {_FORMAT}; write the case again.")
    return facts
