"""A copy depends on the seed, its case and its number alone, and lies where its scan lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from preprocessing.scans import AFFINE, POLICY, SHAPE, contents, write_dataset

from medaug.errors import InputError
from medaug.io.layouts import find_dataset
from medaug.io.volume import read_volume, write_volume
from medaug.preprocessing.copies import augment_folder
from medaug.preprocessing.records import Recipe, read_record

RECIPE = Recipe(policy_name="mine", policy=POLICY, seed=3)


def augment(root, out, recipe=RECIPE, copies=2, **options):
    return augment_folder(find_dataset(root), out, recipe, copies=copies, workers=1, **options)


def recipe_of(policy: str, **others) -> Recipe:
    return Recipe(policy_name="mine", policy=policy, seed=0, **others)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "set")


@pytest.fixture(scope="module")
def made(dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "out"
    result = augment(dataset, out)
    assert (result.written, result.kept, result.errors, result.remarks) == (6, 0, (), ())
    return out


def test_the_files_are_those_of_a_training_set(made):
    names = [f"{case}_copy00{number}" for case in "abc" for number in (1, 2)]
    assert sorted(contents(made)) == sorted(
        ["dataset.json"]
        + [f"imagesTr/{name}_0000.nii.gz" for name in names]
        + [f"labelsTr/{name}.nii.gz" for name in names]
        + [f"records/{name}.json" for name in names]
    )
    found = find_dataset(made)
    assert [case.name for case in found.cases] == names
    assert [case.patient for case in found.cases] == ["a", "a", "b", "b", "c", "c"]
    assert found.labels == {0: "background", 1: "label 1", 2: "label 2"}
    labels = [read_volume(made / f"labelsTr/{name}.nii.gz").data for name in names]
    assert all(set(np.unique(label)) <= {0, 1, 2} and label.any() for label in labels)
    images = [read_volume(made / f"imagesTr/{name}_0000.nii.gz").data for name in names]
    assert len({image.tobytes() for image in images}) == len(names)
    assert {image.dtype for image in images} == {np.dtype(np.float32)}


def test_workers_change_nothing(dataset, made, tmp_path):
    augment_folder(find_dataset(dataset), tmp_path / "out", RECIPE, copies=2, workers=2)
    assert contents(tmp_path / "out") == contents(made)


def test_other_cases_and_other_copies_change_nothing(made, tmp_path):
    alone = write_dataset(tmp_path / "set", names=("b",))
    augment(alone, tmp_path / "out", copies=1)
    for file in ("imagesTr/b_copy001_0000.nii.gz", "labelsTr/b_copy001.nii.gz"):
        assert (tmp_path / "out" / file).read_bytes() == (made / file).read_bytes()


def test_the_seed_decides(dataset, made, tmp_path):
    augment(dataset, tmp_path / "out", RECIPE.model_copy(update={"seed": 4}))
    before, after = contents(made), contents(tmp_path / "out")
    assert all(after[name] != before[name] for name in before if name.startswith("imagesTr"))


def test_each_copy_of_each_case_draws_for_itself(made):
    records = [read_record(file) for file in (made / "records").iterdir()]
    warps = {str(record.drawn[0].record["warp"]["stages"]) for record in records}
    assert len(warps) == len(records) == 6


def test_without_a_change_a_copy_is_the_scan(dataset, tmp_path):
    augment(dataset, tmp_path / "out", recipe_of("[]"), copies=1)
    for folder, name in (("images", "imagesTr/a_copy001_0000"), ("labels", "labelsTr/a_copy001")):
        scan = read_volume(dataset / folder / "a.nii.gz")
        copy = read_volume(tmp_path / "out" / f"{name}.nii.gz")
        np.testing.assert_array_equal(copy.data, scan.data)
        np.testing.assert_array_equal(copy.affine, scan.affine)


def test_the_affine_does_not_undo_the_augmentation(made):
    """A rotated copy is on the grid of the scan: a rotated affine would turn it back."""
    for file in (made / "imagesTr").iterdir():
        np.testing.assert_allclose(read_volume(file).affine, AFFINE, atol=1e-6)


def test_a_patch_lies_about_the_centre_of_the_scan(dataset, tmp_path):
    policy = POLICY.split("- _target_: medaug.policy")[0]
    augment(dataset, tmp_path / "out", recipe_of(policy, spatial_size=(6, 16, 5)), copies=1)
    copy = read_volume(tmp_path / "out/imagesTr/a_copy001_0000.nii.gz")
    assert copy.data.shape == (1, 6, 16, 5)

    def centre(shape, affine):
        return affine[:3, :3] @ ((np.array(shape) - 1) / 2) + affine[:3, 3]

    np.testing.assert_allclose(
        centre(copy.data.shape[1:], copy.affine), centre(SHAPE, AFFINE), atol=1e-5
    )


def test_a_record_says_all_that_there_is_to_say(made):
    record = read_record(made / "records" / "b_copy002.json")
    assert (record.case, record.number, record.recipe) == ("b", 2, RECIPE)
    names = [drawn.transform.rpartition(".")[2] for drawn in record.drawn]
    assert names == ["RandSpatiald", "RandAugmentd", "RandFlipd", "RandGaussianNoised"]
    assert [drawn.record is None for drawn in record.drawn] == [False, False, True, False]
    assert [drawn.seed is None for drawn in record.drawn] == [True, True, False, True]
    assert record.image[0].path == "images/b.nii.gz"
    assert set(record.files) == {"imagesTr/b_copy002_0000.nii.gz", "labelsTr/b_copy002.nii.gz"}
    assert {"medaug", "monai", "numpy"} <= set(record.versions)


@pytest.fixture
def half_done(dataset, tmp_path):
    """A run of which a file is gone, one is cut short, and one has no record yet."""
    out = tmp_path / "out"
    augment(dataset, out)
    (out / "labelsTr/a_copy001.nii.gz").unlink()
    cut = out / "imagesTr/b_copy001_0000.nii.gz"
    cut.write_bytes(cut.read_bytes()[:-9])
    (out / "records/c_copy001.json").unlink()
    (out / "dataset.json").unlink()
    return out


def test_what_is_missing_is_made_and_the_rest_is_kept(dataset, made, half_done):
    before = {path: path.stat().st_mtime_ns for path in (half_done / "records").iterdir()}
    result = augment(dataset, half_done, resume=True)
    assert (result.written, result.kept) == (3, 3)
    assert contents(half_done) == contents(made)
    kept = [path.stem for path, then in before.items() if path.stat().st_mtime_ns == then]
    assert sorted(kept) == ["a_copy002", "b_copy002", "c_copy002"]


def test_what_was_made_in_another_way_is_made_again(tmp_path):
    root = write_dataset(tmp_path / "set")
    augment(root, tmp_path / "out")
    changed = RECIPE.model_copy(update={"seed": 4})
    assert augment(root, tmp_path / "out", changed, resume=True).written == 6
    image = read_volume(root / "images" / "a.nii.gz")
    write_volume(root / "images" / "a.nii.gz", image.data + 0.25, image.affine)
    result = augment(root, tmp_path / "out", changed, resume=True)
    assert (result.written, result.kept) == (2, 4)


def test_a_case_that_fails_does_not_stop_the_others(tmp_path):
    root = write_dataset(tmp_path / "set")
    broken = root / "images" / "b.nii.gz"
    broken.write_bytes(broken.read_bytes()[:200])
    result = augment(root, tmp_path / "out")
    assert result.written == 4
    (error,) = result.errors
    assert error.startswith("b: ")
    assert "b.nii.gz" in error
    assert not (tmp_path / "out" / "dataset.json").exists()
    write_dataset(root)
    assert augment(root, tmp_path / "out", resume=True).written == 2
    assert (tmp_path / "out" / "dataset.json").exists()


def test_intensities_that_the_policy_does_not_take_are_remarked_on(tmp_path):
    root = write_dataset(tmp_path / "set", names=("a",))
    image = read_volume(root / "images" / "a.nii.gz")
    write_volume(root / "images" / "a.nii.gz", 100 + 20 * image.data, image.affine)
    (remark,) = augment(root, tmp_path / "out").remarks
    assert "a.nii.gz: channel 0 has mean " in remark
    assert "preprocess first" in remark


def test_cases_without_a_label_are_left_out_and_said(dataset, tmp_path):
    found = find_dataset(dataset)
    first, *others = (replace(case, label=None) for case in found.cases)
    mixed = replace(found, cases=(first, *found.cases[1:]))
    result = augment_folder(mixed, tmp_path / "out", RECIPE, copies=1, workers=1)
    assert (result.written, result.unlabelled) == (2, ("a",))
    none = replace(found, cases=(first, *others))
    with pytest.raises(InputError, match="no case has a label"):
        augment_folder(none, tmp_path / "none", RECIPE, copies=1, workers=1)


def test_nothing_is_written_if_anything_is_wrong_beforehand(dataset, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"mine, entry 1.*not allowed"):
        augment(dataset, out, recipe_of("- {_target_: os.system, command: ls}"))
    with pytest.raises(InputError, match="lies within the data set"):
        augment(dataset, dataset / "out")
    assert not out.exists()
    assert not (dataset / "out").exists()
    out.mkdir()
    (out / "something").touch()
    with pytest.raises(InputError, match="holds something"):
        augment(dataset, out)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (
            "- {_target_: monai.transforms.Zoomd, keys: label, zoom: 1.3, mode: trilinear}",
            "blends labels",
        ),
        (
            "- {_target_: monai.transforms.CenterSpatialCropd, keys: image, roi_size: 6}",
            "leave image and label of one shape",
        ),
        (
            (
                "- _target_: monai.transforms.RandSpatialCropSamplesd\n  keys: [image, label]\n"
                "  roi_size: 4\n  num_samples: 2"
            ),
            "one sample",
        ),
        (
            (
                "- {_target_: medaug.transforms.RandElasticd, keys: [image, label], "
                "elastic_spacing_mm: 90, elastic_std_mm: 2, mode: [linear, vote]}"
            ),
            "RandElasticd refuses the scan",
        ),
    ],
)
def test_a_policy_that_does_not_fit_is_named(dataset, tmp_path, policy, message):
    result = augment(dataset, tmp_path / "out", recipe_of(policy), copies=1)
    assert result.written == 0
    assert len(result.errors) == 3
    assert all(message in error for error in result.errors), result.errors
