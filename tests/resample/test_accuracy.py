"""How near the resampled volume is to the truth, where the truth is a formula."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import random_lattice, source_coordinates
from scipy.ndimage import map_coordinates

from medaug.geometry import (
    AffineStage,
    LatticeStage,
    Shape,
    Stage,
    Warp,
    affine_about,
    affine_in_voxels,
    affine_rotation,
    affine_scale,
    affine_shear,
    affine_translation,
)
from medaug.resample import Sampling, resample_array, resample_arrays
from medaug.typing import AnyArray

ORDERS = {"linear": 1, "cubic": 3}
SHAPE = (48, 46, 50)


def coordinates(shape: Shape) -> AnyArray:
    """The coordinates of the voxels, [3, *shape]."""
    return np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij")).astype(np.float64)


def about_the_centre(*matrices: AnyArray) -> AffineStage:
    return AffineStage(affine_about(reduce(np.matmul, matrices), (np.array(SHAPE) - 1) / 2))


def bend(rng: np.random.Generator) -> LatticeStage:
    return LatticeStage(random_lattice(rng, SHAPE, 12.0, 3.0))


def well_inside(where: AnyArray, margin: float) -> AnyArray:
    """Mask of the coordinates [3, ...] that lie ``margin`` voxels from the border or more."""
    last = np.reshape(SHAPE, (3, 1, 1, 1)) - 1
    return np.all((where >= margin) & (where <= last - margin), axis=0)


def sine(where: AnyArray) -> AnyArray:
    """A product of waves of 9, 10 and 11 voxels."""
    lengths, phases = np.reshape([9, 10, 11], (3, 1, 1, 1)), np.reshape([0.3, 1, 2], (3, 1, 1, 1))
    return np.sin(2 * np.pi * where / lengths + phases).prod(axis=0)


def errors(found: AnyArray, truth: AnyArray, mask: AnyArray) -> AnyArray:
    """Root of the mean square, and maximum."""
    miss = np.abs(found - truth)[mask]
    return np.array([np.sqrt(np.mean(miss**2)), miss.max()])


@pytest.mark.parametrize(
    ("mode", "formula", "margin"),
    [
        ("linear", lambda x: 1 + 2 * x[0] - x[1] + 0.5 * x[2], 0),
        # The mirror bends a spline near the border, ever less: 0.27 of it is left a voxel further.
        ("cubic", lambda x: 1 + 2 * x[0] - x[1] + 0.5 * x[2], 11),
        ("cubic", lambda x: (x[0] - 20) * (x[1] - 20) * (x[2] - 20) / 500, 11),
        ("cubic", lambda x: ((x[0] - 20) ** 3 - (x[1] - 20) ** 3 + (x[2] - 20) ** 2) / 2000, 11),
    ],
    ids=["linear, ramp", "cubic, ramp", "cubic, product of ramps", "cubic, third degree"],
)
def test_polynomials_of_the_degree_of_the_spline_come_out_exact(rng, mode, formula, margin):
    volume = formula(coordinates(SHAPE)).astype(np.float32)
    warp = Warp(SHAPE, (bend(rng), about_the_centre(affine_rotation([20, -15, 30]))))
    result = resample_array(volume[None], warp, Sampling(mode, "border"))[0]
    where = source_coordinates(warp)
    inside = well_inside(where, margin)
    np.testing.assert_allclose(result[inside], formula(where)[inside], atol=1e-4)
    assert inside.mean() > 0.1


@pytest.mark.parametrize("mode", ORDERS)
@pytest.mark.parametrize("kind", ["affine", "elastic"])
def test_a_warped_sine_is_as_near_the_truth_as_scipys(rng, kind, mode):
    volume = sine(coordinates(SHAPE)).astype(np.float32)
    turn = about_the_centre(affine_rotation([20, -15, 30]), affine_scale([0.9, 1.1, 1]))
    warp = Warp(SHAPE, (turn if kind == "affine" else bend(rng),))
    ours = resample_array(volume[None], warp, Sampling(mode, "reflect"))[0]
    where = source_coordinates(warp)
    scipys = map_coordinates(volume, where, np.float64, order=ORDERS[mode], mode="mirror")
    inside = well_inside(where, 0)
    # scipy computes in float64; that is all that it may be ahead.
    rounding = 20 * np.finfo(np.float32).eps
    assert np.all(
        errors(ours, sine(where), inside) <= errors(scipys, sine(where), inside) + rounding
    )


def test_cubic_is_nearer_the_truth_than_linear(rng):
    volume = sine(coordinates(SHAPE)).astype(np.float32)
    warp = Warp(SHAPE, (bend(rng),))
    where = source_coordinates(warp)
    inside, truth = well_inside(where, 5), sine(where)
    linear, cubic = (
        errors(resample_array(volume[None], warp, Sampling(mode))[0], truth, inside)
        for mode in ("linear", "cubic")
    )
    assert np.all(cubic < linear / 5)


@pytest.mark.parametrize("mode", ORDERS)
def test_one_fused_resample_is_nearer_the_truth_than_the_steps(rng, mode):
    lean = np.array([[0, 5, 0], [0, 0, -5], [5, 0, 0]])
    steps: list[Stage] = [
        about_the_centre(affine_scale([0.9, 0.95, 1.05])),
        about_the_centre(affine_rotation([10, -15, 20])),
        about_the_centre(affine_shear(lean)),
        bend(rng),
    ]
    volume = sine(coordinates(SHAPE)).astype(np.float32)
    warps = [Warp(SHAPE, (step,)) for step in steps]
    fused_warp = reduce(Warp.then, warps)
    sampling = Sampling(mode, "reflect")
    fused = resample_array(volume[None], fused_warp, sampling)
    stepped = reduce(lambda image, warp: resample_array(image, warp, sampling), warps, volume[None])
    truth = sine(source_coordinates(fused_warp))
    # So far inside that no step has mirrored anything into it.
    core = well_inside(coordinates(SHAPE), 14)
    one_step, many_steps = (errors(image[0], truth, core) for image in (fused, stepped))
    print(  # noqa: T201  # the figures; pytest -rP shows them
        f"{mode}: r.m.s. error {one_step[0]:.2e} fused, {many_steps[0]:.2e} in {len(steps)} steps"
    )
    assert one_step[0] < 0.7 * many_steps[0]


#: Edge of the blocks of one label, in voxels.
BLOCK = 4


def block_labels(voxels: AnyArray) -> AnyArray:
    """Labels [...] that tell in which block the voxels [3, ...] lie."""
    i, j, k = voxels // BLOCK
    return (1 + i + 20 * j + 400 * k).astype(np.int32)


def oblique_warp(rng: np.random.Generator, shape: Shape, output: Shape, spacing_mm) -> Warp:
    """Rotated, sheared and bent in millimetres."""
    centre = (np.array(shape) - 1) / 2
    turn = affine_rotation(rng.uniform(-40, 40, 3)) @ affine_shear(np.diag([9.0, -9.0], 1))
    knots = 12.0 / np.array(spacing_mm)
    lattice = random_lattice(rng, output, knots, 0.3 * knots.min())
    middle = affine_translation(centre - (np.array(output) - 1) / 2)
    stages: tuple[Stage, ...] = (
        LatticeStage(lattice, inverted=bool(rng.integers(2))),
        AffineStage(affine_about(affine_in_voxels(turn, spacing_mm), centre) @ middle),
    )
    return Warp(output, stages)


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 65)] * 3),
    output=st.tuples(*[st.integers(1, 33)] * 3),
    spacing_mm=st.tuples(*[st.sampled_from([0.5, 0.8, 1.0, 3.0, 5.0])] * 3),
    seed=st.integers(0, 2**31),
)
def test_image_and_label_of_any_shape_and_spacing_stay_aligned(shape, output, spacing_mm, seed):
    """A warped image of coordinates says which voxels each output voxel shows."""
    warp = oblique_warp(np.random.default_rng(seed), shape, output, spacing_mm)
    image = coordinates(shape).astype(np.float32)
    label = block_labels(coordinates(shape))[None]
    modes = "linear", "cubic", "nearest", "vote"
    samplings = [Sampling(mode, "border") for mode in modes]
    where, smooth, nearest, vote = resample_arrays([image, image, label, label], warp, samplings)
    assert np.isfinite(smooth).all()
    for found in (nearest, vote):
        assert set(np.unique(found)) <= set(np.unique(label))
    check_labels(nearest[0], where, shape, reads=lambda x: (np.floor(x + 0.5),))
    check_labels(vote[0], where, shape, reads=lambda x: (np.floor(x), np.floor(x) + 1))


def check_labels(
    found: AnyArray,
    where: AnyArray,
    shape: Shape,
    reads: Callable[[AnyArray], tuple[AnyArray, ...]],
) -> None:
    """Check the labels wherever all voxels that may have been read are of one block."""
    last = np.reshape(shape, (3, 1, 1, 1)) - 1
    off = 1e-3  # more than the rounding of coordinates
    voxels = [np.clip(v, 0, last) for x in (where - off, where + off) for v in reads(x)]
    clear = np.all(np.ptp(np.array(voxels) // BLOCK, axis=0) == 0, axis=0)
    np.testing.assert_array_equal(found[clear], block_labels(voxels[0])[clear])
