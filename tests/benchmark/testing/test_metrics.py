from __future__ import annotations

import numpy as np
import pytest

from medaug.benchmark.testing.overlap import dice_per_class


def _labels(*voxels: int) -> np.ndarray:
    return np.array(voxels, np.uint8).reshape(1, 2, -1)


def test_dice_of_hand_counted_overlap() -> None:
    truth = _labels(1, 1, 1, 0, 2, 2, 0, 0)
    prediction = _labels(1, 1, 0, 0, 2, 1, 2, 2)
    # Class 1: overlap 2, sizes 3 and 3. Class 2: overlap 1, sizes 3 and 2.
    np.testing.assert_allclose(dice_per_class(prediction, truth, 2), [2 * 2 / 6, 2 * 1 / 5])


def test_equal_masks_score_one_and_disjoint_masks_zero() -> None:
    mask = _labels(1, 0, 1, 0)
    assert dice_per_class(mask, mask, 1).tolist() == [1.0]
    assert dice_per_class(mask, 1 - mask, 1).tolist() == [0.0]


def test_class_in_only_one_mask_scores_zero() -> None:
    empty, full = _labels(0, 0, 0, 0), _labels(0, 1, 0, 0)
    assert dice_per_class(full, empty, 1).tolist() == [0.0]
    assert dice_per_class(empty, full, 1).tolist() == [0.0]


def test_class_in_neither_mask_is_nan_and_leaves_the_others_alone() -> None:
    mask = _labels(1, 0, 3, 0)
    np.testing.assert_array_equal(dice_per_class(mask, mask, 4), [1.0, np.nan, 1.0, np.nan])


def test_swapping_prediction_and_truth_changes_nothing(rng: np.random.Generator) -> None:
    a, b = rng.integers(0, 4, (2, 5, 6, 7))
    np.testing.assert_array_equal(dice_per_class(a, b, 3), dice_per_class(b, a, 3))


def test_agrees_with_masks_on_random_labels_of_different_dtypes(rng: np.random.Generator) -> None:
    truth = rng.integers(0, 6, (9, 8, 7)).astype(np.int16)
    prediction = rng.integers(0, 6, (9, 8, 7)).astype(np.uint8)
    expected = [
        2
        * ((truth == c) & (prediction == c)).sum()
        / ((truth == c).sum() + (prediction == c).sum())
        for c in range(1, 6)
    ]
    np.testing.assert_allclose(dice_per_class(prediction, truth, 5), expected)


@pytest.mark.parametrize(
    ("prediction", "truth", "message"),
    [
        (np.zeros((2, 2, 2), int), np.zeros((2, 2, 3), int), "shape"),
        (np.zeros((2, 2, 2), int), np.zeros((2, 2, 2), float), "truth must be an integer"),
        (np.full((2, 2, 2), 2), np.zeros((2, 2, 2), int), "prediction has a class outside 0 to 1"),
        (np.zeros((2, 2, 2), int), np.full((2, 2, 2), -1), "truth has a class outside 0 to 1"),
    ],
)
def test_arrays_that_are_not_class_indices_are_refused(
    prediction: np.ndarray, truth: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        dice_per_class(prediction, truth, 1)
