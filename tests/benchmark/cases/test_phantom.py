"""The phantom is the same for the same seed, and its cases differ as two scanners' cases do."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import ndimage

from medaug import rng as streams
from medaug.benchmark.cases.case_set import CaseSet
from medaug.benchmark.cases.phantom import PhantomConfig, make_phantom
from medaug.benchmark.cases.phantom.anatomy import Head, Tissue, draw_head
from medaug.benchmark.cases.phantom.scanner import SCANNERS, acquire
from medaug.benchmark.cases.phantom.space import Grid, smooth_noise

SMALL = PhantomConfig(cases=6, shape=(28, 32, 28), spacing_mm=6.0)
GRID = Grid((56, 64, 56), 3.0)


@pytest.fixture(scope="module")
def small() -> CaseSet:
    return make_phantom(SMALL)


@pytest.fixture(scope="module")
def heads() -> list[Head]:
    return [draw_head(streams.generator(7, index), GRID) for index in range(4)]


# --- reproducible -----------------------------------------------------------------------------


def test_same_seed_gives_the_same_bytes(small: CaseSet) -> None:
    again = make_phantom(SMALL)
    assert again.fingerprint == small.fingerprint
    for case, repeated in zip(small.cases, again.cases, strict=True):
        np.testing.assert_array_equal(case.image, repeated.image)
        np.testing.assert_array_equal(case.label, repeated.label)


def test_other_seed_gives_other_cases(small: CaseSet) -> None:
    other = make_phantom(SMALL.model_copy(update={"seed": 1}))
    assert other.fingerprint != small.fingerprint
    assert not np.array_equal(other.cases[0].label, small.cases[0].label)


def test_case_does_not_depend_on_the_number_of_cases(small: CaseSet) -> None:
    fewer = make_phantom(SMALL.model_copy(update={"cases": 3}))
    for case, alone in zip(small.cases, fewer.cases, strict=False):
        assert case.name == alone.name
        np.testing.assert_array_equal(case.image, alone.image)
        np.testing.assert_array_equal(case.label, alone.label)


def test_no_global_randomness_is_used(small: CaseSet) -> None:
    state = np.random.get_state()  # noqa: NPY002 - the legacy state is what must not move
    assert make_phantom(SMALL).fingerprint == small.fingerprint
    np.testing.assert_array_equal(state[1], np.random.get_state()[1])  # noqa: NPY002 - the legacy state is what must not move


# --- what a case is ---------------------------------------------------------------------------


def test_cases_keep_the_contract_of_a_case_set(small: CaseSet) -> None:
    assert small.name == "phantom"
    assert small.classes == ("oedema", "core")
    assert [case.name for case in small.cases] == [f"phantom_{i:03d}" for i in range(6)]
    for case in small.cases:
        assert (case.image.shape, case.image.dtype) == ((2, 28, 32, 28), np.float32)
        assert (case.label.shape, case.label.dtype) == ((1, 28, 32, 28), np.uint8)
        assert case.spacing_mm == (6.0, 6.0, 6.0)
        np.testing.assert_allclose(case.image.mean((1, 2, 3)), 0, atol=1e-4)
        np.testing.assert_allclose(case.image.std((1, 2, 3)), 1, atol=1e-4)


def test_progress_is_reported_for_each_case() -> None:
    seen: list[str] = []
    make_phantom(SMALL.model_copy(update={"cases": 2}), on_case=seen.append)
    assert seen == ["phantom_000", "phantom_001"]


@pytest.mark.parametrize("grid", [Grid((28, 32, 28), 6.0), Grid((26, 26, 26), 6.0), GRID])
def test_both_classes_occur_in_each_case_whatever_the_grid(grid: Grid) -> None:
    for index in range(12):
        label = draw_head(streams.generator(0, index), grid).label
        assert set(np.unique(label)) == {0, 1, 2}


def test_core_is_wrapped_in_oedema_or_bounded_by_cavities(heads: list[Head]) -> None:
    for head in heads:
        beside_core = ndimage.binary_dilation(head.label == 2) & (head.label != 2)
        brain = head.tissue >= Tissue.GREY
        assert (head.label[beside_core & brain] == 1).mean() > 0.8


def test_lesions_lie_in_the_brain_only(heads: list[Head]) -> None:
    for head in heads:
        assert (head.tissue[head.label > 0] >= Tissue.GREY).all()


def test_head_is_layered_from_the_skin_inwards(heads: list[Head]) -> None:
    for head in heads:
        shares = np.bincount(head.tissue.ravel(), minlength=len(Tissue)) / head.tissue.size
        assert (shares[[Tissue.SCALP, Tissue.SKULL, Tissue.FLUID]] > 0.01).all()
        assert (shares[[Tissue.GREY, Tissue.WHITE]] > 0.04).all()
        assert shares[Tissue.AIR] > 0.3
        touching_air = ndimage.binary_dilation(head.tissue == Tissue.AIR)
        assert set(np.unique(head.tissue[touching_air])) <= {Tissue.AIR, Tissue.SCALP, Tissue.SKULL}


def test_lesions_vary_in_place_and_size() -> None:
    labels = [draw_head(streams.generator(3, index), GRID).label for index in range(12)]
    sizes = np.array([np.count_nonzero(label) for label in labels])
    centres_mm = 3.0 * np.array([np.argwhere(label).mean(0) for label in labels])
    assert sizes.max() > 4 * sizes.min()
    assert (centres_mm.std(axis=0) > 8).all()


def test_no_threshold_finds_the_lesions_of_all_cases(small: CaseSet) -> None:
    def dice(found: np.ndarray, truth: np.ndarray) -> float:
        return 2 * np.count_nonzero(found & truth) / (found.sum() + truth.sum())

    for threshold in np.linspace(0, 6, 61):
        scores = [dice(case.image[1] > threshold, case.label[0] > 0) for case in small.cases]
        assert np.mean(scores) < 0.6


# --- two scanners -----------------------------------------------------------------------------


def test_scanners_differ_in_contrast_range_and_noise(heads: list[Head]) -> None:
    grey_to_white, flat_noise, ranges = [], [], []
    for scanner in SCANNERS:
        scans = [acquire(streams.generator(5, i), GRID, h, scanner) for i, h in enumerate(heads)]
        first = scans[0][0]
        tissue = heads[0].tissue
        white = first[tissue == Tissue.WHITE]
        grey_to_white.append(np.median(first[tissue == Tissue.GREY]) / np.median(white))
        flat_noise.append(np.median(first[tissue == Tissue.AIR]) / np.median(white))
        ranges.append(np.median([scan.max() for scan in scans]))
    assert grey_to_white[0] > grey_to_white[1] + 0.1
    assert flat_noise[1] > 1.5 * flat_noise[0]
    assert ranges[1] > 10 * ranges[0]


def test_scanners_alternate_over_the_cases(small: CaseSet) -> None:
    grid = Grid(SMALL.shape, SMALL.spacing_mm)
    for index, case in enumerate(small.cases):
        head = draw_head(streams.generator(0, index, 0), grid)
        scan = acquire(streams.generator(0, index, 1), grid, head, SCANNERS[index % 2])
        np.testing.assert_allclose(np.corrcoef(scan[0].ravel(), case.image[0].ravel()), 1)


def test_scan_is_stored_in_whole_numbers(heads: list[Head]) -> None:
    scan = acquire(streams.generator(5), GRID, heads[0], SCANNERS[0])
    np.testing.assert_array_equal(scan, np.round(scan))
    assert scan.min() >= 0


# --- smooth noise -----------------------------------------------------------------------------


@pytest.mark.parametrize("scale_mm", [4.0, 9.5, 60.0])
def test_smooth_noise_has_unit_variance_at_every_voxel(scale_mm: float) -> None:
    grid = Grid((5, 3, 4), 3.0)
    draws = np.stack([smooth_noise(streams.generator(1, i), grid, scale_mm) for i in range(4000)])
    np.testing.assert_allclose(draws.mean(axis=0), 0, atol=0.08)
    np.testing.assert_allclose(draws.std(axis=0), 1, atol=0.06)


def test_smooth_noise_forgets_over_its_scale() -> None:
    grid = Grid((2, 1, 1), 20.0)
    draws = {
        scale: np.stack(
            [smooth_noise(streams.generator(2, i), grid, scale).ravel() for i in range(2000)]
        )
        for scale in (4.0, 40.0)
    }
    assert abs(np.corrcoef(draws[4.0].T)[0, 1]) < 0.1
    assert np.corrcoef(draws[40.0].T)[0, 1] > 0.9


# --- configuration ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"cases": 1}, "cases"),
        ({"spacing_mm": 0.5}, "spacing_mm"),
        ({"shape": (8, 64, 56)}, "shape"),
        ({"shape": (32, 32, 32)}, "at least 150 mm"),
        ({"seed": -1}, "seed"),
        ({"sede": 1}, "sede"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        PhantomConfig(**settings)
