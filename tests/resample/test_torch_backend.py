"""The torch backend against analytic truth, SciPy and the compiled backend."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import random_lattice, reference_nearest, reference_vote, source_coordinates
from scipy.ndimage import map_coordinates
from test_resample import INPUT_SHAPE, OUTPUT_SHAPE, PADDINGS, WARPS, make_warp
from torch.utils._python_dispatch import TorchDispatchMode

from medaug.geometry import AffineStage, LatticeStage, Warp, affine_translation
from medaug.resample import Sampling, resample_array, torch_backend
from medaug.resample.torch_backend import resample_tensors

IMAGE_MODES, LABEL_MODES = ["linear", "cubic"], ["nearest", "vote"]
MODES = IMAGE_MODES + LABEL_MODES
INTEGERS = ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"]


def resample_tensor(tensor: torch.Tensor, warp: Warp, sampling: Sampling) -> torch.Tensor:
    return resample_tensors([tensor], warp, [sampling])[0]


def resampled(array: np.ndarray, warp: Warp, sampling: Sampling) -> np.ndarray:
    return resample_tensor(torch.from_numpy(array), warp, sampling).numpy()


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("kind", WARPS)
@pytest.mark.parametrize("mode", IMAGE_MODES)
def test_images_agree_with_the_compiled_backend(rng, mode, kind, padding):
    image = rng.random((2, *INPUT_SHAPE)).astype(np.float32)
    warp, sampling = make_warp(kind, rng), Sampling(mode, padding, -1.0)
    result = resample_tensor(torch.from_numpy(image), warp, sampling)
    assert result.dtype == torch.float32
    assert result.device == torch.device("cpu")
    assert result.shape == (2, *OUTPUT_SHAPE)
    expected = resample_array(image, warp, sampling)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("kind", WARPS)
def test_nearest_agrees_with_the_compiled_backend_but_on_ties(rng, kind, padding):
    label = rng.integers(0, 200, (2, *INPUT_SHAPE)).astype(np.int16)
    warp, sampling = make_warp(kind, rng), Sampling("nearest", padding, 7)
    fraction = (source_coordinates(warp) + 0.5) % 1.0
    clear = np.all((fraction > 1e-3) & (fraction < 1 - 1e-3), axis=0) | (kind == "grid")
    result, expected = resampled(label, warp, sampling), resample_array(label, warp, sampling)
    assert result.dtype == label.dtype
    np.testing.assert_array_equal(result[:, clear], expected[:, clear])
    assert clear.mean() > 0.9


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("kind", WARPS)
def test_vote_agrees_with_the_compiled_backend_but_on_ties(rng, kind, padding):
    label = rng.integers(0, 4, (1, *INPUT_SHAPE)).astype(np.uint8)
    warp, sampling = make_warp(kind, rng), Sampling("vote", padding, 2)
    _, clear = reference_vote(label, warp, sampling)
    result, expected = resampled(label, warp, sampling), resample_array(label, warp, sampling)
    assert result.dtype == label.dtype
    np.testing.assert_array_equal(result[clear], expected[clear])
    assert clear.mean() > 0.9


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shift", [-1e6, -40.3, -14.3, 14.3, 40.3, 1e6])
def test_far_outside_agrees_with_the_compiled_backend(rng, shift, mode, padding):
    array = rng.integers(0, 3, (1, *INPUT_SHAPE)).astype(np.float32)
    warp = Warp((9, 9, 9), (AffineStage(affine_translation([shift, 3.4, -shift])),))
    sampling = Sampling(mode, padding, -1.0)
    result, expected = resampled(array, warp, sampling), resample_array(array, warp, sampling)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("mode", IMAGE_MODES)
def test_the_stated_tolerance_holds_at_256_voxels_a_side(rng, mode):
    shape = (256, 256, 6)
    image = rng.random((1, *shape)).astype(np.float32)
    warp, sampling = make_warp("lattice affine", rng, shape, shape), Sampling(mode, "border")
    result, expected = resampled(image, warp, sampling), resample_array(image, warp, sampling)
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-4)


def test_a_linear_ramp_becomes_the_ramp_of_the_warp(rng):
    bend = LatticeStage(random_lattice(rng, (16, 16, 16), 8.0, 3.0))
    warp = Warp((16, 16, 16), (bend, AffineStage(affine_translation([16, 16, 16]))))
    ramps = np.indices((48, 48, 48), np.float32)
    result = resampled(ramps, warp, Sampling("linear", "border"))
    np.testing.assert_allclose(result, source_coordinates(warp), atol=1e-4)


@pytest.mark.parametrize("shift", [-20.5, -12.5, -6.5, 12.5, 20.5])
def test_lattices_further_on_bend_what_lies_beyond_them(rng, shift):
    bends = [LatticeStage(random_lattice(rng, (16, 16, 16), 8.0, 3.0)) for _ in range(3)]
    shifts = [AffineStage(affine_translation([by] * 3)) for by in (shift, -2 * shift, shift + 16)]
    stages = [stage for pair in zip(bends, shifts, strict=True) for stage in pair]
    warp = Warp((16, 16, 16), tuple(stages))
    ramps = np.indices((48, 48, 48), np.float32)
    result = resampled(ramps, warp, Sampling("linear", "border"))
    np.testing.assert_allclose(result, source_coordinates(warp).clip(0, 47), atol=1e-4)


@pytest.mark.parametrize("kind", WARPS)
def test_cubic_is_the_spline_of_scipy(rng, kind):
    image = rng.random((1, *INPUT_SHAPE)).astype(np.float32)
    warp = make_warp(kind, rng)
    expected = map_coordinates(
        image[0].astype(np.float64), source_coordinates(warp), order=3, mode="mirror"
    )
    result = resampled(image, warp, Sampling("cubic", "reflect"))
    np.testing.assert_allclose(result[0], expected, rtol=0, atol=3e-4)


def test_halfway_ties_go_to_the_upper_voxel():
    label = torch.arange(4).view(1, 1, 1, 4)
    shifted = Warp((1, 1, 3), (AffineStage(affine_translation([0, 0, 0.5])),))
    for mode in LABEL_MODES:
        assert resample_tensor(label, shifted, Sampling(mode)).flatten().tolist() == [1, 2, 3]


def test_ties_of_the_vote_within_rounding_go_to_the_nearest_voxel(rng):
    """Halfway along one axis of a checkerboard, each colour has half of the votes."""
    board = np.indices((9, 9, 9)).sum(0, keepdims=True) % 2
    for offset in rng.random((50, 2)):
        warp = Warp((8, 8, 8), (AffineStage(affine_translation([0.5, *offset])),))
        nearest, vote = (resampled(board, warp, Sampling(mode)) for mode in LABEL_MODES)
        np.testing.assert_array_equal(vote, nearest)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mode", MODES)
def test_grid_warps_are_exact_to_the_bit(rng, mode, padding):
    image = rng.normal(size=(2, *INPUT_SHAPE)).astype(np.float32)
    warp, sampling = make_warp("grid", rng), Sampling(mode, padding, 1.5)
    expected = reference_nearest(image, warp, sampling)
    np.testing.assert_array_equal(resampled(image, warp, sampling), expected)


def test_a_padding_value_that_the_dtype_of_the_input_lacks_reaches_an_image():
    image = torch.ones((1, 2, 2, 2), dtype=torch.uint8)
    result = resample_tensor(image, Warp((2, 2, 3)), Sampling("linear", "constant", -3.5))
    assert result[..., 2].eq(-3.5).all()


@pytest.mark.parametrize("mode", IMAGE_MODES)
def test_a_padding_value_that_is_no_number_stays_outside(mode, rng):
    image = torch.from_numpy(rng.random((1, *INPUT_SHAPE)))
    warp = Warp(INPUT_SHAPE, (AffineStage(affine_translation([0.5, 0, 0])),))
    result = resample_tensor(image, warp, Sampling(mode, "constant", float("nan")))
    assert result[:, :-1].isfinite().all()
    assert result[:, -1].isnan().all()


@pytest.mark.parametrize("mode", MODES)
def test_the_identity_returns_the_tensor_itself(mode):
    image, warp = torch.rand(1, 4, 5, 6), Warp((4, 5, 6))
    assert resample_tensor(image, warp, Sampling(mode)) is image


def test_the_identity_makes_an_integer_image_float():
    image = torch.arange(24).view(1, 2, 3, 4)
    result = resample_tensor(image, Warp((2, 3, 4)), Sampling("linear"))
    assert result.dtype == torch.float32
    assert result.equal(image.float())


@pytest.mark.parametrize("dtype", [*INTEGERS, "float16", "float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
def test_every_dtype_is_read_as_by_the_compiled_backend(rng, mode, dtype):
    array = rng.integers(0, 4, (1, *INPUT_SHAPE)).astype(dtype)
    warp, sampling = make_warp("affine", rng), Sampling(mode, "constant", 1)
    result, expected = resampled(array, warp, sampling), resample_array(array, warp, sampling)
    assert result.dtype == expected.dtype
    if mode in IMAGE_MODES:
        np.testing.assert_allclose(result, expected, atol=1e-4)
    else:
        assert np.mean(result != expected) < 1e-3


@pytest.mark.parametrize("mode", LABEL_MODES)
def test_labels_that_numpy_has_no_dtype_for_keep_it(rng, mode):
    label = torch.from_numpy(rng.integers(0, 4, (1, *INPUT_SHAPE)))
    warp, sampling = make_warp("affine", rng), Sampling(mode, "constant", 3)
    result = resample_tensor(label.bfloat16(), warp, sampling)
    assert result.dtype == torch.bfloat16
    assert result.long().equal(resample_tensor(label, warp, sampling))


def test_large_labels_stay_apart():
    """As float32 they would all be one."""
    label = (2**53 + torch.arange(8)).view(1, 2, 2, 2)
    warp = Warp((2, 2, 2), (AffineStage(affine_translation([0.2, 0.2, -0.2])),))
    for mode in LABEL_MODES:
        assert resample_tensor(label, warp, Sampling(mode, "border")).equal(label)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layout", ["channel last", "every other", "cut out", "expanded"])
def test_any_memory_layout_gives_the_same_result(rng, layout, mode):
    tensor = torch.from_numpy(rng.integers(0, 9, (2, *INPUT_SHAPE)).astype(np.int16))
    laid_out = {
        "channel last": lambda x: x.movedim(0, -1).contiguous().movedim(-1, 0),
        "every other": lambda x: x.repeat_interleave(2, 2)[:, :, ::2],
        "cut out": lambda x: torch.nn.functional.pad(x, [3] * 6)[:, 3:-3, 3:-3, 3:-3],
        "expanded": lambda x: x[:1].expand_as(x),
    }[layout](tensor)
    warp, sampling = make_warp("lattice affine", rng), Sampling(mode)
    result = resample_tensor(laid_out, warp, sampling)
    assert not laid_out.is_contiguous()
    assert result.equal(resample_tensor(laid_out.contiguous(), warp, sampling))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(1, 30, 24), (30, 1, 24), (30, 24, 1)])
def test_a_single_slice_is_resampled_like_any_volume(rng, shape, mode):
    array = rng.integers(0, 3, (2, *shape)).astype(np.float32)
    turn = make_warp("affine", rng, shape, shape).stages
    for padding in PADDINGS:
        warp, sampling = Warp(shape, turn), Sampling(mode, padding, -1.0)
        result, expected = resampled(array, warp, sampling), resample_array(array, warp, sampling)
        if mode in IMAGE_MODES:
            np.testing.assert_allclose(result, expected, atol=1e-4)
        else:
            assert np.mean(result != expected) < 2e-3


@settings(max_examples=30, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 19)] * 3),
    output=st.tuples(*[st.integers(1, 19)] * 3),
    kind=st.sampled_from(["affine", "lattice affine", "chain"]),
    padding=st.sampled_from(PADDINGS),
    seed=st.integers(0, 2**31),
)
def test_any_shape_agrees_with_the_compiled_backend(shape, output, kind, padding, seed):
    rng = np.random.default_rng(seed)
    image = rng.random((1, *shape)).astype(np.float32)
    warp = make_warp(kind, rng, shape, output)
    for mode in IMAGE_MODES:
        sampling = Sampling(mode, padding, 1.0)
        expected = resample_array(image, warp, sampling)
        np.testing.assert_allclose(resampled(image, warp, sampling), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", ["grid", "chain"])
def test_several_tensors_at_once_are_each_what_they_are_alone(rng, kind):
    tensors = [
        torch.from_numpy(rng.integers(0, 5, (channels, *INPUT_SHAPE)).astype(dtype))
        for channels, dtype in ((3, "float32"), (1, "int16"), (2, "uint8"), (1, "int64"))
    ]
    samplings = [Sampling(mode, padding, 2) for mode, padding in zip(MODES, PADDINGS, strict=True)]
    warp = make_warp(kind, rng)
    together = resample_tensors(tensors, warp, samplings)
    for tensor, sampling, result in zip(tensors, samplings, together, strict=True):
        assert result.equal(resample_tensor(tensor, warp, sampling))
    assert resample_tensors([], warp, []) == []


@pytest.mark.parametrize("kind", WARPS)
@pytest.mark.parametrize("mode", MODES)
def test_slabs_leave_no_seams(rng, monkeypatch, mode, kind):
    tensor = torch.from_numpy(rng.integers(0, 4, (2, *INPUT_SHAPE)).astype(np.float32))
    warp, sampling = make_warp(kind, rng), Sampling(mode, "reflect")
    whole = resample_tensor(tensor, warp, sampling)
    for planes in (1, 4):  # 4 leave a last slab of 3
        monkeypatch.setattr(torch_backend, "_SLAB_BYTES", 12 * planes * 18 * 33)
        parts = resample_tensor(tensor, warp, sampling)
        if mode in IMAGE_MODES:
            torch.testing.assert_close(parts, whole, rtol=0, atol=3e-4)
        else:
            assert (parts != whole).float().mean() < 1e-3


class Watch(TorchDispatchMode):
    """Notes the dtypes and the size of what is made, but for results, which start out empty."""

    def __init__(self) -> None:
        super().__init__()
        self.largest_bytes, self.dtypes = 0, set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        is_view_or_in_place = any(r.alias_info is not None for r in func._schema.returns)
        if isinstance(result, torch.Tensor) and not is_view_or_in_place:
            self.dtypes.add(result.dtype)
            if func is not torch.ops.aten.empty.memory_format:
                self.largest_bytes = max(self.largest_bytes, result.nbytes)
        return result


@pytest.mark.parametrize("mode", ["linear", "nearest", "vote"])
def test_nothing_is_made_that_is_larger_than_a_slab_allows_or_float64(rng, monkeypatch, mode):
    output = (64, 24, 24)
    image = torch.from_numpy(rng.integers(0, 4, (4, *INPUT_SHAPE)).astype(np.int16))
    monkeypatch.setattr(torch_backend, "_SLAB_BYTES", 1)  # a slab is a plane
    with Watch() as watch:
        resample_tensor(image, make_warp("chain", rng, output=output), Sampling(mode))
    assert 0 < watch.largest_bytes <= 9 * 8 * 24 * 24  # no more than nine int64 a voxel
    assert torch.float64 not in watch.dtypes


def test_only_the_coefficients_that_a_crop_touches_are_made(rng):
    image = rng.random((1, 70, 80, 60)).astype(np.float32)
    warp = Warp((8, 8, 8), (AffineStage(affine_translation([40.3, 50.7, 24.4])),))
    with Watch() as watch:
        result = resampled(image, warp, Sampling("cubic"))
    expected = resample_array(image, warp, Sampling("cubic"))
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-4)
    assert watch.largest_bytes < image.nbytes / 4


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["grid", "affine", "chain"])
def test_everything_is_made_on_the_device_of_the_input(rng, kind, mode):
    """The one other device that every machine has: its tensors have no values."""
    image = torch.empty((2, *INPUT_SHAPE), dtype=torch.uint16, device="meta")
    result = resample_tensor(image, make_warp(kind, rng), Sampling(mode))
    assert result.device == image.device
    assert result.shape == (2, *OUTPUT_SHAPE)


@pytest.mark.parametrize("kind", ["identity", "affine"])
def test_results_are_outside_autograd_and_inputs_stay(rng, kind):
    image = torch.rand((1, *INPUT_SHAPE), dtype=torch.float64, requires_grad=True)
    before = image.detach().clone()
    warp = Warp(INPUT_SHAPE) if kind == "identity" else make_warp(kind, rng)
    for mode in IMAGE_MODES:
        assert not resample_tensor(image, warp, Sampling(mode)).requires_grad
    assert image.equal(before)


@pytest.mark.parametrize(
    "shapes", [[(4, 5, 6)], [(1, 4, 0, 6)], [(0, 4, 5, 6)], [(1, 4, 5, 6), (1, 4, 5, 7)]]
)
def test_tensors_that_share_no_grid_are_refused(shapes):
    tensors = [torch.zeros(shape) for shape in shapes]
    with pytest.raises(ValueError, match="arrays must"):
        resample_tensors(tensors, Warp((4, 5, 6)), [Sampling()] * len(tensors))


def test_an_empty_output_is_empty():
    result = resample_tensor(torch.zeros(2, 3, 3, 3), Warp((3, 0, 3)), Sampling())
    assert result.shape == (2, 3, 0, 3)


def test_resampling_arrays_does_not_load_torch():
    program = "import sys, medaug.resample; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
