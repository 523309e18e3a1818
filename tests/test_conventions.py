"""One test for each sentence of CONVENTIONS.md."""

from __future__ import annotations

import inspect
import re
import sys

import nibabel as nib
import numpy as np
import pytest
import torch
from conftest import REPOSITORY
from monai.data import MetaTensor
from monai.transforms import EnsureChannelFirst, LoadImage, ResizeWithPadOrCrop

import medaug.transforms
from medaug.geometry import (
    AffineStage,
    LatticeStage,
    Warp,
    affine_apply,
    affine_rotation,
    affine_scale,
    affine_translation,
)
from medaug.ranges import drawn_in, parse_amounts, parse_range
from medaug.resample import Sampling, resample_array
from medaug.rng import generator
from medaug.transforms import (
    RandContrastd,
    RandFlipd,
    RandGaussianNoised,
    RandRotate90d,
    RandSpatiald,
    Resampled,
    Standardized,
)

RAMP = np.arange(5, dtype=np.float32).reshape(1, 1, 1, 5)


def shifted(by: float, sampling: Sampling, array=RAMP, size: int = 5) -> list[float]:
    """What the voxels of a row become when read ``by`` voxels further along."""
    warp = Warp((1, 1, size), (AffineStage(affine_translation([0, 0, by])),))
    return resample_array(array, warp, sampling).ravel().tolist()


def applied(array, **arguments):
    return RandSpatiald("image", **arguments)({"image": array})["image"]


def test_every_sentence_names_a_test_that_exists():
    lines = (REPOSITORY / "CONVENTIONS.md").read_text(encoding="utf-8").splitlines()
    named = [re.search(r"`(test_\w+)`$", line) for line in lines if line.startswith("- ")]
    assert all(named)
    assert len(named) > 20
    missing = {m[1] for m in named if m} - set(dir(sys.modules[__name__]))
    assert missing == set()


def test_arrays_are_channel_first_in_file_order(tmp_path):
    voxels = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), tmp_path / "scan.nii")
    loaded = EnsureChannelFirst()(LoadImage(image_only=True)(tmp_path / "scan.nii"))
    np.testing.assert_array_equal(applied(loaded, prob=0.0).numpy(), voxels[None])


def test_two_dimensional_images_come_out_two_dimensional(rng):
    image = rng.normal(size=(3, 20, 24)).astype(np.float32)
    assert applied(image, rotate_degrees=(20, 20), spatial_size=(8, 9)).shape == (3, 8, 9)


def test_voxel_centres_sit_at_integers():
    assert shifted(1, Sampling())[:4] == [1, 2, 3, 4]
    assert shifted(0.25, Sampling())[:4] == [0.25, 1.25, 2.25, 3.25]


def test_world_coordinates_are_millimetres_of_the_affine():
    affine = nib.affines.from_matvec(np.diag([-1.0, 2.0, 3.0]), [5, 6, 7])
    image = MetaTensor(np.zeros((1, 6, 6, 6), np.float32), affine=torch.from_numpy(affine))
    moved = applied(image, translate_mm=[(3, 3), (4, 4), (6, 6)]).affine.numpy()
    # What was at the origin is now three voxels of 1 mm, two of 2 mm and two of 3 mm further.
    np.testing.assert_allclose(nib.affines.apply_affine(moved, [3, 2, 2]), [5, 6, 7])


def test_spacing_is_the_length_of_the_affines_columns():
    affine = nib.affines.from_matvec(affine_rotation([10, 20, 30])[:3, :3] * [1, 1, 4])
    image = MetaTensor(np.zeros((1, 8, 8, 8), np.float32), affine=torch.from_numpy(affine))
    for given, spacing in [(image, 4.0), (image.numpy(), 1.0)]:
        transform = RandSpatiald("image", translate_mm=[0, 0, (4, 4)])
        record = transform.sample({"image": given}, transform.randomize())
        shift = Warp.from_dict(record["warp"]).affine_part()[2, 3]
        assert shift == pytest.approx(-4 / spacing)


def test_matrices_act_from_the_left():
    both = affine_scale([2, 2, 2]) @ affine_translation([1, 1, 1])
    np.testing.assert_array_equal(affine_apply(both, [[0, 0, 0]]), [[2, 2, 2]])


def test_a_warp_is_a_pull_back():
    warp = Warp((1, 1, 2), (AffineStage(affine_translation([0, 0, 3])),))
    np.testing.assert_array_equal(warp.map_points([[0, 0, 0]]), [[0, 0, 3]])
    assert resample_array(RAMP, warp, Sampling()).ravel().tolist() == [3, 4]


def test_the_first_stage_acts_first():
    shift, double = AffineStage(affine_translation([1, 1, 1])), AffineStage(affine_scale([2, 2, 2]))
    np.testing.assert_array_equal(
        Warp((1, 1, 1), (shift, double)).map_points([[0, 0, 0]]), [[2, 2, 2]]
    )


def test_the_new_affine_is_the_old_times_the_warp():
    affine = torch.diag(torch.tensor([1.0, 2.0, 3.0, 1.0], dtype=torch.float64))
    image = MetaTensor(np.zeros((1, 9, 9, 9), np.float32), affine=affine)
    transform = RandSpatiald("image", rotate_degrees=20, scale=0.2)
    record = transform.sample({"image": image}, transform.randomize())
    expected = affine.numpy() @ Warp.from_dict(record["warp"]).affine_part()
    result = transform.apply({"image": image}, record)["image"].affine.numpy()
    np.testing.assert_allclose(result, expected)


def test_the_order_of_the_effects():
    shape = (10, 12, 14)
    arguments = {
        "flip_prob": [1, 0, 0],
        "scale": [(1.5, 1.5), (0.8, 0.8), (1, 1)],
        "shear_degrees": [(10, 10), 0, 0],
        "rotate_degrees": [(0, 0), (0, 0), (30, 30)],
        "translate_mm": [(1, 1), (2, 2), (3, 3)],
        "spatial_size": [6, 8, 9],
    }
    steps = [
        {"flip_prob": arguments["flip_prob"]},
        {"scale": arguments["scale"]},
        {"shear_degrees": arguments["shear_degrees"]},
        {"rotate_degrees": arguments["rotate_degrees"]},
        {"translate_mm": arguments["translate_mm"]},
        {"spatial_size": arguments["spatial_size"]},
    ]
    image = {"image": np.zeros((1, *shape), np.float32)}

    def drawn(given) -> Warp:
        record = RandSpatiald("image", **given).sample(image, generator(0))
        return Warp.from_dict(record["warp"])

    one_by_one = Warp(shape)
    for step in steps:
        one_by_one = one_by_one.then(drawn(step))
    np.testing.assert_allclose(drawn(arguments).affine_part(), one_by_one.affine_part())
    deformed = drawn({**arguments, "elastic_spacing_mm": 10, "elastic_std_mm": 0.5})
    lattice, _ = deformed.stages  # acts on output coordinates: it happens to the image last
    assert isinstance(lattice, LatticeStage)


def test_a_resize_keeps_the_field_of_view():
    image = MetaTensor(np.zeros((1, 10, 9, 8), np.float32), affine=torch.eye(4))
    for size in (5, 13):
        resized = Resampled("image", spatial_size=size)({"image": image})["image"]
        for corner, end in [(-0.5, -0.5), (size - 0.5, np.array(image.shape[1:]) - 0.5)]:
            world = nib.affines.apply_affine(resized.affine.numpy(), [corner] * 3)
            np.testing.assert_allclose(world, np.broadcast_to(end, 3), atol=1e-9)
    coarser = Resampled("image", spacing_mm=3)({"image": image})["image"]
    assert coarser.shape[1:] == (3, 3, 3)
    np.testing.assert_allclose(
        nib.affines.apply_affine(coarser.affine.numpy(), [1, 1, 1]), [4.5, 4, 3.5]
    )


def test_world_points_follow_the_new_affine():
    affine = torch.diag(torch.tensor([1.0, 2.0, 3.0, 1.0], dtype=torch.float64))
    sample = {
        "image": MetaTensor(np.zeros((1, 20, 20, 20), np.float32), affine=affine),
        "points": np.array([[3.0, 8.0, 12.0], [0.0, 0.0, 0.0]]),
    }
    affine_only = RandSpatiald("image", rotate_degrees=20, scale=0.2, point_keys="points")
    np.testing.assert_allclose(affine_only(sample)["points"], sample["points"], atol=1e-9)
    elastic = RandSpatiald("image", elastic_spacing_mm=20, elastic_std_mm=1, point_keys="points")
    assert np.abs(elastic(sample)["points"] - sample["points"]).max() > 0.1


def test_effects_act_about_the_centre_in_millimetres():
    affine = torch.diag(torch.tensor([1.0, 1.0, 2.5, 1.0], dtype=torch.float64))
    image = MetaTensor(np.zeros((1, 8, 11, 6), np.float32), affine=affine)
    moved = applied(image, rotate_degrees=(25, 25), scale=0.3).affine.numpy()
    centre = (np.array([8, 11, 6]) - 1) / 2
    world = nib.affines.apply_affine(affine.numpy(), centre)
    np.testing.assert_allclose(nib.affines.apply_affine(moved, centre), world)
    lengths = np.linalg.norm(moved[:3, :3], axis=0) / [1, 1, 2.5]
    np.testing.assert_allclose(lengths, lengths[0])


@pytest.mark.parametrize("n", [8, 9])
@pytest.mark.parametrize("m", [3, 4, 12, 13])
def test_a_centre_crop_or_pad_starts_where_monais_does(n, m):
    image = np.arange(1, n + 1, dtype=np.float32).reshape(1, n, 1, 1)
    framed = applied(image, spatial_size=(m, 1, 1))
    if m < n:
        assert framed[0, 0, 0, 0] == image[0, n // 2 - m // 2, 0, 0]
    else:
        assert framed[0, :, 0, 0].tolist().index(1) == (m - n) // 2
    np.testing.assert_array_equal(framed, ResizeWithPadOrCrop((m, 1, 1))(image).numpy())


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_positive_angles_turn_the_next_axis_to_the_one_after(axis):
    image = np.zeros((1, 9, 9, 9), np.float32)
    first, second = np.eye(3, dtype=int)[(axis + 1) % 3], np.eye(3, dtype=int)[(axis + 2) % 3]
    image[(0, *(4 + 3 * first))] = 1
    angles = [0.0, 0.0, 0.0]
    angles[axis] = (90, 90)
    turned = applied(image, rotate_degrees=angles)
    assert turned[(0, *(4 + 3 * second))] == pytest.approx(1, abs=1e-4)


def test_a_quarter_turn_goes_from_the_first_axis_to_the_second(rng):
    image = rng.normal(size=(1, 4, 5, 6)).astype(np.float32)
    for axes in [(0, 1), (1, 0), (0, 2), (2, 1)]:
        turned = RandRotate90d("image", max_turns=1, axes=axes)({"image": image})["image"]
        expected = np.rot90(image, axes=[axis + 1 for axis in axes])
        np.testing.assert_array_equal(turned, expected)


def test_the_left_right_axis_is_that_of_the_world():
    label = np.arange(6, dtype=np.uint8).reshape(1, 1, 2, 3).repeat(2, 1)
    permuted = torch.tensor([[0, 0, -1.0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    for given, axis in [(MetaTensor(label, affine=permuted), 2), (label, 0)]:
        for flipped in range(3):
            flip_prob = [float(each == flipped) for each in range(3)]
            flip = RandFlipd("label", flip_prob=flip_prob, swap_labels=[(0, 5)])
            result = np.asarray(flip({"label": given})["label"])
            swapped = np.where(label == 0, 5, np.where(label == 5, 0, label))
            expected = np.flip(swapped if flipped == axis else label, flipped + 1)
            np.testing.assert_array_equal(result, expected)


def test_a_scale_above_one_magnifies():
    image = np.zeros((1, 21, 21, 21), np.float32)
    image[:, 8:13, 8:13, 8:13] = 1
    assert applied(image, scale=(2, 2)).sum() == pytest.approx(8 * image.sum(), rel=0.05)


def test_a_positive_translation_moves_towards_larger_indices():
    assert applied(RAMP, translate_mm=[0, 0, (2, 2)]).ravel().tolist() == [0, 0, 0, 1, 2]


def test_arguments_with_a_dimension_name_their_unit():
    units = {"rotate": "degrees", "shear": "degrees", "translate": "mm", "elastic": "mm"}
    for name in medaug.transforms.__all__:
        for argument in inspect.signature(getattr(medaug.transforms, name)).parameters:
            quantity, _, rest = argument.partition("_")
            if quantity in units and rest != "prob":
                assert rest.endswith(units[quantity]), argument


def test_a_number_is_a_symmetric_range_but_for_amounts():
    assert parse_range("angle", 10) == (-10, 10)
    assert parse_range("factor", 0.25, 1.0) == (0.75, 1.25)
    assert parse_amounts("std", 0.1) == (0.1, 0.1)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64", "float32"])
def test_only_linear_and_cubic_change_the_dtype(dtype):
    array = np.ones((1, 3, 3, 3), dtype)
    modes = {"linear": "float32", "cubic": "float32", "nearest": dtype, "vote": dtype}
    for mode, expected in modes.items():
        assert applied(array, rotate_degrees=10, mode=mode).dtype == expected


def test_cubic_goes_through_the_voxels(rng):
    row = rng.normal(size=(1, 1, 1, 9)).astype(np.float32)
    warp = Warp((1, 1, 17), (AffineStage(affine_scale([1, 1, 0.5])),))
    resampled = resample_array(row, warp, Sampling("cubic"))
    np.testing.assert_allclose(resampled[..., ::2], row, atol=1e-5)
    assert np.abs(resampled[..., 1::2] - (row[..., :-1] + row[..., 1:]) / 2).max() > 0.1


def test_halfway_nearest_takes_the_upper_voxel():
    assert shifted(0.5, Sampling("nearest", "border"), size=4) == [1, 2, 3, 4]


def test_ties_of_the_vote_go_to_the_nearest_voxel():
    label = np.array([0, 0, 7, 7, 7], np.uint8).reshape(1, 1, 1, 5)
    assert shifted(0.5, Sampling("vote", "border"), label, 4) == [0, 7, 7, 7]


def test_no_label_appears_out_of_nothing(rng):
    label = rng.choice([2, 5, 9], (1, 12, 12, 12)).astype(np.uint8)
    for mode in ("nearest", "vote"):
        result = applied(label, rotate_degrees=(30, 30), mode=mode, padding_value=3)
        assert set(np.unique(result)) == {2, 3, 5, 9}


def test_constant_blends_into_the_padding_value():
    sampling = Sampling("linear", "constant", 10)
    assert shifted(0.5, sampling) == [0.5, 1.5, 2.5, 3.5, 7]
    assert shifted(2, sampling) == [2, 3, 4, 10, 10]


def test_border_repeats_the_outermost_voxels():
    assert shifted(2.5, Sampling("linear", "border")) == [2.5, 3.5, 4, 4, 4]


def test_reflect_mirrors_about_the_outermost_centres():
    assert shifted(2, Sampling("linear", "reflect")) == [2, 3, 4, 3, 2]
    assert shifted(-2.5, Sampling("linear", "reflect")) == [2.5, 1.5, 0.5, 0.5, 1.5]


def test_symmetric_mirrors_about_the_outermost_faces():
    assert shifted(2, Sampling("linear", "symmetric")) == [2, 3, 4, 4, 3]
    assert shifted(-2.5, Sampling("linear", "symmetric")) == [1.5, 0.5, 0, 0.5, 1.5]


def test_intensities_are_float32_but_half_stays_half():
    for dtype, result in ((np.int16, np.float32), (np.float64, np.float32), (np.float16,) * 2):
        image = np.arange(24).reshape(1, 2, 3, 4).astype(dtype)
        assert RandContrastd("image")({"image": image})["image"].dtype == result


def test_statistics_are_of_a_channel_and_its_foreground(rng):
    image = rng.normal(5, 2, (2, 6, 7, 8)).astype(np.float32)
    image[0, 0, 0, 0], image[1, :3] = np.nan, 0
    result = Standardized("image", foreground="nonzero")({"image": image})["image"]
    assert np.nanmean(result[0]) == pytest.approx(0, abs=1e-5)
    assert result[1, 3:].mean() == pytest.approx(0, abs=1e-5)
    assert result[1, 3:].std() == pytest.approx(1, abs=1e-5)
    assert (result[1, :3] == 0).all()


def test_channels_share_what_is_drawn_but_not_the_noise():
    image = np.zeros((2, 20, 20, 20), np.float32)
    for per_channel in (False, True):
        noise = RandGaussianNoised("image", std=(0.1, 1), per_channel=per_channel)
        first, second = noise({"image": image})["image"]
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.05
        assert (abs(first.std() / second.std() - 1) < 0.05) != per_channel


def test_a_magnitude_draws_ranges_in():
    assert drawn_in((0.5, 2.0), 0.0, neutral=1.0) == (1.0, 1.0)
    assert drawn_in((0.5, 2.0), 1.0, neutral=1.0) == (0.5, 2.0)
