"""Corrupted test cases: what changes, how much, and what it depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from conftest import REPOSITORY
from made_cases import make_case
from scipy.ndimage import affine_transform

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.config import CorruptionName
from medaug.benchmark.streams import Stream
from medaug.benchmark.testing import corruptions
from medaug.benchmark.testing.corruptions import corrupt
from medaug.rng import generator

NAMES = get_args(CorruptionName)
INTENSITIES = [name for name in NAMES if name != "rotation"]
SEVERITIES = range(1, 6)


def smooth_case(name: str = "a") -> Case:
    """Return a case with a ball on a smooth ground, and a background of exact zeros."""
    grid = np.moveaxis(np.indices((30, 32, 28)), 0, -1) - np.array([14.5, 15.5, 13.5])
    radius = np.linalg.norm(grid, axis=-1)
    waves = np.sin(grid[..., 0] / 3) + np.cos(grid[..., 1] / 4) * np.sin(grid[..., 2] / 5)
    head = radius < 13
    image = np.zeros((2, *radius.shape), np.float32)
    for channel, sign in enumerate((1, -1)):
        values = (2 * (radius < 6) + sign * waves)[head]
        image[channel][head] = (values - values.mean()) / values.std()
    label = (np.linalg.norm(grid - 2, axis=-1) < 5).astype(np.uint8)[np.newaxis]
    return Case(name, image, label, (1.0, 1.5, 2.0), name)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.mean((one - other) ** 2)))


def test_the_documentation_lists_the_severities() -> None:
    text = (REPOSITORY / "docs" / "concepts" / "measures.md").read_text(encoding="utf-8")
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    listed = {row[0]: tuple(map(float, row[2:])) for row in rows if row and row[0] in NAMES}
    assert listed == {
        "noise": corruptions.NOISE_STD,
        "bias": corruptions.BIAS_STRENGTH,
        "low_resolution": corruptions.RESOLUTION_SHARE,
        "contrast": corruptions.CONTRAST_GAMMA,
        "rotation": corruptions.ROTATION_DEGREES,
    }


@pytest.mark.parametrize("name", NAMES)
def test_severity_grows(name: CorruptionName) -> None:
    for case in (smooth_case(), make_case("b")):
        changes = [
            distance(corrupt(case, name, severity, seed=0).image, case.image)
            for severity in SEVERITIES
        ]
        assert changes[0] > 0
        assert changes == sorted(changes)


@pytest.mark.parametrize("name", NAMES)
def test_a_case_is_left_as_it_was_and_its_shape_kept(name: CorruptionName) -> None:
    case = smooth_case()
    corrupted = corrupt(case, name, 5, seed=0)
    untouched = smooth_case()
    np.testing.assert_array_equal(case.image, untouched.image)
    np.testing.assert_array_equal(case.label, untouched.label)
    assert corrupted.image.shape == case.image.shape
    assert (corrupted.image.dtype, corrupted.label.dtype) == (np.float32, np.uint8)
    assert (corrupted.name, corrupted.spacing_mm) == (case.name, case.spacing_mm)


@pytest.mark.parametrize("name", INTENSITIES)
def test_intensities_stay_normalised_over_the_foreground_and_the_label_stays(
    name: CorruptionName,
) -> None:
    case = smooth_case()
    corrupted = corrupt(case, name, 4, seed=0)
    np.testing.assert_array_equal(corrupted.label, case.label)
    background = case.image == 0
    assert (corrupted.image[background] == 0).all()
    for before, after in zip(case.image, corrupted.image, strict=True):
        assert after[before != 0].mean() == pytest.approx(0, abs=1e-4)
        assert after[before != 0].std() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_random_depends_on_seed_and_case(name: CorruptionName) -> None:
    case = smooth_case()
    images = [corrupt(case, name, 3, seed=seed).image for seed in range(8)]
    images += [corrupt(replace(case, name=other), name, 3, seed=0).image for other in "cdefgh"]
    np.testing.assert_array_equal(images[0], corrupt(case, name, 3, seed=0).image)
    different = {image.tobytes() for image in images}
    # Fewer voxels are no matter of chance; the others have a pattern, a direction or an axis.
    least = {"low_resolution": 1, "contrast": 2, "rotation": 4, "noise": 14, "bias": 14}
    assert len(different) >= least[name]


def test_the_stream_is_named_by_hashes_that_are_the_same_everywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    addresses = []

    def listen(*address: int) -> np.random.Generator:
        addresses.append(address)
        return generator(*address)

    monkeypatch.setattr(corruptions, "generator", listen)
    for severity in (1, 5):
        corrupt(smooth_case("case 7"), "bias", severity, seed=5)
    names = [int(hashlib.sha256(name).hexdigest()[:8], 16) for name in (b"case 7", b"bias")]
    assert addresses == [(Stream.SHIFT, 5, *names)] * 2


def pattern(name: CorruptionName, severity: int, read: Callable[[np.ndarray], np.ndarray]):
    case = smooth_case()
    inside = case.image[0] != 0
    return read(corrupt(case, name, severity, seed=0).image[0][inside]), case.image[0][inside]


def test_noise_is_the_same_pattern_of_the_named_strength() -> None:
    fields = []
    for severity, std in zip(SEVERITIES, corruptions.NOISE_STD, strict=True):
        after, before = pattern("noise", severity, np.asarray)
        # After the z-score: (v + std * n) / sqrt(1 + std ** 2), and n is the same n.
        noise = after * np.sqrt(1 + std**2) - before
        assert noise.std() == pytest.approx(std, rel=0.05)
        fields.append(noise)
    for field in fields[:-1]:
        assert np.corrcoef(field, fields[-1])[0, 1] > 0.99
    both = corrupt(smooth_case(), "noise", 3, seed=0).image - smooth_case().image
    assert abs(np.corrcoef(both[0][both[0] != 0], both[1][both[1] != 0])[0, 1]) < 0.1


def test_contrast_bends_a_monotone_curve_from_one_end() -> None:
    directions = set()
    for seed in range(8):
        case = smooth_case()
        before = case.image[0][case.image[0] != 0]
        after = corrupt(case, "contrast", 5, seed=seed).image[0][case.image[0] != 0]
        order = np.argsort(before)
        assert (np.diff(after[order]) >= -1e-5).all()
        share = (before - before.min()) / np.ptp(before)
        bent = (after - after.min()) / np.ptp(after)
        gamma = corruptions.CONTRAST_GAMMA[-1]
        dark, bright = share**gamma, 1 - (1 - share) ** gamma
        directions.add(bool(np.abs(bent - dark).max() < np.abs(bent - bright).max()))
        assert min(np.abs(bent - dark).max(), np.abs(bent - bright).max()) < 1e-3
    assert directions == {True, False}


def test_bias_has_the_named_ratio_of_its_extremes() -> None:
    """Of an image of one height, what the field leaves is the field, up to gain and offset."""
    case = make_case(label=np.zeros((24, 24, 24), np.uint8), channels=1)
    image = np.full((1, 24, 24, 24), 1.0, np.float32)
    image[0, 0, 0, 0] = -1.0  # the height 0
    for severity, strength in zip(SEVERITIES, corruptions.BIAS_STRENGTH, strict=True):
        after = corrupt(replace(case, image=image), "bias", severity, seed=0).image[0]
        field = (after - after[0, 0, 0]).ravel()[1:]
        assert field.max() / field.min() == pytest.approx(1 + strength, rel=0.15)


def test_low_resolution_keeps_fewer_voxels() -> None:
    """Linear between what is kept: so many kinks along a line."""
    case = make_case(label=np.zeros((40, 40, 40), np.uint8), channels=1)
    image = np.random.default_rng(0).normal(size=(1, 40, 40, 40)).astype(np.float32)
    for severity, share in zip(SEVERITIES, corruptions.RESOLUTION_SHARE, strict=True):
        after = corrupt(replace(case, image=image), "low_resolution", severity, seed=0).image[0]
        rank = np.linalg.matrix_rank(after.reshape(40, -1).astype(np.float64), tol=1e-2)
        assert rank == round(40 * share)


def test_rotation_turns_image_and_label_alike_by_the_named_angle() -> None:
    case = smooth_case()
    matrices = [rotation_that_fits(case, severity) for severity in (2, 5)]
    assert matrices[0] == matrices[1]  # axis and direction


def rotation_that_fits(case: Case, severity: int) -> tuple[int, int]:
    """Return axis and direction of the rotation that scipy makes the same image with."""
    corrupted = corrupt(case, "rotation", severity, seed=0)
    angle = np.deg2rad(corruptions.ROTATION_DEGREES[severity - 1])
    spacing, centre = np.diag(case.spacing_mm), (np.array(case.image.shape[1:]) - 1) / 2
    found = []
    for axis in range(3):
        for sign in (1, -1):
            first, second = (axis + 1) % 3, (axis + 2) % 3
            turn = np.eye(3)
            turn[first, first] = turn[second, second] = np.cos(angle)
            turn[first, second], turn[second, first] = sign * np.sin(angle), -sign * np.sin(angle)
            matrix = np.linalg.inv(spacing) @ turn @ spacing
            offset = centre - matrix @ centre
            turned = [
                affine_transform(each, matrix, offset, order=order, mode="nearest")
                for each, order in ((case.image[0], 1), (case.label[0], 0))
            ]
            if distance(turned[0], corrupted.image[0]) < 1e-3:
                overlap = (turned[1] & corrupted.label[0]).sum()
                assert 2 * overlap / (turned[1].sum() + corrupted.label.sum()) > 0.95
                found.append((axis, sign))
    assert len(found) == 1
    return found[0]
