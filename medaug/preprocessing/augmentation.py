"""One augmented copy of a case: drawn, made, and made again from what was drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Randomizable
from monai.utils import convert_to_numpy

from medaug.errors import InputError
from medaug.io.cases import CaseFiles
from medaug.io.scan import read_image, read_label
from medaug.preprocessing.config import Geometry
from medaug.preprocessing.records import Drawn
from medaug.rng import derive_seed, generator
from medaug.transforms.base import DictTransform, Sample
from medaug.typing import AnyArray, FloatArray, Matrix


@dataclass(frozen=True, eq=False)
class Pair:
    """An image and its label.

    Attributes
    ----------
    image : float32 array [C, I, J, K]
    label : uint8 or int32 array [1, I, J, K]
    affine : float64 array [4, 4]
    remarks : tuple of str
        What was noticed while reading, in one line each.
    """

    image: FloatArray
    label: AnyArray
    affine: Matrix
    remarks: tuple[str, ...] = ()


def read_pair(case: CaseFiles, geometry: Geometry | None) -> Pair:
    """Read a case; without a label it is all background.

    Raises
    ------
    InputError
        If a file cannot be read, the label does not fit, or the image has voxels that are not
        finite.
    """
    image = read_image(case, geometry=geometry)
    voxels = np.ascontiguousarray(image.data, np.float32)
    if not np.isfinite(voxels).all():
        raise InputError(
            f"{case.images[0].path}: has voxels that are not finite; mend them, "
            "or run medaug preprocess first"
        )
    if case.label is None:
        values, remarks = np.zeros((1, *voxels.shape[1:]), np.uint8), image.remarks
    else:
        label = read_label(case, image, geometry=geometry)
        values, remarks = label.data, (*image.remarks, *label.remarks)
    dtype = np.uint8 if values.max() <= np.iinfo(np.uint8).max else np.int32
    warnings = tuple(remark.text for remark in remarks if remark.severity == "warning")
    return Pair(voxels, np.ascontiguousarray(values, dtype), image.affine, warnings)


def copy_stream(seed: int, case: str, number: int) -> tuple[int, int, int]:
    """Return the address of the random stream of a copy.

    It names no other case, so that cases can come and go without changing the copies of the rest.
    """
    name = hashlib.sha256(case.encode()).digest()
    return seed, int.from_bytes(name[:8], "little"), number


def make_copy(policy: Compose, pair: Pair, stream: Sequence[int]) -> tuple[Pair, tuple[Drawn, ...]]:
    """Draw what a policy does, and do it.

    Parameters
    ----------
    policy : monai.transforms.Compose
        Dictionary transforms on ``image`` and ``label``.
    pair : Pair
        Stays as it is.
    stream : sequence of ints
        Address of the randomness.

    Returns
    -------
    copy : Pair
    drawn : tuple of Drawn
        One for each transform, what :func:`remake_copy` takes.

    Raises
    ------
    InputError
        If a transform refuses the images, or image and label no longer fit.
    """
    sample, drawn = _sample_of(pair), list[Drawn]()
    for place, transform in enumerate(policy.transforms):
        with _refusals_named(transform):
            drawn.append(_draw(transform, sample, derive_seed(*stream, place)))
            sample = _apply(transform, sample, drawn[-1])
    return _pair_of(sample, pair), tuple(drawn)


def remake_copy(policy: Compose, pair: Pair, drawn: Sequence[Drawn]) -> Pair:
    """Do what was drawn, without drawing; see :func:`make_copy`."""
    sample = _sample_of(pair)
    for transform, each in zip(policy.transforms, drawn, strict=True):
        with _refusals_named(transform):
            sample = _apply(transform, sample, each)
    return _pair_of(sample, pair)


def _sample_of(pair: Pair) -> Sample:
    # Copies: a transform may write into what it is given.
    affine = torch.from_numpy(pair.affine)
    return {
        "image": MetaTensor(torch.tensor(pair.image), affine=affine.clone()),
        "label": MetaTensor(torch.tensor(pair.label), affine=affine.clone()),
    }


def _draw(transform: Any, sample: Sample, seed: int) -> Drawn:
    name = f"{type(transform).__module__}.{type(transform).__qualname__}"
    if isinstance(transform, DictTransform):
        return Drawn(transform=name, record=transform.sample(sample, generator(seed)))
    return Drawn(transform=name, seed=seed)


def _apply(transform: Any, sample: Sample, drawn: Drawn) -> Any:
    if drawn.record is not None:
        return transform.apply(sample, drawn.record)
    if isinstance(transform, Randomizable):
        transform.set_random_state(seed=drawn.seed)
    return transform(sample)


@contextmanager
def _refusals_named(transform: Any) -> Iterator[None]:
    """Turn what a transform refuses into one line."""
    try:
        yield
    except (ValueError, KeyError) as error:  # such as control points further apart than the scan
        reason = " ".join(str(error).split())
        raise InputError(f"{type(transform).__name__} refuses the scan: {reason}") from error


def _pair_of(sample: Any, original: Pair) -> Pair:
    """Return the arrays of a sample that a policy has made.

    They are on a grid like the original's, with the same centre: where the voxels came from is what
    the augmentation changes, and an affine that said so would let the next step undo it.
    """
    if not isinstance(sample, Mapping) or not {"image", "label"} <= sample.keys():
        raise InputError("the policy must return one sample with the keys image and label")
    image = np.ascontiguousarray(convert_to_numpy(sample["image"]), np.float32)
    values = convert_to_numpy(sample["label"])
    label = np.ascontiguousarray(values, original.label.dtype)
    if (label != values).any():
        raise InputError("the policy blends labels; give the transforms mode nearest for them")
    if image.shape[1:] != label.shape[1:]:
        raise InputError(
            "the policy must leave image and label of one shape; "
            f"got {list(image.shape[1:])} and {list(label.shape[1:])}"
        )
    affine = original.affine.copy()
    cut = (np.array(original.image.shape[1:]) - image.shape[1:]) / 2
    affine[:3, 3] += affine[:3, :3] @ cut
    return Pair(image, label, affine)
