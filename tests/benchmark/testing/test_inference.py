"""Whole scans through a network: classes and probabilities of one pass."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from made_cases import ByBrightness, make_case, make_segmenter
from torch import nn

from medaug.benchmark.cases.regions import Region
from medaug.benchmark.testing.inference import mean_dice

REGIONS = (Region("one", (1,)), Region("two", (2,)))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_classes_and_probabilities_of_a_known_network(overlap: float) -> None:
    case = make_case()
    prediction = make_segmenter(overlap).predict(ByBrightness(), case)
    first = case.image[0].astype(np.float64)
    exponentials = np.exp(2 * np.stack([np.ones_like(first), first, -first]))
    expected = exponentials / exponentials.sum(axis=0)
    np.testing.assert_allclose(prediction.probabilities, expected, atol=1e-5)
    np.testing.assert_allclose(prediction.confidence, expected.max(axis=0), atol=1e-5)
    np.testing.assert_array_equal(prediction.classes, expected.argmax(axis=0))
    assert prediction.classes.dtype == np.uint8
    assert prediction.probabilities.dtype == np.float32


def test_both_ways_to_segment_give_the_same() -> None:
    torch.manual_seed(3)
    network, case = nn.Conv3d(2, 3, 3, padding=1), make_case()
    segmenter = make_segmenter(0.25)
    prediction = segmenter.predict(network, case)
    np.testing.assert_array_equal(segmenter.segment(network, case), prediction.classes)


def test_probabilities_are_of_the_averaged_logits() -> None:
    """In windows that overlap, a network that sees its window's place gives different logits."""

    class Slope(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            place = torch.linspace(-3, 3, image.shape[2]).reshape(1, 1, -1, 1, 1)
            return torch.cat([torch.zeros_like(image[:, :1]), place + 0 * image[:, :1]], dim=1)

    case = make_case(label=np.ones((24, 16, 16), np.uint8))
    prediction = make_segmenter(0.5).predict(Slope(), case)
    logits = np.log(prediction.probabilities[1] / prediction.probabilities[0])[:, 0, 0]
    # The middle of the scan is 4 voxels past the middle of the first window and as far before that
    # of the second: equal weights, opposite logits.
    assert logits[11] + logits[12] == pytest.approx(0, abs=1e-4)
    assert (np.abs(logits) <= 3 + 1e-4).all()


def test_a_network_is_left_in_the_mode_that_it_had() -> None:
    network, case = nn.Sequential(nn.Conv3d(2, 3, 1), nn.Dropout(0.9)), make_case()
    segmenter = make_segmenter()
    network.train()
    first = segmenter.predict(network, case).probabilities
    assert network.training
    np.testing.assert_array_equal(segmenter.predict(network, case).probabilities, first)
    network.eval()
    segmenter.segment(network, case)
    assert not network.training


def test_mean_dice_leaves_out_regions_that_are_nowhere() -> None:
    label = np.zeros((6, 6, 6), np.uint8)
    label[:2] = 1
    case = make_case(label=label)
    half = label.copy()
    half[1] = 0
    assert mean_dice(half, case, REGIONS) == pytest.approx(2 / 3)
    half[5] = 2  # region two is predicted falsely
    assert mean_dice(half, case, REGIONS) == pytest.approx(1 / 3)
    empty = make_case(label=np.zeros_like(label))
    assert np.isnan(mean_dice(empty.label[0], empty, REGIONS))
