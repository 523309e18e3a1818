"""The compiled resampler against analytic truth and against the slow reference."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import (
    random_lattice,
    reference_cubic,
    reference_linear,
    reference_nearest,
    reference_vote,
    source_coordinates,
)

from medaug.geometry import (
    AffineStage,
    LatticeStage,
    Warp,
    WarpKind,
    affine_about,
    affine_flip,
    affine_rotation,
    affine_scale,
    affine_translation,
)
from medaug.resample import Sampling, resample_array, resample_arrays

PADDINGS = ["constant", "border", "reflect", "symmetric"]
MODES = ["linear", "cubic", "nearest", "vote"]
REFERENCES = {"linear": reference_linear, "cubic": reference_cubic}
INPUT_SHAPE, OUTPUT_SHAPE = (17, 22, 19), (15, 18, 33)


def make_warp(kind: str, rng: np.random.Generator, shape=INPUT_SHAPE, output=OUTPUT_SHAPE) -> Warp:
    centre = (np.array(shape) - 1) / 2
    turn = AffineStage(
        affine_about(affine_rotation([20, -15, 30]) @ affine_scale([0.9, 1.2, 1]), centre)
    )
    bend = LatticeStage(random_lattice(rng, output, 8.0, 3.0))
    shift = AffineStage(affine_translation([1.25, -2.4, 0.75]))
    grid = AffineStage(affine_flip([True, False, True], shape) @ affine_translation([-2, 3, -5]))
    stages = {
        "grid": (grid,),
        "shift": (shift,),
        "affine": (turn,),
        "lattice": (bend,),
        "lattice affine": (bend, turn),
        "chain": (bend, turn, bend),
        "inverse": (turn, LatticeStage(bend.lattice, inverted=True)),
    }[kind]
    return Warp(output, stages)


WARPS = ["grid", "shift", "affine", "lattice", "lattice affine", "chain", "inverse"]


@pytest.mark.parametrize("mode", REFERENCES)
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("kind", WARPS)
def test_interpolation_agrees_with_the_reference(rng, kind, padding, mode):
    image = rng.normal(size=(5, *INPUT_SHAPE)).astype(np.float32)
    warp, sampling = make_warp(kind, rng), Sampling(mode, padding, -3.0)
    result = resample_array(image, warp, sampling)
    assert result.dtype == np.float32
    assert result.shape == (5, *OUTPUT_SHAPE)
    np.testing.assert_allclose(result, REFERENCES[mode](image, warp, sampling), atol=2e-4)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("kind", WARPS)
def test_nearest_agrees_with_the_reference_but_on_exact_ties(rng, kind, padding):
    label = rng.integers(0, 200, (2, *INPUT_SHAPE)).astype(np.int16)
    warp, sampling = make_warp(kind, rng), Sampling("nearest", padding, 7)
    result = resample_array(label, warp, sampling)
    assert result.dtype == label.dtype
    fraction = (source_coordinates(warp) + 0.5) % 1.0
    clear = np.all((fraction > 1e-4) & (fraction < 1 - 1e-4), axis=0) | (kind == "grid")
    expected = reference_nearest(label, warp, sampling)
    np.testing.assert_array_equal(result[:, clear], expected[:, clear])
    assert clear.mean() > 0.2


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("kind", WARPS)
def test_vote_agrees_with_linear_resampling_of_each_class(rng, kind, padding):
    label = rng.integers(0, 4, (1, *INPUT_SHAPE)).astype(np.uint8)
    warp, sampling = make_warp(kind, rng), Sampling("vote", padding, 2)
    result = resample_array(label, warp, sampling)
    expected, clear = reference_vote(label, warp, sampling)
    np.testing.assert_array_equal(result[clear], expected[clear])
    assert clear.mean() > 0.4


def test_a_ball_becomes_the_ellipsoid_that_scaling_makes_of_it():
    grid = np.stack(np.meshgrid(*[np.arange(41) - 20.0] * 3, indexing="ij"))
    ball = np.linalg.norm(grid / 10, axis=0) < 1
    pull_back = affine_about(affine_scale([1 / 1.5, 1, 2]), [20, 20, 20])
    warp = Warp((41, 41, 41), (AffineStage(pull_back),))
    result = resample_array(ball[None], warp, Sampling("vote"))[0]
    radius = np.linalg.norm(grid / np.reshape([15, 10, 5], (3, 1, 1, 1)), axis=0)
    clear = np.abs(radius - 1) > 0.15
    np.testing.assert_array_equal(result[clear], radius[clear] < 1)


@pytest.mark.parametrize("mode", ["nearest", "vote"])
def test_halfway_ties_of_labels_go_to_the_nearest_voxel(mode):
    label = np.zeros((1, 1, 1, 30), np.uint8)
    label[..., 22:24] = 1
    backwards = np.ascontiguousarray(label[..., ::-1])[..., ::-1]  # of which a box is copied
    shifted = Warp((1, 1, 4), (AffineStage(affine_translation([0, 0, 20.5])),))
    # At 21.5 both labels have half of the votes, and 22 is the nearest voxel by the half-up rule.
    for same in (label, backwards):
        found = resample_array(same, shifted, Sampling(mode))
        np.testing.assert_array_equal(found.ravel(), [0, 1, 1, 0])


@pytest.mark.parametrize("mode", REFERENCES)
@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "int16", "uint8", "uint16", "int32", ">f4", "bool"]
)
def test_interpolation_reads_every_dtype(rng, dtype, mode):
    image = (rng.random((2, *INPUT_SHAPE)) * 100).astype(dtype)
    warp, sampling = make_warp("affine", rng), Sampling(mode)
    expected = REFERENCES[mode](image, warp, sampling)
    np.testing.assert_allclose(resample_array(image, warp, sampling), expected, atol=2e-3)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("kind", WARPS)
@pytest.mark.parametrize("mode", MODES)
def test_what_cannot_be_read_as_it_is_gives_the_same_bits(rng, kind, padding, mode):
    """Of such arrays only the box that the warp touches is copied, here a small part."""
    shape = (60, 62, 64)
    array = rng.integers(0, 999, (2, *shape)).astype(np.float32)
    backwards = np.ascontiguousarray(array[:, ::-1])[:, ::-1]
    whole, sampling = make_warp(kind, rng, shape, shape), Sampling(mode, padding, 5)
    for corner in [(27, 27, 27), (5, 27, 27), (27, 27, 57)]:  # in the middle and near the border
        warp = whole.then(Warp((6, 7, 8), (AffineStage(affine_translation(corner)),)))
        expected = resample_array(array, warp, sampling)
        assert len(np.unique(expected)) > 30
        for same in (backwards, array.astype(">f8")):
            np.testing.assert_array_equal(resample_array(same, warp, sampling), expected)


@pytest.mark.parametrize("end", range(12, 60, 4))
@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_rounding_leads_to_no_other_bits_at_the_edge_of_the_touched_box(rng, mode, end):
    """Steps of sevenths end at a voxel but for the rounding of float32, above it or below."""
    array = rng.integers(0, 999, (1, 64, 64, 64)).astype(np.float32)
    backwards = np.ascontiguousarray(array[:, ::-1])[:, ::-1]
    for scale, start in [((end - 5) / 7, 5), ((end - 62) / 7, 62)]:
        matrix = affine_translation([start] * 3) @ affine_scale([scale] * 3)
        warp = Warp((8, 8, 8), (AffineStage(matrix),))
        expected = resample_array(array, warp, Sampling(mode))
        np.testing.assert_array_equal(resample_array(backwards, warp, Sampling(mode)), expected)


@pytest.mark.parametrize("mode", REFERENCES)
def test_only_what_the_warp_touches_is_converted(rng, mode):
    volume = rng.random((1, 128, 128, 128))
    turn = affine_about(affine_rotation([10, 20, 30]), [4, 4, 4])
    warp = Warp((8, 8, 8), (AffineStage(affine_translation([90, 50, 40]) @ turn),))
    resample_array(volume, warp, Sampling(mode))  # compiles
    tracemalloc.start()
    resample_array(volume, warp, Sampling(mode))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.1 * 4 * volume.size


def test_arrays_of_a_sample_share_one_grid(rng):
    warp, array = make_warp("affine", rng), np.zeros((1, *INPUT_SHAPE))
    for bad in [array[:, 1:], array[0], array[:, :0], array[None]]:
        with pytest.raises(ValueError, match="arrays must"):
            resample_arrays([array, bad], warp, [Sampling(), Sampling()])


@pytest.mark.parametrize(
    "dtype", ["uint8", "int16", "int32", "int64", "float32", "float64", "bool"]
)
@pytest.mark.parametrize("mode", ["nearest", "vote"])
def test_labels_keep_their_dtype_and_values(rng, dtype, mode):
    label = rng.integers(0, 3, (1, *INPUT_SHAPE)).astype(dtype)
    result = resample_array(label, make_warp("affine", rng), Sampling(mode))
    assert result.dtype == label.dtype
    assert set(np.unique(result)) <= set(np.unique(label))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "layout", ["fortran", "channel last", "every other", "mirrored", "read only"]
)
def test_any_memory_layout_gives_the_same_result(rng, layout, mode):
    array = rng.integers(0, 9, (3, *INPUT_SHAPE)).astype(np.int16)
    laid_out = {
        "fortran": lambda: np.asfortranarray(array),
        "channel last": lambda: np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 0, -1)), -1, 0),
        "every other": lambda: np.repeat(array, 2, axis=2)[:, :, ::2],
        "mirrored": lambda: np.ascontiguousarray(array[:, ::-1])[:, ::-1],
        "read only": lambda: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape),
    }[layout]()
    warp = make_warp("lattice affine", rng)
    np.testing.assert_array_equal(
        resample_array(laid_out, warp, Sampling(mode)), resample_array(array, warp, Sampling(mode))
    )


@pytest.mark.parametrize("mode", MODES)
def test_threads_do_not_change_a_bit(rng, mode):
    array = rng.integers(0, 9, (3, *INPUT_SHAPE)).astype(np.int16)
    warp = make_warp("lattice affine", rng)
    one, three = (resample_array(array, warp, Sampling(mode), threads=n) for n in (1, 3))
    np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize("mode", REFERENCES)
@pytest.mark.parametrize("kind", ["lattice affine", "chain"])
def test_a_crop_of_the_output_is_the_output_of_the_crop(rng, kind, mode):
    image = rng.normal(size=(2, *INPUT_SHAPE)).astype(np.float32)
    warp = make_warp(kind, rng)
    whole = resample_array(image, warp, Sampling(mode))
    crop = Warp((6, 7, 8), (AffineStage(affine_translation([3, 4, 5])),)).then(Warp((6, 7, 8)))
    part = resample_array(image, warp.then(crop), Sampling(mode))
    np.testing.assert_allclose(part, whole[:, 3:9, 4:11, 5:13], atol=1e-4)


@pytest.mark.parametrize("mode", REFERENCES)
@pytest.mark.parametrize("kind", ["affine", "lattice affine", "chain"])
def test_a_single_slice_is_resampled_like_any_volume(rng, kind, mode):
    image = rng.normal(size=(2, 30, 40, 1)).astype(np.float32)
    warp, sampling = make_warp(kind, rng, (30, 40, 1), (25, 35, 1)), Sampling(mode, "border")
    result = resample_array(image, warp, sampling)
    assert result.flags.c_contiguous
    np.testing.assert_allclose(result, REFERENCES[mode](image, warp, sampling), atol=2e-4)


def test_the_identity_returns_the_array_itself(rng):
    image = rng.normal(size=(1, 4, 5, 6)).astype(np.float32)
    assert resample_array(image, Warp((4, 5, 6)), Sampling()) is image


@pytest.mark.parametrize("padding", PADDINGS)
def test_grid_warps_are_exact_to_the_bit(rng, padding):
    image = rng.normal(size=(2, *INPUT_SHAPE)).astype(np.float32)
    warp, sampling = make_warp("grid", rng), Sampling("linear", padding, 1.5)
    assert warp.kind(INPUT_SHAPE) is WarpKind.GRID
    expected = reference_nearest(image, warp, sampling)
    np.testing.assert_array_equal(resample_array(image, warp, sampling), expected)


@pytest.mark.parametrize("padding", PADDINGS)
def test_the_spline_goes_through_the_voxels(rng, padding):
    image = rng.normal(size=(2, *INPUT_SHAPE)).astype(np.float32)
    almost = AffineStage(affine_translation([1e-9, 0, 0]))  # which no grid warp is
    warp = Warp(OUTPUT_SHAPE, (*make_warp("grid", rng).stages, almost))
    assert warp.kind(INPUT_SHAPE) is WarpKind.AFFINE
    sampling = Sampling("cubic", padding, 1.5)
    expected = reference_nearest(image, warp, sampling)
    np.testing.assert_allclose(resample_array(image, warp, sampling), expected, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 23)] * 3),
    output=st.tuples(*[st.integers(1, 23)] * 3),
    kind=st.sampled_from(["affine", "lattice affine", "chain"]),
    padding=st.sampled_from(PADDINGS),
    seed=st.integers(0, 2**31),
)
def test_any_shape_gives_finite_values_and_known_labels(shape, output, kind, padding, seed):
    rng = np.random.default_rng(seed)
    warp = make_warp(kind, rng, shape, output)
    label = rng.integers(1, 5, (1, *shape)).astype(np.uint8)
    image = resample_array(label.astype(np.float32), warp, Sampling("linear", padding, 1.0))
    assert image.shape == (1, *output)
    assert np.isfinite(image).all()
    assert image.min() >= 1 - 1e-3
    assert image.max() <= 4 + 1e-3
    for mode in ("nearest", "vote"):
        result = resample_array(label, warp, Sampling(mode, padding, 9))
        assert set(np.unique(result)) <= set(np.unique(label)) | {9}


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 40)] * 3),
    output=st.tuples(*[st.integers(1, 9)] * 3),
    kind=st.sampled_from(["affine", "lattice affine", "chain"]),
    padding=st.sampled_from(PADDINGS),
    seed=st.integers(0, 2**31),
)
def test_cubic_agrees_with_the_reference_for_any_shape(shape, output, kind, padding, seed):
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(1, *shape)).astype(np.float32)
    warp, sampling = make_warp(kind, rng, shape, output), Sampling("cubic", padding, 2.0)
    expected = reference_cubic(image, warp, sampling)
    np.testing.assert_allclose(resample_array(image, warp, sampling), expected, atol=2e-4)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["lattice affine", "chain", "inverse"])
def test_tiny_volumes_agree_with_the_reference(rng, mode, kind):
    """Small enough to run as plain Python as well."""
    shape, output = (4, 5, 6), (3, 4, 5)
    array = rng.integers(0, 3, (5, *shape)).astype(np.int16)
    warp, sampling = make_warp(kind, rng, shape, output), Sampling(mode, "constant", 1)
    result = resample_array(array[:1] if mode == "vote" else array, warp, sampling)
    if mode in REFERENCES:
        np.testing.assert_allclose(result, REFERENCES[mode](array, warp, sampling), atol=1e-4)
    elif mode == "nearest":
        np.testing.assert_array_equal(result, reference_nearest(array, warp, sampling))
    else:
        expected, clear = reference_vote(array[:1], warp, sampling)
        np.testing.assert_array_equal(result[clear], expected[clear])


def test_a_padding_value_that_is_no_number_stays_outside(rng):
    image = rng.normal(size=(1, *INPUT_SHAPE)).astype(np.float32)
    warp = make_warp("affine", rng)
    for mode in ("linear", "cubic"):
        marked = resample_array(image, warp, Sampling(mode, "constant", np.nan))
        plain = resample_array(image, warp, Sampling(mode, "constant", 0.0))
        inside = ~np.isnan(marked)
        assert 0.2 < inside.mean() < 0.9
        np.testing.assert_array_equal(marked[inside], plain[inside])
