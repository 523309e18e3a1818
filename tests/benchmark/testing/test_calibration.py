"""Calibration: which voxels count, how they are sorted, and what error they have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from made_cases import SPACING_MM, make_case
from torchmetrics.functional.classification import multiclass_calibration_error

from medaug.benchmark.testing.calibration import (
    N_BINS,
    NEAR_MM,
    calibration_of,
    expected_calibration_error,
)
from medaug.benchmark.testing.inference import Prediction


def prediction_of(probabilities: np.ndarray) -> Prediction:
    probabilities = np.float32(probabilities)
    return Prediction(probabilities.argmax(axis=0).astype(np.uint8), probabilities)


def random_probabilities(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    logits = rng.normal(0, 2, (3, *shape))
    return np.exp(logits) / np.exp(logits).sum(axis=0)


def slowly_near(label: np.ndarray) -> np.ndarray:
    """Return which voxels lie within NEAR_MM of the foreground, voxel by voxel."""
    places = np.argwhere(np.ones_like(label)) * SPACING_MM
    structure = np.argwhere(label > 0) * SPACING_MM
    nearest = np.linalg.norm(places[:, None] - structure[None], axis=2).min(axis=1)
    return (nearest <= NEAR_MM).reshape(label.shape)


def test_voxels_far_from_structures_do_not_count(rng: np.random.Generator) -> None:
    label = np.zeros((20, 16, 14), np.uint8)
    label[2:4, 8, 9], label[5, 8, 9] = 1, 2
    case = make_case(label=label)
    near = slowly_near(label)
    assert 0 < near.sum() < near.size / 2
    probabilities = random_probabilities(rng, label.shape)
    calibration = calibration_of(prediction_of(probabilities), case)
    assert calibration["voxels"].sum() == near.sum()
    assert calibration["correct"].sum() == (probabilities.argmax(0) == label)[near].sum()
    assert calibration["confidence"].sum() == pytest.approx(probabilities.max(0)[near].sum())


def test_the_error_is_that_of_another_library(rng: np.random.Generator) -> None:
    case = make_case()
    probabilities = random_probabilities(rng, case.label.shape[1:])
    near = slowly_near(case.label[0])
    expected = multiclass_calibration_error(
        torch.from_numpy(probabilities[:, near].T),
        torch.from_numpy(case.label[0][near]).long(),
        num_classes=3,
        n_bins=N_BINS,
    )
    calibration = calibration_of(prediction_of(probabilities), case)
    assert list(calibration["bin"]) == list(range(N_BINS))
    error = expected_calibration_error(calibration)
    assert error.index.tolist() == ["a"]
    assert error["a"] == pytest.approx(float(expected), abs=1e-5)


def test_confidences_go_to_the_bin_that_they_lie_in() -> None:
    case = make_case(label=np.ones((2, 1, 2), np.uint8))
    foreground = np.array([[[0.62, 1.0]], [[0.0, 0.95]]])
    calibration = calibration_of(prediction_of(np.stack([1 - foreground, foreground])), case)
    filled = calibration[calibration["voxels"] > 0]
    # 0.62 * 15 = 9.3 and 0.95 * 15 = 14.25; a confidence of 1 goes to the last bin.
    assert filled["bin"].tolist() == [9, 14]
    assert filled["voxels"].tolist() == [1, 3]
    assert filled["correct"].tolist() == [1, 2]
    np.testing.assert_allclose(filled["confidence"], [0.62, 2.95], rtol=1e-6)


def test_a_network_that_is_right_as_often_as_it_says_has_no_error() -> None:
    case = make_case(label=np.array([1] * 8 + [2] * 2, np.uint8).reshape(10, 1, 1))
    shares = np.array([0.0, 0.8, 0.2]).reshape(3, 1, 1, 1) * np.ones((1, 10, 1, 1))
    error = expected_calibration_error(calibration_of(prediction_of(shares), case))
    assert error["a"] == pytest.approx(0, abs=1e-6)


def test_a_case_without_foreground_has_no_error(rng: np.random.Generator) -> None:
    case = make_case(label=np.zeros((6, 6, 6), np.uint8))
    prediction = prediction_of(random_probabilities(rng, (6, 6, 6)))
    calibration = calibration_of(prediction, case)
    assert calibration["voxels"].tolist() == [0] * N_BINS
    assert np.isnan(expected_calibration_error(calibration)["a"])


def test_cases_are_put_together_bin_by_bin() -> None:
    """Two cases whose errors cancel: one too sure, one not sure enough."""
    rows = [("a", 9, 10, 6.5, 10), ("b", 9, 10, 6.5, 3)]
    table = pd.DataFrame(rows, columns=["case", "bin", "voxels", "confidence", "correct"])
    table["arm"] = "flip"
    by_case = expected_calibration_error(table)
    np.testing.assert_allclose(by_case[["a", "b"]], [0.35, 0.35])
    assert expected_calibration_error(table, ["arm"])["flip"] == pytest.approx(0)


def test_the_image_plays_no_part(rng: np.random.Generator) -> None:
    case = make_case()
    prediction = prediction_of(random_probabilities(rng, case.label.shape[1:]))
    other = replace(case, image=case.image * 2)
    pd.testing.assert_frame_equal(
        calibration_of(prediction, case), calibration_of(prediction, other)
    )
