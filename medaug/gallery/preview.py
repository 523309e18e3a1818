"""What a policy does to a scan: the original and copies of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medaug.drawing import VIEWS, Plane, plane_through
from medaug.errors import InputError
from medaug.foreground import zscore_foreground
from medaug.gallery.captions import describe
from medaug.io.cases import CaseFiles, ScanFiles
from medaug.io.dicom.detect import require_dicom
from medaug.policy import build_policy, parse_policy, units_of, units_remark
from medaug.preprocessing.augmentation import Pair, copy_stream, make_copy, read_pair
from medaug.preprocessing.records import Recipe
from medaug.typing import AnyArray

#: Soft tissue of CT in HU.
_SOFT_TISSUE = (-160.0, 240.0)


@dataclass(frozen=True, eq=False)
class Preview:
    """The original and its copies.

    Attributes
    ----------
    title : str
    planes : tuple of Plane
    window : pair of floats
        What is black and what is white in all of them.
    rows : tuple of (caption, Pair)
        The first is the original.
    remark : str
        What makes it doubtful; empty if nothing does.
    """

    title: str
    planes: tuple[Plane, ...]
    window: tuple[float, float]
    rows: tuple[tuple[str, Pair], ...]
    remark: str


def make_preview(
    pair: Pair, name: str, recipe: Recipe, *, copies: int, trust: bool = False
) -> Preview:
    """Run a policy on a scan.

    The policy gets z-scores over the foreground; if it takes Hounsfield units, the image as it is.

    Parameters
    ----------
    pair : Pair
        Of one channel. A label without any class is not outlined.
    name : str
        Of the scan; with the seed it decides what is drawn.
    recipe : Recipe
    copies : int
    trust : bool
        See `medaug.policy.load_policy`.

    Raises
    ------
    InputError
        If the policy is faulty or refuses the image, or that is constant.
    """
    policy = build_policy(
        recipe.policy, recipe.policy_name, spatial_size=recipe.spatial_size, trust=trust
    )
    units = units_of(parse_policy(recipe.policy, recipe.policy_name))
    original = pair if units == "hu" else _zscored(pair, name)
    rows = [("original", original)]
    for number in range(1, copies + 1):
        copy, drawn = make_copy(policy, original, copy_stream(recipe.seed, name, number))
        phrases = [
            phrase
            for transform, each in zip(policy.transforms, drawn, strict=True)
            for phrase in describe(transform, each.record)
        ]
        rows.append((f"{number}: {', '.join(phrases) or 'unchanged'}", copy))
    label = original.label[0] if original.label.any() else None
    shape = original.image.shape[1:]
    return Preview(
        title=f"{name} under policy {recipe.policy_name}, seed {recipe.seed}",
        planes=tuple(plane_through(original.affine, view, shape, label) for view in VIEWS),
        window=_SOFT_TISSUE if units == "hu" else _window(original.image),
        rows=tuple(rows),
        remark=units_remark(pair.image, units) if units == "hu" else "",
    )


def load_scan(image: Path, label: Path | None = None, *, channel: int = 0) -> Pair:
    """Read a channel of a scan, and its label if there is one.

    Parameters
    ----------
    image : Path
        A file of any format, or a folder that holds one DICOM series.
    label : Path, optional
    channel : int

    Raises
    ------
    InputError
        If a file cannot be read, the image has not that channel, or the label does not fit.
    """
    labels = None if label is None else _scan_files(label)
    pair = read_pair(CaseFiles(image.name, (_scan_files(image),), labels, image.name), None)
    if not 0 <= channel < len(pair.image):
        raise InputError(f"{image}: has {len(pair.image)} channels; there is no channel {channel}")
    return Pair(pair.image[channel : channel + 1], pair.label, pair.affine, pair.remarks)


def _scan_files(path: Path) -> ScanFiles:
    if not path.is_dir():
        return ScanFiles(path)
    require_dicom(path)
    from medaug.io.dicom.series import find_series  # noqa: PLC0415  # reads with an extra's packages

    series = [each for each in find_series(path) if not each.is_localizer]
    if len(series) != 1:
        raise InputError(f"{path}: holds {len(series)} DICOM series; name a folder that holds one")
    return ScanFiles(series[0].path, series[0].files)


def _zscored(pair: Pair, name: str) -> Pair:
    try:
        return Pair(zscore_foreground(pair.image), pair.label, pair.affine)
    except ValueError as error:
        raise InputError(f"{name}: {error}; there is nothing to see in it") from error


def _window(image: AnyArray) -> tuple[float, float]:
    low, high = np.percentile(image, (0.5, 99.8)).tolist()
    return low, max(high, low + 1e-6)
