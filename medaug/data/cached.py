"""Cases that stay on the disk until a transform reads a part of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex, overload

import numpy as np
import torch
from monai.data import MetaTensor

from medaug.errors import InputError
from medaug.io.cached import MappedCase, find_cached_cases, map_cached_case
from medaug.spatial import LabelIndex, with_index
from medaug.typing import StrPath


class CachedCases(Sequence[dict[str, Any]]):
    """The cases that ``medaug preprocess --format cache`` has written, as data of a data set.

    A case is mapped into memory, not read: medaug's spatial transforms read the pages that their
    warp touches, straight from the file, and the system keeps what is read often. So it takes
    neither the decoding of a compressed file a sample nor the memory of a cache of whole cases, and
    workers share what is read. A crop about the foreground takes its place from an index that was
    made with the files, instead of a search through the label.

    Parameters
    ----------
    folder : path
        ``OUT/cache`` of the preprocessing.
    names : sequence of str, optional
        Which cases, in this order; all of them, in the order of their names, if left out.

    Raises
    ------
    InputError
        If there are no cases, or one that is named is not there. When a case is asked for: if its
        files are damaged.

    Notes
    -----
    A case is a dictionary with ``image`` [C, I, J, K], as float16 (float32 or int16 where the case
    was written so), with ``label`` [1, I, J, K] if it has one, both ``MetaTensor`` with the affine,
    and with ``name`` and ``patient``. Interpolation makes float32 of it. What writes into the
    arrays changes no file.

    The first transform should be one that reads a part: a crop, or a spatial transform with
    ``spatial_size``. One that changes all voxels reads the whole case.

    Examples
    --------
    >>> dataset = SeededDataset(CachedCases("OUT/cache"), transform, seed=0)
    """

    def __init__(self, folder: StrPath, names: Sequence[str] | None = None) -> None:
        found = {path.name: path for path in find_cached_cases(folder)}
        missing = [name for name in names or () if name not in found]
        if missing:
            raise InputError(f"{folder}: there is no cached case {missing[0]!r} in it.")
        self._folders = [found[name] for name in (found if names is None else names)]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the cases."""
        return tuple(folder.name for folder in self._folders)

    def __len__(self) -> int:
        return len(self._folders)

    @overload
    def __getitem__(self, index: SupportsIndex) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> CachedCases: ...

    def __getitem__(self, index: SupportsIndex | slice) -> dict[str, Any] | CachedCases:
        if isinstance(index, slice):
            part = object.__new__(CachedCases)
            part._folders = self._folders[index]
            return part
        return _sample(map_cached_case(self._folders[index]))


def _sample(case: MappedCase) -> dict[str, Any]:
    affine = torch.tensor(case.facts.affine, dtype=torch.float64)
    sample: dict[str, Any] = {"image": MetaTensor(torch.from_numpy(case.image), affine=affine)}
    if case.label is not None:
        index = LabelIndex(case.label.shape, case.places, case.facts.voxels)
        label = torch.from_numpy(with_index(case.label, index))
        sample["label"] = MetaTensor(label[np.newaxis], affine=affine.clone())
    return sample | {"name": case.facts.name, "patient": case.facts.patient}
