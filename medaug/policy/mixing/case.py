"""What is mixed: the arrays of a sample, without the protocol that they travel by."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from typing_extensions import Self

from medaug.geometry import affine_spacing
from medaug.typing import AnyArray, Matrix

#: Plain numbers, texts and lists that JSON keeps exactly.
Parameters: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """Images and labels on one grid.

    Parameters
    ----------
    images : mapping of key to array [C, I, J, K]
        At least one.
    labels : mapping of key to array [C, I, J, K]
        One channel of class numbers, or one channel of probabilities for each class.
    affine : array [4, 4]
        Voxel to world.
    mask : array of bool [I, J, K], optional
        The foreground. Unless given it is where a voxel of any image is finite and not zero.

    Raises
    ------
    ValueError
        If there is no image, or the arrays are not on one grid.
    """

    images: Mapping[Hashable, AnyArray]
    labels: Mapping[Hashable, AnyArray]
    affine: Matrix = field(default_factory=lambda: np.eye(4))
    mask: AnyArray | None = None

    def __post_init__(self) -> None:
        if not self.images:
            raise ValueError("there is no image to mix")
        shapes = {key: array.shape[1:] for key, array in {**self.images, **self.labels}.items()}
        if self.mask is not None:
            shapes["foreground"] = self.mask.shape
        if len(set(shapes.values())) > 1:
            raise ValueError(f"images and labels must have one spatial shape; got {shapes}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along each axis."""
        first, second, third = next(iter(self.images.values())).shape[1:]
        return int(first), int(second), int(third)

    @property
    def spacing_mm(self) -> Matrix:
        """Distance of voxel centres along each axis [3]."""
        return affine_spacing(self.affine)

    def foreground(self) -> AnyArray:
        """Return what belongs to the patient, as bool [I, J, K]."""
        if self.mask is not None:
            return self.mask
        found = np.zeros(self.shape, np.bool_)
        for image in self.images.values():
            for channel in image:
                found |= np.isfinite(channel) & (channel != 0)
        return found


class Mix(Protocol):
    """A way to mix a case with a donor; it draws parameters and applies them, and keeps nothing."""

    def prepare(self, case: Case) -> Case:
        """Return ``case`` with the dtypes and channels of what comes out, mixed or not."""
        ...

    def sample(self, rng: np.random.Generator, case: Case, donor: Case) -> Parameters:
        """Draw how ``donor`` gets into ``case``."""
        ...

    def apply(self, case: Case, donor: Case, parameters: Mapping[str, Any]) -> Case:
        """Return ``case`` mixed with ``donor``; both stay as they are."""
        ...

    def at_magnitude(self, magnitude: float) -> Self:
        """Return the mix with less of the donor: 1 is itself, and 0 changes nothing."""
        ...


def as_float(values: AnyArray) -> AnyArray:
    """Return ``values`` as float32; float16 stays float16."""
    return values if values.dtype == np.float16 else values.astype(np.float32, copy=False)


def check_alike(case: Case, donor: Case, same_shape: bool = True) -> None:
    """Check that the arrays of two cases can be mixed key by key.

    Parameters
    ----------
    case, donor : Case
    same_shape : bool
        Their spatial shapes must be the same, too.

    Raises
    ------
    ValueError
        If they have not the same channels and dtypes, or not the same shape.
    """
    pairs = [*_pairs(case.images, donor.images), *_pairs(case.labels, donor.labels)]
    for key, own, other in pairs:
        if len(own) != len(other):
            raise ValueError(
                f"{key!r} has {len(own)} channels, but that of the donor has {len(other)}"
            )
        if own.dtype != other.dtype:
            raise ValueError(f"{key!r} has dtype {own.dtype}, but that of the donor {other.dtype}")
    if same_shape and case.shape != donor.shape:
        raise ValueError(
            f"cases of one spatial shape can be mixed; got {list(case.shape)} and a donor of "
            f"{list(donor.shape)}: crop or resize both first"
        )


def _pairs(
    own: Mapping[Hashable, AnyArray], other: Mapping[Hashable, AnyArray]
) -> Sequence[tuple[Hashable, AnyArray, AnyArray]]:
    if own.keys() != other.keys():
        raise ValueError(f"a case with {list(own)} needs a donor with them; got {list(other)}")
    return [(key, array, other[key]) for key, array in own.items()]
