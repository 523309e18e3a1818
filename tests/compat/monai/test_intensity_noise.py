"""The drop-ins that add noise: the statistics of MONAI's own classes."""

from __future__ import annotations

import monai.transforms as mt
import numpy as np
import pytest
import torch
from intensities import assert_close, assert_same_distribution, drawn, forced, image
from scipy import stats

from medaug.compat.monai import RandGaussianNoised, RandRicianNoised
from medaug.rng import generator

SAMPLE = {"image": np.zeros((2, 4, 5), np.float32)}
#: Enough voxels for the tests of distributions; a channel has 8000.
CUBE = (3, 20, 20, 20)


@pytest.mark.parametrize("shape", [(3, 90, 90), CUBE], ids=str)
def test_gaussian_noise_has_mean_spread_and_independent_channels(shape):
    before = image(shape)
    transform = RandGaussianNoised("image", mean=0.7, std=2.0)
    after = forced(transform, before, {"std": 2.0, "seed": 11})
    noise = (after.numpy() - before).reshape(3, -1)
    for channel in noise:
        assert stats.kstest(channel, stats.norm(0.7, 2.0).cdf).pvalue > 0.01
    correlations = np.corrcoef(noise)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 4 / np.sqrt(noise.shape[1])


def test_all_keys_get_the_same_gaussian_noise():
    zeros = np.zeros((2, 8, 9, 10), np.float32)
    result = RandGaussianNoised(["image", "other"], 1.0)({"image": zeros, "other": zeros})
    assert torch.equal(result["image"], result["other"])
    assert result["image"].std() > 0
    theirs = mt.RandGaussianNoised(["image", "other"], 1.0)({"image": zeros, "other": zeros})
    assert torch.equal(theirs["image"], theirs["other"])


@pytest.mark.parametrize("cls", [RandGaussianNoised, RandRicianNoised])
def test_the_spread_is_drawn_from_zero_on_or_is_what_it_is(cls):
    """MONAI keeps no spread; it is that of the noise, here of many voxels with none of signal."""
    original = getattr(mt, cls.__name__)
    sample = {"image": np.zeros((1, 40, 40), np.float32)}
    ours, theirs = (c("image", 1.0, std=3.0).set_random_state(1) for c in (cls, original))
    spreads = [[float(t(sample)["image"].std()) for _ in range(400)] for t in (ours, theirs)]
    assert_same_distribution(np.array(spreads[0]), spreads[1])
    name = "std" if cls is RandGaussianNoised else "share"
    full = drawn(cls("image", 1.0, std=3.0, sample_std=False), name, SAMPLE, 20)
    assert set(full) == {3.0 if cls is RandGaussianNoised else 1.0}


@pytest.mark.parametrize("cls", [RandGaussianNoised, RandRicianNoised])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, torch.bfloat16, "float64", None])
@pytest.mark.parametrize("given", [np.float32, np.float16, np.float64])
def test_noise_gives_monais_dtype(cls, dtype, given):
    sample = {"image": np.zeros((1, 4, 5), given)}
    transform = cls("image", 1.0, dtype=dtype)
    ours = transform(sample)
    if dtype is torch.bfloat16:  # of which MONAI's own cannot make noise
        assert ours["image"].dtype is torch.bfloat16
        assert torch.equal(transform.inverse(ours)["image"], ours["image"])
        return
    theirs = getattr(mt, cls.__name__)("image", 1.0, dtype=dtype)(sample)
    assert ours["image"].dtype == theirs["image"].dtype


@pytest.mark.parametrize("cls", [RandGaussianNoised, RandRicianNoised])
def test_whole_numbers_cannot_hold_noise(cls):
    sample = {"image": np.zeros((1, 4, 5), np.int16)}
    assert cls("image", 1.0)(sample)["image"].dtype is torch.float32
    for dtype in (None, np.int16):
        with pytest.raises(ValueError, match=r"'image' would come out .* torch.int16"):
            cls("image", 1.0, dtype=dtype)(sample)


@pytest.mark.parametrize("mean", [0.0, 1.5])
@pytest.mark.parametrize("signal", [0.0, 4.0, -4.0])
def test_rician_noise_has_the_distribution_of_monais(mean, signal):
    voxels = np.full(CUBE, signal, np.float32)
    options = {"mean": mean, "std": 2.0, "sample_std": False}
    ours = forced(RandRicianNoised("image", **options), voxels, {"share": 1.0, "seed": 5})
    theirs = mt.RandRicianNoise(1.0, **options).set_random_state(3)(voxels)
    for mine, other in zip(ours.numpy(), theirs.numpy(), strict=True):
        assert stats.ks_2samp(mine.ravel(), other.ravel()).pvalue > 0.01
    noise = ours.numpy().reshape(3, -1)
    correlations = np.corrcoef(noise)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 4 / np.sqrt(noise.shape[1])


def test_rician_noise_without_spread_is_the_magnitude():
    voxels = image((2, 8, 9))
    for mean in (0.0, 3.0):
        ours = RandRicianNoised("image", 1.0, mean=mean, std=0.0)({"image": voxels})["image"]
        assert_close(ours, np.sqrt((voxels + mean) ** 2 + mean**2))


@pytest.mark.parametrize("channel_wise", [False, True])
def test_a_relative_spread_is_that_of_the_image_or_of_the_channel(channel_wise):
    """Far above the noise, what is added is normal."""
    before = image(CUBE) + 1e5
    options = {"std": 0.5, "relative": True, "sample_std": False, "channel_wise": channel_wise}
    after = forced(RandRicianNoised("image", **options), before, {"share": 1.0, "seed": 2})
    theirs = mt.RandRicianNoise(1.0, **options).set_random_state(0)(before.copy())
    added, expected = (
        (np.asarray(a, float) - before).reshape(3, -1).std(1) for a in (after, theirs)
    )
    spread = before.reshape(3, -1).std(1) if channel_wise else before.std()
    np.testing.assert_allclose(added, 0.5 * spread * np.ones(3), rtol=0.03)
    np.testing.assert_allclose(added, expected, rtol=0.04)


def test_mean_and_spread_may_be_given_for_each_channel():
    zeros = np.zeros((2, 40, 40), np.float32)
    options = {"mean": (50.0, 0.0), "std": [1e-3, 2.0], "channel_wise": True, "sample_std": False}
    result = RandRicianNoised("image", 1.0, **options)({"image": zeros})["image"]
    theirs = mt.RandRicianNoise(1.0, **options)(zeros.copy())
    assert float(result[0].mean()) == pytest.approx(50 * np.sqrt(2), rel=1e-3)
    for c in range(2):
        assert float(result[c].mean()) == pytest.approx(float(theirs[c].mean()), rel=0.05)
        assert float(result[c].std()) == pytest.approx(float(theirs[c].std()), rel=0.1)
    with pytest.raises(ValueError, match="mean has 2 entries, but 'image' has 3 channels"):
        RandRicianNoised("image", 1.0, **options)({"image": np.zeros((3, 4, 5), np.float32)})
    with pytest.raises(ValueError, match="channel_wise"):
        RandRicianNoised("image", std=(1.0, 2.0))


@pytest.mark.parametrize("channel_wise", [False, True])
def test_each_key_has_rician_noise_and_a_spread_of_its_own(channel_wise):
    sample = {"image": np.zeros((2, 8, 9), np.float32), "other": np.zeros((2, 8, 9), np.float32)}
    transform = RandRicianNoised(["image", "other"], 1.0, channel_wise=channel_wise)
    record = transform.sample(sample, generator(0))["parameters"]
    shares = {key: [each["share"] for each in record[key][0]] for key in sample}
    assert not set(shares["image"]) & set(shares["other"])
    assert len(set(shares["image"])) == (2 if channel_wise else 1)
    result = transform(sample)
    assert not torch.equal(result["image"], result["other"])


@pytest.mark.parametrize("cls", [RandGaussianNoised, RandRicianNoised])
def test_a_negative_spread_is_refused(cls):
    with pytest.raises(ValueError, match="std"):
        cls("image", std=-1.0)
