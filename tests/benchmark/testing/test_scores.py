"""Every measure against what is known by hand, by slow reference and by another library."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from made_cases import SPACING_MM, box
from monai.metrics import compute_hausdorff_distance, compute_surface_dice

from medaug.benchmark.testing.measures import MEASURES
from medaug.benchmark.testing.overlap import Overlap, dice_of, overlap_of
from medaug.benchmark.testing.scores import score
from medaug.benchmark.testing.surfaces import surface_distances

SHAPE = (20, 18, 16)
NAN = float("nan")


def scores(prediction: np.ndarray, truth: np.ndarray, tolerance: float = 2.0) -> dict[str, float]:
    return score(prediction, truth, spacing_mm=SPACING_MM, surface_tolerance_mm=tolerance)


def random_blobs(rng: np.random.Generator) -> np.ndarray:
    """Return some overlapping boxes, some of them at the edge of the scan."""
    mask = np.zeros(SHAPE, bool)
    for _ in range(4):
        start = tuple(rng.integers(0, 12, 3))
        mask |= box(SHAPE, start, tuple(rng.integers(1, 9, 3)))
    return mask


def slow_surface(mask: np.ndarray) -> np.ndarray:
    """Return the voxels that have a face in common with a voxel outside, voxel by voxel, in mm."""
    found = []
    for voxel in np.argwhere(mask):
        for axis in range(3):
            for step in (-1, 1):
                beside = voxel.copy()
                beside[axis] += step
                if not (0 <= beside[axis] < mask.shape[axis]) or not mask[tuple(beside)]:
                    found.append(tuple(voxel))
    return np.array(sorted(set(found))) * SPACING_MM


def slow_distances(prediction: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p, t = slow_surface(prediction), slow_surface(truth)
    between = np.linalg.norm(p[:, None] - t[None], axis=2)
    return between.min(axis=1), between.min(axis=0)


# --- overlap ----------------------------------------------------------------------------------


def test_overlap_of_hand_counted_masks() -> None:
    prediction = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
    truth = np.array([0, 0, 1, 1, 1, 0, 0, 0], bool)
    overlap = overlap_of(prediction, truth)
    assert overlap == Overlap(predicted=4, true=3, common=2)
    assert overlap.dice == pytest.approx(4 / 7)
    assert overlap.iou == pytest.approx(2 / 5)
    assert overlap.precision == pytest.approx(2 / 4)
    assert overlap.recall == pytest.approx(2 / 3)
    assert overlap.volume_error == pytest.approx(1 / 3)
    assert dice_of(prediction, truth) == overlap.dice


def test_the_volume_error_is_negative_where_too_little_is_predicted() -> None:
    assert Overlap(predicted=3, true=4, common=3).volume_error == -0.25


def test_all_measures_are_named_in_their_order(rng: np.random.Generator) -> None:
    found = scores(random_blobs(rng), random_blobs(rng))
    assert list(found) == [measure.name for measure in MEASURES]


def test_equal_masks_are_perfect(rng: np.random.Generator) -> None:
    mask = random_blobs(rng)
    assert list(scores(mask, mask).values()) == [1, 1, 1, 1, 0, 1, 0]


# --- empty masks, cell by cell as the documentation has them --------------------------------------


#: From corner to corner of the field of view: 20 mm, 27 mm and 32 mm.
DIAGONAL = np.sqrt(20.0**2 + 27.0**2 + 32.0**2)

EMPTY = {
    "both": (0, 0, (NAN, NAN, NAN, NAN, NAN, NAN, NAN)),
    "truth only": (1, 0, (0, 0, 0, NAN, DIAGONAL, 0, NAN)),
    "prediction only": (0, 1, (0, 0, 0, 0, DIAGONAL, 0, -1)),
}


@pytest.mark.parametrize("which", EMPTY)
def test_empty_masks(which: str) -> None:
    predicted, true, expected = EMPTY[which]
    some = box(SHAPE, (3, 3, 3), (4, 5, 6))
    found = scores(some & bool(predicted), some & bool(true))
    np.testing.assert_allclose(list(found.values()), expected)


# --- surfaces -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("axis", "shift_mm"), [(0, 2.0), (1, 3.0), (2, 4.0)])
def test_a_shifted_box_is_as_far_away_as_it_was_shifted(axis: int, shift_mm: float) -> None:
    shape = (60, 60, 60)
    truth = box(shape, (20, 20, 20), (12, 12, 12))
    found = scores(np.roll(truth, 2, axis), truth, tolerance=shift_mm - 0.1)
    # The face that moved away is more than 5 % of the surface.
    assert found["hd95_mm"] == pytest.approx(shift_mm)
    assert found["surface_dice"] < 1
    assert scores(np.roll(truth, 2, axis), truth, tolerance=shift_mm)["surface_dice"] == 1


def test_concentric_balls_are_the_difference_of_their_radii_apart() -> None:
    spacing_mm = (0.5, 0.75, 1.0)
    shape = (90, 60, 46)
    centre = (np.array(shape) - 1) / 2
    places = (np.moveaxis(np.indices(shape), 0, -1) - centre) * spacing_mm
    radius = np.linalg.norm(places, axis=-1)
    distances = surface_distances(radius < 20, radius < 14, spacing_mm)
    assert distances.hd95_mm == pytest.approx(6, abs=0.5)
    assert distances.to_truth_mm.mean() == pytest.approx(6, abs=0.5)
    assert distances.dice(5.0) < 0.1
    assert distances.dice(7.0) == 1


def test_distances_are_those_of_a_slow_reference(rng: np.random.Generator) -> None:
    for _ in range(4):
        prediction, truth = random_blobs(rng), random_blobs(rng)
        to_truth, to_prediction = slow_distances(prediction, truth)
        found = surface_distances(prediction, truth, SPACING_MM)
        np.testing.assert_allclose(np.sort(found.to_truth_mm), np.sort(to_truth))
        np.testing.assert_allclose(np.sort(found.to_prediction_mm), np.sort(to_prediction))
        hd95 = max(np.percentile(to_truth, 95), np.percentile(to_prediction, 95))
        near = (to_truth <= 2).sum() + (to_prediction <= 2).sum()
        assert found.hd95_mm == pytest.approx(hd95)
        assert found.dice(2.0) == pytest.approx(near / (len(to_truth) + len(to_prediction)))


def test_distances_agree_with_monai(rng: np.random.Generator) -> None:
    for _ in range(4):
        prediction, truth = random_blobs(rng), random_blobs(rng)
        one_hot = [torch.from_numpy(mask)[None, None] for mask in (prediction, truth)]
        hd95 = compute_hausdorff_distance(*one_hot, True, percentile=95, spacing=SPACING_MM)
        surface_dice = compute_surface_dice(*one_hot, [1.6], True, spacing=SPACING_MM)
        found = scores(prediction, truth, tolerance=1.6)
        assert found["hd95_mm"] == pytest.approx(float(hd95))
        assert found["surface_dice"] == pytest.approx(float(surface_dice))


def test_the_larger_directed_percentile_counts() -> None:
    truth = box(SHAPE, (2, 2, 2), (3, 3, 3))
    prediction = truth | box(SHAPE, (15, 2, 2), (3, 3, 3))
    forth, back = scores(prediction, truth)["hd95_mm"], scores(truth, prediction)["hd95_mm"]
    assert forth == back == pytest.approx(13.0)


def test_what_equals_the_tolerance_lies_within_it_in_spite_of_rounding() -> None:
    shape = (12, 12, 12)
    truth = box(shape, (2, 2, 2), (1, 1, 1))
    found = surface_distances(np.roll(truth, 3, 0), truth, (0.1, 0.1, 0.1))
    assert found.to_truth_mm[0] > 0.3  # 3 * 0.1 in floating point
    assert found.dice(0.3) == 1


def test_masks_at_the_edge_of_the_scan_have_a_surface_there() -> None:
    whole = np.ones((5, 5, 5), bool)
    assert len(surface_distances(whole, whole, SPACING_MM).to_truth_mm) == 5**3 - 3**3


def test_a_large_scan_is_quick() -> None:
    shape = (120, 120, 120)
    truth = box(shape, (30, 30, 30), (40, 40, 40))
    prediction = np.roll(truth, 3, 1)
    scores(prediction, truth)
    durations = []
    for _ in range(3):
        start = time.process_time()
        scores(prediction, truth)
        durations.append(time.process_time() - start)
    assert min(durations) < 0.3
