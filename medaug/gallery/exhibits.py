"""What an operation makes of the slice, at each strength."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medaug.gallery.subject import Subject
from medaug.policy.operations import OPERATIONS, Operation
from medaug.ranges import Strength
from medaug.rng import generator
from medaug.transforms.base import DictTransform, Sample
from medaug.typing import AnyArray

#: The strengths that are shown, and what they are called.
STRENGTHS: dict[float, str] = {0.2: "low", 0.5: "middle", 1.0: "full"}

#: How many draws there are to choose from; a single one may happen to be a weak one.
_DRAWS = 8
#: After how many to give up, if none of them shows in this slice, as of metal that is elsewhere.
_MOST_DRAWS = 100
#: Change of a slice that shows, in its own standard deviations.
_VISIBLE = 0.002
#: Soft tissue of CT in HU.
_SOFT_TISSUE = (-160.0, 240.0)


@dataclass(frozen=True, eq=False)
class View:
    """A slice to show.

    Attributes
    ----------
    image : float array [rows, columns]
    window : pair of floats
        What is black and what is white.
    label : integer array [rows, columns], optional
        Whose outline is drawn.
    """

    image: AnyArray
    window: tuple[float, float]
    label: AnyArray | None = None


@dataclass(frozen=True, eq=False)
class Exhibit:
    """An operation and what it makes of the slice.

    Attributes
    ----------
    name : str
    operation : Operation
    views : tuple of View
        One for each of :data:`STRENGTHS`; none if the operation refuses the image.
    refusal : str
        Why it does.
    """

    name: str
    operation: Operation
    views: tuple[View, ...]
    refusal: str = ""


def original_view(subject: Subject) -> View:
    """Return the slice as it is, with the outline of its label."""
    return _view(subject, subject.sample(in_hu=False), _window(subject.zscored), outlined=True)


def exhibits(subject: Subject, seed: int) -> Iterator[Exhibit]:
    """Yield every operation of the table in turn.

    All strengths of an operation are drawn from one seed: the one of a few that changes the slice
    most at full strength, or the first that shows at all.
    """
    for name, operation in OPERATIONS.items():
        yield _exhibit(name, operation, subject, seed)


def _exhibit(name: str, operation: Operation, subject: Subject, seed: int) -> Exhibit:
    in_hu = operation.suits == ("ct",)
    sample = subject.sample(in_hu=in_hu)
    transform = _built(operation, subject.keys)
    try:
        best = _strongest(subject, sample, transform, seed)
        views = tuple(
            _view(
                subject,
                _applied(transform, sample, (seed, best), strength),
                _hu_window(subject) if in_hu else _window(subject.zscored),
                outlined=operation.moves_voxels,
            )
            for strength in STRENGTHS
        )
    except ValueError as error:  # such as control points further apart than the scan is long
        return Exhibit(name, operation, (), str(error))
    return Exhibit(name, operation, views)


def _built(operation: Operation, keys: tuple[str, ...]) -> DictTransform:
    if not operation.moves_voxels:
        return operation.build(("image",))
    modes = {"image": "linear", "label": "vote"}
    padding = ["border" if key == "image" else "constant" for key in keys]
    return operation.build(keys, mode=[modes[key] for key in keys], padding_mode=padding)


def _applied(
    transform: DictTransform, sample: Sample, path: tuple[int, int], strength: float
) -> Sample:
    record = transform.sample(sample, generator(*path), Strength(strength))
    return transform.apply(sample, record)


def _strongest(subject: Subject, sample: Sample, transform: DictTransform, seed: int) -> int:
    """Return the number of the draw that shows most."""
    before, changes = subject.picture(sample["image"]), list[float]()
    enough = _VISIBLE * float(before.std())
    while len(changes) < _DRAWS or (max(changes) < enough and len(changes) < _MOST_DRAWS):
        after = _applied(transform, sample, (seed, len(changes)), 1.0)["image"]
        changes.append(float(np.abs(subject.picture(after) - before).mean()))
    return int(np.argmax(changes))


def _view(subject: Subject, sample: Sample, window: tuple[float, float], *, outlined: bool) -> View:
    label = sample.get("label") if outlined else None
    return View(
        subject.picture(sample["image"]),
        window,
        None if label is None else subject.picture(label),
    )


def _window(image: AnyArray) -> tuple[float, float]:
    low, high = np.percentile(image, (0.5, 99.8)).tolist()
    return low, high


def _hu_window(subject: Subject) -> tuple[float, float]:
    if subject.is_ct:
        return _SOFT_TISSUE
    image = subject.in_hu
    return _window(image[image > image.min()])
