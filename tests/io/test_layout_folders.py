"""A folder of images and one of labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from scan_folders import folder_pair

from medaug.errors import InputError
from medaug.io.layouts import find_dataset, survey_dataset
from medaug.io.problems import Problem


def test_equal_names_are_one_case_whatever_the_format(tmp_path: Path) -> None:
    folder_pair(
        tmp_path, ["x.nii.gz", "._x.nii.gz", "notes.txt", "y.nrrd"], ["x.nii", ".DS_Store", "y.mha"]
    )
    found = find_dataset(tmp_path)
    assert (found.layout, found.labels, found.channels) == ("folders", None, None)
    assert found.name == tmp_path.name
    assert [
        (case.name, case.images[0].path.name, case.label and case.label.path.name)
        for case in found.cases
    ] == [("x", "x.nii.gz", "x.nii"), ("y", "y.nrrd", "y.mha")]


def test_image_without_label_stays_listed(tmp_path: Path) -> None:
    folder_pair(tmp_path, ["a.nii", "b.nii"], ["a.nii"])
    found = survey_dataset(tmp_path)
    assert [(case.name, case.label is None) for case in found.cases] == [("a", False), ("b", True)]
    image = tmp_path / "images" / "b.nii"
    message = (
        f"{image}: no label for it: {tmp_path}/labels/b.* is missing; add it or remove this image."
    )
    assert found.problems == (Problem("error", image, message, "b", "no_label"),)
    with pytest.raises(InputError) as caught:
        find_dataset(tmp_path)
    assert str(caught.value) == message


def test_images_alone_are_cases_without_labels(tmp_path: Path) -> None:
    folder_pair(tmp_path, ["a.nii", "b.nii"], [])
    (tmp_path / "labels").rmdir()
    found = survey_dataset(tmp_path)
    assert [case.label for case in found.cases] == [None, None]
    assert {problem.kind for problem in found.problems} == {"no_label"}


def test_label_without_image_is_named(tmp_path: Path) -> None:
    folder_pair(tmp_path, ["a.nii"], ["a.nii", "d.nii"])
    with pytest.raises(InputError) as caught:
        find_dataset(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'labels' / 'd.nii'}: no image for it: {tmp_path / 'images'}/d.* is "
        "missing; add it or remove this label."
    )


def test_two_files_of_one_case_are_named_once(tmp_path: Path) -> None:
    folder_pair(tmp_path, ["a.nii", "a.nii.gz", "b.nii"], ["a.nii", "b.nii"])
    found = survey_dataset(tmp_path)
    path = tmp_path / "images" / "a.nii.gz"
    assert [case.name for case in found.cases] == ["b"]
    assert found.problems == (
        Problem(
            "error",
            path,
            f"{path}: {path.with_suffix('')} is of the same case, a; remove or rename one of them.",
            "a",
        ),
    )


def test_two_labels_of_one_case_leave_it_out(tmp_path: Path) -> None:
    folder_pair(tmp_path, ["a.nii", "b.nii"], ["a.nii", "a.nrrd", "b.nii"])
    found = survey_dataset(tmp_path)
    assert [case.name for case in found.cases] == ["b"]
    assert [problem.kind for problem in found.problems] == ["other"]
