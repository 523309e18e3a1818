"""Cases are read, checked and normalised; whatever is wrong with them shows before any training."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from medaug.benchmark.cases.case_set import Case, fingerprint_of, load_case_set
from medaug.errors import InputError
from medaug.foreground import zscore_foreground
from medaug.io.volume import write_volume

SHAPE = (6, 5, 4)
AFFINE = np.diag([1.0, 1.5, 2.0, 1.0])


def ramp() -> np.ndarray:
    return np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE)


def two_values(low: float = 1, high: float = 2) -> np.ndarray:
    label = np.zeros(SHAPE, np.uint8)
    label[1:3, 1:3, 1:3] = low
    label[4] = high
    return label


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A pair of folders with three sound cases, for a test to spoil."""
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for name in "abc":
        write_image(tmp_path, name, ramp())
        write_label(tmp_path, name, two_values())
    return tmp_path


def write_image(root: Path, name: str, data: np.ndarray, affine: np.ndarray = AFFINE) -> None:
    write_volume(root / "images" / f"{name}.nii.gz", data, affine)


def write_label(root: Path, name: str, data: np.ndarray, affine: np.ndarray = AFFINE) -> None:
    write_volume(root / "labels" / f"{name}.nii.gz", data, affine)


def list_labels(root: Path, labels: dict[str, Any]) -> None:
    """Turn the pair of folders into a Decathlon folder."""
    training = [
        {"image": f"images/{name}.nii.gz", "label": f"labels/{name}.nii.gz"} for name in "abc"
    ]
    (root / "dataset.json").write_text(json.dumps({"training": training, "labels": labels}))


def refusal(root: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_case_set(root)
    return str(caught.value)


# --- normalisation ----------------------------------------------------------------------------


def test_all_voxels_count_where_few_equal_the_minimum() -> None:
    image = np.stack([ramp(), 1000 * ramp() + 5])
    normalised = zscore_foreground(image)
    expected = (ramp() - 59.5) / np.sqrt((120**2 - 1) / 12)  # of the numbers 0 to 119
    assert normalised.dtype == np.float32
    np.testing.assert_allclose(normalised[0], expected, atol=1e-6)
    np.testing.assert_allclose(normalised[1], expected, atol=1e-6)


def test_exact_background_becomes_zero_and_does_not_count() -> None:
    image = np.array([[[[-7.0, -7.0, 1.0, 3.0]]]])
    np.testing.assert_array_equal(zscore_foreground(image), [[[[0, 0, -1, 1]]]])


def test_background_needs_a_tenth_of_the_voxels() -> None:
    values = np.arange(20.0)
    values[1] = 0  # two voxels of 20 equal the minimum
    assert (zscore_foreground(values.reshape(1, 20, 1, 1)).ravel()[:2] == 0).all()
    values[1] = 1
    assert zscore_foreground(values.reshape(1, 20, 1, 1)).ravel()[0] < -1


def test_channel_of_two_values_keeps_its_contrast() -> None:
    image = np.array([[[[0, 0, 1, 1]]]], np.uint8)
    np.testing.assert_array_equal(zscore_foreground(image), [[[[-1, -1, 1, 1]]]])


def test_constant_channel_is_refused() -> None:
    with pytest.raises(ValueError, match=r"channel 1 is constant \(4\.0\)"):
        zscore_foreground(np.stack([ramp(), np.full(SHAPE, 4.0)]))


@given(
    values=hnp.arrays(np.float32, (1, 4, 4, 4), elements=st.integers(0, 5).map(float)),
    gain=st.sampled_from([0.125, 1.0, 64.0, 1.7e6]),
    offset=st.sampled_from([-1024.0, 0.0, 8.0]),
)
def test_raw_range_of_a_scanner_does_not_matter(
    values: np.ndarray, gain: float, offset: float
) -> None:
    if values.min() == values.max():
        return
    before = values.copy()
    exported = values.astype(np.float64) * gain + offset
    np.testing.assert_allclose(zscore_foreground(exported), zscore_foreground(values), atol=1e-5)
    np.testing.assert_array_equal(values, before)


# --- what is loaded ---------------------------------------------------------------------------


def test_folder_pair_gives_cases_with_consecutive_classes(pair: Path) -> None:
    write_label(pair, "b", two_values(2, 7))
    seen: list[str] = []
    loaded = load_case_set(pair, on_case=seen.append)
    assert seen == ["a", "b", "c"]
    assert loaded.name == pair.name
    assert loaded.classes == ("label 1", "label 2", "label 7")
    first, second, _ = loaded.cases
    assert first.spacing_mm == (1.0, 1.5, 2.0)
    assert (first.image.shape, first.image.dtype) == ((1, *SHAPE), np.float32)
    np.testing.assert_array_equal(first.image, zscore_foreground(ramp()[np.newaxis]))
    assert first.label.dtype == np.uint8
    np.testing.assert_array_equal(first.label[0], two_values(1, 2))
    np.testing.assert_array_equal(second.label[0], two_values(2, 3))


def test_listed_labels_name_the_classes_in_ascending_order_even_if_absent(pair: Path) -> None:
    list_labels(pair, {"core": 4, "background": 0, "oedema": 2, "rare": 3, "necrosis": 1})
    write_label(pair, "c", two_values(4, 2).astype(np.float32))
    loaded = load_case_set(pair)
    assert loaded.classes == ("necrosis", "oedema", "rare", "core")
    np.testing.assert_array_equal(loaded.cases[2].label[0], two_values(4, 2))


def test_affine_may_differ_by_rounding(pair: Path) -> None:
    write_label(pair, "b", two_values(), AFFINE + 1e-3 * np.eye(4, k=2))
    assert len(load_case_set(pair).cases) == 3


def test_hippocampus_set_loads_with_both_exports_in_one_range(hippocampus: Path) -> None:
    loaded = load_case_set(hippocampus)
    assert (loaded.name, len(loaded.cases)) == ("Hippocampus", 200)
    assert loaded.classes == ("Anterior", "Posterior")
    for case in loaded.cases:
        assert abs(float(case.image.mean())) < 1e-4
        assert abs(float(case.image.std()) - 1) < 1e-4
        assert set(np.unique(case.label)) == {0, 1, 2}
        assert case.spacing_mm == (1.0, 1.0, 1.0)


def test_every_layout_with_labels_loads(pair: Path, tmp_path: Path) -> None:
    brats, nnunet = tmp_path / "brats", tmp_path / "nnunet"
    for folder in ("imagesTr", "labelsTr", "imagesTs"):
        (nnunet / folder).mkdir(parents=True)
    for name in "abc":
        (brats / name).mkdir(parents=True)
        image, label = (pair / folder / f"{name}.nii.gz" for folder in ("images", "labels"))
        shutil.copy(label, brats / name / f"{name}_seg.nii.gz")
        shutil.copy(label, nnunet / "labelsTr")
        for channel, modality in enumerate(("t1", "t2")):
            shutil.copy(image, brats / name / f"{name}_{modality}.nii.gz")
            shutil.copy(image, nnunet / "imagesTr" / f"{name}_000{channel}.nii.gz")
            shutil.copy(image, nnunet / "imagesTs" / f"test_000{channel}.nii.gz")
    content = {
        "channel_names": {"0": "t1", "1": "t2"},
        "labels": {"background": 0, "label 1": 1, "label 2": 2},
        "numTraining": 3,
        "file_ending": ".nii.gz",
    }
    (nnunet / "dataset.json").write_text(json.dumps(content))
    loaded = [load_case_set(folder) for folder in (brats, nnunet)]
    assert [case.name for case in loaded[1].cases] == ["a", "b", "c"]  # those that are labelled
    assert loaded[0].cases[0].image.shape == (2, *SHAPE)
    assert loaded[0].fingerprint == loaded[1].fingerprint


def test_folder_without_any_label_is_refused(pair: Path) -> None:
    list_labels(pair, {"0": "background", "1": "tumour"})
    content = json.loads((pair / "dataset.json").read_text())
    test = [entry["image"] for entry in content["training"]]
    (pair / "dataset.json").write_text(json.dumps(content | {"training": [], "test": test}))
    assert refusal(pair) == (f"{pair}: no case has a label; a benchmark needs labels, add them.")


# --- fingerprint ------------------------------------------------------------------------------


def test_fingerprint_ignores_where_the_data_lie(pair: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(pair, tmp_path / "moved", ignore=shutil.ignore_patterns("moved"))
    assert load_case_set(moved).fingerprint == load_case_set(pair).fingerprint


def test_fingerprint_changes_with_everything_that_determines_the_data(pair: Path) -> None:
    loaded = load_case_set(pair)
    case = loaded.cases[0]
    image, label = case.image.copy(), case.label.copy()
    image[0, 0, 0, 0] = np.nextafter(image[0, 0, 0, 0], np.float32(9))
    label[0, 0, 0, 0] = 1
    reshaped = case.image.reshape(1, 5, 6, 4)
    variants: list[Case] = [
        case,
        replace(case, name="z"),
        replace(case, patient="z"),
        replace(case, image=image),
        replace(case, label=label),
        replace(case, image=reshaped),
        replace(case, spacing_mm=(1.0, 1.5, 2.5)),
    ]
    prints = {fingerprint_of((variant,), loaded.classes) for variant in variants}
    prints |= {fingerprint_of((case,), ("label 1",)), fingerprint_of((case, case), ("label 1",))}
    assert len(prints) == len(variants) + 2
    assert fingerprint_of(loaded.cases, loaded.classes) == loaded.fingerprint


# --- what is refused --------------------------------------------------------------------------


def test_unreadable_image_is_named(pair: Path) -> None:
    path = pair / "images" / "b.nii.gz"
    path.write_bytes(path.read_bytes()[:-30])
    assert refusal(pair).startswith(f"{path}: the compressed file is truncated")


def test_label_on_another_grid_of_the_same_place_is_resampled_with_a_warning(pair: Path) -> None:
    write_label(pair, "b", two_values()[:-1])
    with pytest.warns(UserWarning, match=r"b\.nii\.gz: the label is on another grid than"):
        loaded = load_case_set(pair)
    expected = two_values()
    expected[-1] = 0
    np.testing.assert_array_equal(loaded.cases[1].label[0], expected)


def test_label_in_another_place_is_named(pair: Path) -> None:
    write_label(pair, "b", two_values(), AFFINE @ np.diag([-1.0, 1.0, 1.0, 1.0]))
    message = refusal(pair)
    assert message.startswith(f"{pair / 'labels' / 'b.nii.gz'}: the label lies in another place")
    assert str(pair / "images" / "b.nii.gz") in message


def test_label_with_channels_is_named(pair: Path) -> None:
    write_label(pair, "b", np.stack([two_values(), two_values()]))
    assert "b.nii.gz: the label has 2 channels" in refusal(pair)


@pytest.mark.parametrize("value", [0.5, -1, np.nan, np.inf])
def test_label_value_that_is_no_class_number_is_named(pair: Path, value: float) -> None:
    write_label(pair, "b", np.where(two_values() == 1, value, 0).astype(np.float32))
    assert f"labels/b.nii.gz: label value {value:g} is no whole number" in refusal(pair)


def test_label_value_that_is_not_listed_is_named(pair: Path) -> None:
    list_labels(pair, {"0": "background", "2": "oedema"})
    write_label(pair, "a", two_values(2, 2))
    write_label(pair, "b", two_values(2, 9))
    write_label(pair, "c", two_values(2, 2))
    assert f"{pair}/labels/b.nii.gz: label value 9 is not listed in dataset.json" in refusal(pair)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_not_finite_are_counted(pair: Path, value: float) -> None:
    image = ramp()
    image[0, 0, :2] = value
    write_image(pair, "b", image)
    assert f"{pair}/images/b.nii.gz: 2 voxels are NaN or infinite" in refusal(pair)


def test_constant_image_is_named_with_its_channel(pair: Path) -> None:
    for name in "abc":
        second = ramp() if name != "b" else np.full(SHAPE, 3, np.float32)
        write_image(pair, name, np.stack([ramp(), second]))
    assert f"{pair}/images/b.nii.gz: channel 1 is constant (3.0)" in refusal(pair)


def test_case_with_other_channels_than_most_is_named(pair: Path) -> None:
    write_image(pair, "a", np.stack([ramp(), ramp()]))
    message = refusal(pair)
    assert message.startswith(f"{pair}/images/a.nii.gz: the number of channels, 2, differs")


def test_labels_without_foreground_and_with_too_many_values_are_refused(pair: Path) -> None:
    for name in "abc":
        write_label(pair, name, np.zeros(SHAPE, np.uint8))
    assert "0 foreground values" in refusal(pair)
    for index, name in enumerate("abc"):
        write_label(pair, name, ramp().astype(np.int16) + 1000 * index)
    assert "359 foreground values" in refusal(pair)


def test_several_bad_cases_are_listed_together(pair: Path) -> None:
    for name in "abcdefg":
        write_image(pair, name, np.zeros(SHAPE, np.uint8))
        write_label(pair, name, two_values())
    write_image(pair, "d", ramp())
    lines = refusal(pair).splitlines()
    assert lines[0] == "6 of 7 cases cannot be used:"
    assert ["a.nii.gz" in lines[1], "b.nii.gz" in lines[2], "c.nii.gz" in lines[3]] == [True] * 3
    assert lines[4].strip() == "and 3 more."
