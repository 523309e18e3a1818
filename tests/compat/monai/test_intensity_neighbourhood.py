"""The drop-ins in which a voxel depends on its neighbours or its place, against MONAI's own."""

from __future__ import annotations

import monai.transforms as mt
import numpy as np
import pytest
import torch
from intensities import SHAPES, assert_close, assert_same_distribution, drawn, forced, image
from monai.utils import InterpolateMode

from medaug.compat.monai import (
    RandBiasFieldd,
    RandGaussianSmoothd,
    RandGibbsNoised,
    RandSimulateLowResolutiond,
)
from medaug.rng import generator

SAMPLE = {"image": image((2, 4, 5, 6))}
shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


@shapes
@pytest.mark.parametrize("approx", ["erf", "sampled", "scalespace"])
@pytest.mark.parametrize("sigma", [(0.25, 0.7, 1.45), (3.0, 0.1, 7.0)], ids=str)
def test_smoothing_is_monais(shape, approx, sigma):
    ours = forced(
        RandGaussianSmoothd("image", approx=approx), image(shape), {"sigma_voxels": list(sigma)}
    )
    theirs = mt.GaussianSmooth(sigma[: len(shape) - 1], approx=approx)(image(shape))
    assert_close(ours, theirs, 3e-6)


def test_no_smoothing_changes_nothing():
    ours = forced(RandGaussianSmoothd("image"), image((2, 8, 9)), {"sigma_voxels": [0.0] * 3})
    np.testing.assert_array_equal(ours, image((2, 8, 9)))


def test_smoothing_draws_what_monai_draws():
    ranges = {"sigma_x": (0.1, 0.2), "sigma_y": (1.0, 3.0), "sigma_z": (0.0, 9.0)}
    ours, theirs = (
        RandGaussianSmoothd("image", **ranges, prob=1.0),
        mt.RandGaussianSmooth(**ranges, prob=1.0),
    )
    theirs.set_random_state(0)
    values = []
    for _ in range(3000):
        theirs.randomize()
        values.append((theirs.x, theirs.y, theirs.z))
    for mine, other in zip(
        drawn(ours, "sigma_voxels", SAMPLE).T, zip(*values, strict=True), strict=True
    ):
        assert_same_distribution(mine, other)


@shapes
@pytest.mark.parametrize("degree", [1, 2, 3, 6])
def test_the_bias_field_is_monais(shape, degree):
    theirs = mt.RandBiasField(degree, (-0.5, 0.5), prob=1.0).set_random_state(degree)
    theirs.randomize(shape[1:])
    expected = theirs(image(shape), randomize=False)
    ours = forced(RandBiasFieldd("image", degree), image(shape), {"coefficients": theirs._coeff})
    assert_close(ours, expected, 3e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, None, "float64"])
def test_the_bias_field_gives_monais_dtype(dtype):
    for given in (np.float32, np.int16):
        voxels = np.full((1, 6, 7), 100, given)
        theirs = mt.RandBiasField(2, dtype=dtype, prob=1.0)
        theirs.randomize((6, 7))
        ours = forced(
            RandBiasFieldd("image", 2, dtype=dtype), voxels, {"coefficients": theirs._coeff}
        )
        assert_close(ours, theirs(voxels, randomize=False), 1e-3 if dtype is np.float16 else 1e-6)


@pytest.mark.parametrize("shape", [(2, 4, 5), (2, 4, 5, 6)], ids=str)
def test_the_bias_field_draws_what_monai_draws(shape):
    sample = {"image": image(shape)}
    ours = RandBiasFieldd("image", 3, (-0.2, 0.6), prob=1.0)
    theirs = mt.RandBiasField(3, (-0.2, 0.6), prob=1.0).set_random_state(0)
    values = []
    for _ in range(3000):
        theirs.randomize(shape[1:])
        values.append(theirs._coeff)
    mine, values = drawn(ours, "coefficients", sample), np.array(values)
    assert mine.shape == values.shape
    for one in (0, -1):
        assert_same_distribution(mine[:, one], values[:, one])


@shapes
@pytest.mark.parametrize("alpha", [0.0, 0.13, 0.5, 0.75, 1.0])
def test_gibbs_noise_is_monais(shape, alpha):
    """At 0.5 and 0.75 there are frequencies right on the edge of what is kept."""
    ours = forced(RandGibbsNoised("image"), image(shape), {"alpha": alpha})
    theirs = mt.GibbsNoise(alpha)(image(shape))
    if alpha == 1.0 and not theirs.any():
        assert not ours.any()
    else:
        assert_close(ours, theirs, 3e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.int16])
def test_gibbs_noise_gives_monais_dtype(dtype):
    voxels = image((1, 8, 9), dtype)
    assert_close(
        forced(RandGibbsNoised("image"), voxels, {"alpha": 0.4}), mt.GibbsNoise(0.4)(voxels)
    )


@pytest.mark.parametrize("alpha", [0.6, (0.2, 0.9)])
def test_gibbs_noise_draws_what_monai_draws(alpha):
    theirs = mt.RandGibbsNoise(1.0, alpha).set_random_state(0)
    values = []
    for _ in range(3000):
        theirs.randomize(None)
        values.append(theirs.sampled_alpha)
    assert_same_distribution(drawn(RandGibbsNoised("image", 1.0, alpha), "alpha", SAMPLE), values)


def low_resolution(shape, zoom, **arguments):
    """Return the image after medaug's and after MONAI's class with the same zoom."""
    theirs = mt.RandSimulateLowResolution(prob=1.0, zoom_range=(zoom, zoom), **arguments)
    transform = RandSimulateLowResolutiond("image", **arguments)
    return forced(transform, image(shape), {"zoom": zoom}), theirs(torch.from_numpy(image(shape)))


@pytest.mark.parametrize("zoom", [0.04, 0.37, 0.5, 0.81, 1.0, 1.6])
@pytest.mark.parametrize("down", ["nearest", "nearest-exact", "trilinear", "area"])
@pytest.mark.parametrize("up", ["nearest", "trilinear"])
@pytest.mark.parametrize("corners", [False, True])
def test_low_resolution_is_monais(zoom, down, up, corners):
    ours, theirs = low_resolution(
        (2, 12, 15, 17), zoom, downsample_mode=down, upsample_mode=up, align_corners=corners
    )
    assert_close(ours, theirs, 5e-6)


@pytest.mark.parametrize("zoom", [0.37, 1.6])
@pytest.mark.parametrize("up", ["bilinear", "bicubic", "nearest-exact", "area"])
@pytest.mark.parametrize("corners", [False, True])
def test_low_resolution_of_two_dimensions_is_monais(zoom, up, corners):
    ours, theirs = low_resolution((2, 19, 24), zoom, upsample_mode=up, align_corners=corners)
    assert_close(ours, theirs, 5e-6)


def test_low_resolution_of_two_dimensions_needs_no_other_mode():
    """MONAI's own refuses its default there."""
    ours, _ = low_resolution((1, 8, 9), 0.5, upsample_mode="bilinear")
    default = forced(RandSimulateLowResolutiond("image"), image((1, 8, 9)), {"zoom": 0.5})
    assert torch.equal(default, ours)


def test_nearest_finds_the_voxels_that_torch_finds():
    """Its arithmetic in float32 decides where a voxel begins right at the edge of another."""
    voxels = np.arange(200, dtype=np.float32).reshape(1, 1, 1, 200)
    for n in range(1, 200):
        ours, theirs = low_resolution_of(voxels, n / 200)
        assert torch.equal(ours.as_tensor(), theirs), n


def low_resolution_of(voxels, zoom):
    modes = {"downsample_mode": InterpolateMode.NEAREST, "upsample_mode": "nearest"}
    theirs = mt.RandSimulateLowResolution(prob=1.0, zoom_range=(zoom, zoom), **modes)
    transform = RandSimulateLowResolutiond("image", **modes)
    return forced(transform, voxels, {"zoom": zoom}), theirs(torch.from_numpy(voxels)).as_tensor()


def test_each_key_has_a_zoom_of_its_own_as_monai_draws_it():
    sample = {"image": image((1, 4, 5, 6)), "other": image((1, 4, 5, 6))}
    transform = RandSimulateLowResolutiond(["image", "other"], 1.0, zoom_range=(0.3, 0.9))
    parameters = transform.sample(sample, generator(0))["parameters"]
    assert parameters["image"][0][0]["zoom"] != parameters["other"][0][0]["zoom"]
    theirs = mt.RandSimulateLowResolution(1.0, zoom_range=(0.3, 0.9)).set_random_state(0)
    values = []
    for _ in range(3000):
        theirs.randomize()
        values.append(theirs.zoom_factor)
    assert_same_distribution(drawn(transform, "zoom", sample), values)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: RandGaussianSmoothd("image", approx="box"), "approx"),
        (lambda: RandGaussianSmoothd("image", sigma_y=(-1, 1)), "sigma_y"),
        (lambda: RandBiasFieldd("image", degree=0), "degree"),
        (lambda: RandGibbsNoised("image", alpha=(0.5, 1.2)), "alpha"),
        (lambda: RandGibbsNoised("image", alpha=(0.5, 0.2)), "alpha"),
        (lambda: RandSimulateLowResolutiond("image", upsample_mode="cubic"), "upsample_mode"),
        (lambda: RandSimulateLowResolutiond("image", zoom_range=(0, 1)), "zoom_range"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
