"""What is scored: the classes of a case set, or unions of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medaug.benchmark.cases.case_set import CaseSet
from medaug.errors import InputError
from medaug.typing import AnyArray


@dataclass(frozen=True)
class Region:
    """A union of classes that is scored as one structure.

    Attributes
    ----------
    name : str
        What results call it.
    classes : tuple of int
        Class indices, as they stand in the labels of the cases; ascending.
    """

    name: str
    classes: tuple[int, ...]

    def mask(self, label: AnyArray) -> npt.NDArray[np.bool_]:
        """Return where the class indices of `label` belong to the region."""
        return np.isin(label, self.classes)


def make_regions(
    case_set: CaseSet, definitions: Mapping[str, Sequence[int | str]] | None
) -> tuple[Region, ...]:
    """Return the regions of a configuration, or each class as a region of its own.

    Parameters
    ----------
    case_set : CaseSet
        Whose classes they are made of.
    definitions : mapping of str to sequence of (int or str), or None
        Label values, as in the files, or names of classes.

    Raises
    ------
    InputError
        If there is no such class, or a region is made of none.
    """
    if definitions is None:
        return tuple(Region(name, (index,)) for index, name in enumerate(case_set.classes, 1))
    index_of: dict[int | str, int] = {name: i for i, name in enumerate(case_set.classes, 1)}
    index_of.update({value: i for i, value in enumerate(case_set.label_values, 1)})
    for name, members in definitions.items():
        if not members:
            raise InputError(f"regions: '{name}' has no classes; name some or take it out.")
        for member in members:
            if member not in index_of:
                raise InputError(
                    f"regions: '{name}' has {member!r}, but the classes of {case_set.name} are "
                    f"{_listed(case_set)}; name classes by label value or name."
                )
    return tuple(
        Region(name, tuple(sorted({index_of[member] for member in members})))
        for name, members in definitions.items()
    )


def _listed(case_set: CaseSet) -> str:
    pairs = zip(case_set.label_values, case_set.classes, strict=True)
    return ", ".join(f"{value} ({name})" for value, name in pairs)
