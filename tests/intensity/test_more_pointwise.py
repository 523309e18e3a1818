"""Shift, window, clip, standardise, salt and pepper and cut-out against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
from intensity.channels import FACTS, changed, sampled
from scipy import stats

from medaug.intensity import (
    Clip,
    CutOut,
    ImageFacts,
    Impulses,
    IntensityShift,
    Standardise,
    Window,
)
from medaug.ranges import Strength
from medaug.rng import generator
from medaug.transforms import FusedIntensity, RandCutOutd, RandIntensityScaled, Standardized

CUT = Clip((0, 5), (95, 100))
HOLES = CutOut((1, 3), ((4, 4), (6, 6), (8, 8)))
FLAT = np.full((5, 6, 7), 4.0, np.float32)


@pytest.fixture
def image(rng) -> np.ndarray:
    return rng.gamma(2.0, size=(12, 14, 16)).astype(np.float32)


def test_a_shift_adds_standard_deviations_or_units(image):
    relative = changed(IntensityShift((-1, 1)), image, offset=-0.5)
    np.testing.assert_allclose(relative, image - 0.5 * image.std(), atol=1e-5)
    absolute = changed(IntensityShift((-1, 1), "absolute"), image, offset=-0.5)
    np.testing.assert_allclose(absolute, image - 0.5, atol=1e-6)


def test_a_constant_channel_has_no_deviation_to_shift_by():
    np.testing.assert_array_equal(changed(IntensityShift((-1, 1)), FLAT, offset=0.5), FLAT)


def test_a_window_maps_its_ends_and_cuts_beyond():
    voxels = np.array([-1000, -160, 40, 140, 240, 3000], np.float32).reshape(1, 2, 3)
    shown = changed(Window((0, 80), (300, 500)), voxels, level=40.0, width=400.0)
    np.testing.assert_allclose(shown.ravel(), [0, 0, 0.5, 0.75, 1, 1], atol=1e-6)
    shown = changed(Window((0, 80), (300, 500), (-1, 1)), voxels, level=40.0, width=400.0)
    np.testing.assert_allclose(shown.ravel(), [-1, -1, 0, 0.5, 1, 1], atol=1e-6)
    assert shown.min() == -1
    assert shown.max() == 1


def test_windows_at_magnitude_zero_are_the_central_one():
    window = Window((0, 80), (300, 500)).at_magnitude(0)
    assert window.sample(generator(3), FACTS) == {"level": 40.0, "width": 400.0}


def test_clipping_cuts_at_the_percentiles(image):
    cut = changed(CUT, image, lower=5.0, upper=90.0)
    np.testing.assert_allclose(cut, np.clip(image, *np.percentile(image, (5, 90))), rtol=1e-6)


def test_percentiles_of_a_large_channel_are_close():
    """Along a ramp every plane has other values, and rows are as long as a step may be."""
    ramp = np.linspace(0, 100, 100 * 40 * 80, dtype=np.float32).reshape(100, 40, 80)
    for voxels in (ramp, np.ascontiguousarray(ramp.T)):
        cut = changed(CUT, voxels, lower=3.0, upper=98.0)
        assert cut.min() == pytest.approx(3, abs=0.1)
        assert cut.max() == pytest.approx(98, abs=0.1)


def test_percentiles_of_columns_are_not_of_a_single_column(rng):
    """A step that divides the length of a row would see the bright column alone, or never."""
    voxels = rng.random((64, 80, 80)).astype(np.float32)
    voxels[..., 0] += 10
    cut = changed(CUT, voxels, lower=1.0, upper=95.0)
    assert cut.min() == pytest.approx(0.01, abs=0.005)
    assert cut.max() == pytest.approx(np.percentile(voxels, 95), abs=0.01)


def test_an_end_that_cuts_nothing_cuts_not_even_what_was_not_looked_at():
    voxels = np.zeros((100, 101, 102), np.float32)
    voxels[50, 50, 50], voxels[50, 50, 51] = 9.0, -9.0
    cut = changed(CUT, voxels, lower=0.0, upper=99.0)
    assert cut.min() == -9
    assert cut.max() == 0
    cut = changed(CUT, voxels, lower=1.0, upper=100.0)
    assert cut.min() == 0
    assert cut.max() == 9


def test_clipping_takes_percentiles_of_the_foreground_and_of_numbers_only(image):
    mask = image > 1
    holed = image.copy()
    holed[mask.nonzero()[0][0], mask.nonzero()[1][0], mask.nonzero()[2][0]] = np.nan
    cut = changed(CUT, holed, mask=mask, lower=20.0, upper=80.0)
    np.testing.assert_array_equal(cut[~mask], image[~mask])
    low, high = np.nanpercentile(holed[mask], (20, 80))
    known = np.isfinite(holed) & mask
    np.testing.assert_allclose(cut[known], np.clip(holed[known], low, high), rtol=1e-6)


def test_clipping_leaves_channels_without_numbers_or_foreground(image):
    nothing = np.full((3, 4, 5), np.nan, np.float32)
    np.testing.assert_array_equal(changed(CUT, nothing, lower=5.0, upper=95.0), nothing)
    empty = np.zeros(image.shape, bool)
    np.testing.assert_array_equal(changed(CUT, image, mask=empty, lower=5.0, upper=95.0), image)


def test_standardising_gives_the_z_score(image):
    scored = changed(Standardise(), image * 50 + 1000)
    np.testing.assert_allclose(scored, (image - image.mean()) / image.std(), atol=1e-4)


def test_standardising_only_shifts_what_is_constant():
    np.testing.assert_array_equal(changed(Standardise(), FLAT), np.zeros_like(FLAT))


def test_standardising_takes_moments_of_the_foreground_and_leaves_the_rest(image):
    voxels = np.where(image > 1, image, 0).astype(np.float32)
    scored = Standardized("image", foreground="nonzero")({"image": voxels[None]})["image"][0]
    assert np.all(scored[voxels == 0] == 0)
    assert scored[voxels != 0].mean() == pytest.approx(0, abs=1e-5)
    assert scored[voxels != 0].std() == pytest.approx(1, abs=1e-5)


def test_containers_do_not_weaken_what_is_no_augmentation(image):
    sample, nothing = {"image": image[None] + 3}, Strength(0, 0)
    score = Standardized("image")
    for transform in (score, FusedIntensity([score, RandIntensityScaled("image")])):
        result = transform.apply(sample, transform.sample(sample, generator(1), nothing))
        np.testing.assert_array_equal(result["image"], score(sample)["image"])


def test_salt_and_pepper_are_the_extremes_in_their_shares(rng):
    voxels = rng.uniform(2, 3, (40, 50, 60)).astype(np.float32)
    low, high = voxels.min(), voxels.max()
    result = changed(Impulses((0, 1), salt=0.25), voxels, density=0.1, seed=5)
    hit = result != voxels
    np.testing.assert_array_equal(np.unique(result[hit]), [low, high])
    salt, pepper = int((result[hit] == high).sum()), int((result[hit] == low).sum())
    assert stats.binomtest(salt + pepper, voxels.size, 0.1).pvalue > 0.01
    assert stats.binomtest(salt, salt + pepper, 0.25).pvalue > 0.01


@pytest.mark.parametrize(("salt", "extreme"), [(0.0, "min"), (1.0, "max")])
def test_salt_alone_and_pepper_alone(rng, salt, extreme):
    voxels = rng.uniform(2, 3, (20, 30, 30)).astype(np.float32)
    result = changed(Impulses((0, 1), salt), voxels, density=1.0, seed=5)
    assert np.all(result == getattr(voxels, extreme)())


def test_salt_falls_elsewhere_in_other_channels(rng):
    voxels = rng.uniform(2, 3, (20, 30, 30)).astype(np.float32)
    one, other = (
        changed(Impulses((0, 1)), voxels, index=n, density=0.1, seed=5) != voxels for n in range(2)
    )
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.03


def test_a_hole_is_filled_and_nothing_else_changes(image):
    box = [[2, 5], [0, 3], [10, 16]]
    where = (slice(2, 5), slice(0, 3), slice(10, 16))
    for fill, value in (("low", image.min()), ("mean", image.mean()), ("zero", 0.0)):
        result = changed(CutOut((1, 1), HOLES.size_mm, fill), image, boxes=[box])
        np.testing.assert_allclose(result[where], value, rtol=1e-5)
        result[where] = image[where]
        np.testing.assert_array_equal(result, image)


def test_holes_have_their_size_in_millimetres():
    facts = ImageFacts((200, 200, 200), (1.0, 2.0, 0.5))
    inner = []
    for seed in range(300):
        for box in HOLES.sample(generator(seed), facts)["boxes"]:
            if all(start > 0 and stop < 200 for start, stop in box):
                inner.append([stop - start for start, stop in box])
    assert len(inner) > 400
    np.testing.assert_array_equal(np.unique(inner, axis=0), [[4, 3, 16]])


def test_holes_are_as_likely_everywhere():
    facts = ImageFacts((50, 1, 40), (1.0, 1.0, 1.0))
    holes = CutOut((1, 1), ((3, 3), (3, 3), (3, 3)))
    boxes = np.array([holes.sample(generator(n), facts)["boxes"][0] for n in range(1000)])
    assert np.all(boxes[:, 1] == [0, 1])  # through the axis of one voxel
    inner = boxes[(boxes[:, 0, 0] > 0) & (boxes[:, 0, 1] < 50), 0, 0]
    assert (
        stats.kstest(inner + generator(0).random(len(inner)), stats.uniform(1, 46).cdf).pvalue
        > 0.01
    )
    assert {int(stop - start) for start, stop in boxes[:, 0]} == {2, 3}  # cut at the borders


def test_channels_that_share_have_their_holes_at_one_place(image):
    sample = {"image": np.stack([image + 1, 5 * image + 1])}
    result = RandCutOutd("image", size_mm=6, fill="zero").set_random_state(1)(sample)["image"]
    np.testing.assert_array_equal(result[0] == 0, result[1] == 0)
    assert (result == 0).any()


def test_a_hole_stays_in_the_foreground(image):
    mask = image > 1
    result = changed(HOLES, image, mask=mask, boxes=[[[0, 12], [0, 14], [0, 16]]])
    np.testing.assert_array_equal(result[~mask], image[~mask])
    np.testing.assert_allclose(result[mask], image[mask].mean(), rtol=1e-5)


@pytest.mark.parametrize(
    "effect", [IntensityShift((-1, 1)), CUT, Impulses((0, 1)), HOLES, Standardise()]
)
def test_magnitude_zero_changes_no_bit_of_an_augmented_image(effect, image):
    weak = effect.at_magnitude(0)
    result = sampled(weak, generator(3), image)
    if effect == Standardise():
        np.testing.assert_array_equal(result, sampled(effect, generator(3), image))
    else:
        np.testing.assert_array_equal(result, image)


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda: Window((0, 1), (0, 1)), "width"),
        (lambda: Window((0, 1), (1, 1), (1, 1)), "output"),
        (lambda: Clip((0, 50), (90, 100)), "lower_percentile"),
        (lambda: Clip((0, 5), (90, 101)), "upper_percentile"),
        (lambda: Impulses((0, 1.5)), "density"),
        (lambda: CutOut((0.5, 1), HOLES.size_mm), "holes"),
        (lambda: CutOut((-1, 1), HOLES.size_mm), "holes"),
    ],
)
def test_impossible_ranges_are_refused(build, name):
    with pytest.raises(ValueError, match=name):
        build()
