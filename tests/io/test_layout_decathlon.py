"""The Decathlon layout: dataset.json lists the cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scan_folders import decathlon, touch

from medaug.errors import InputError
from medaug.io.cases import ScanFiles
from medaug.io.layouts import find_dataset, survey_dataset


def refusal(root: Path) -> str:
    with pytest.raises(InputError) as caught:
        find_dataset(root)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_folder_gives_files_name_labels_and_channels(tmp_path: Path) -> None:
    found = find_dataset(decathlon(tmp_path, modality={"1": "T2", "0": "T1"}))
    assert (found.name, found.root, found.layout) == ("Toy", tmp_path, "decathlon")
    assert found.labels == {0: "background", 1: "Anterior", 2: "Posterior"}
    assert found.channels == ("T1", "T2")
    first = found.cases[0]
    assert (first.name, first.patient) == ("a", "a")
    assert first.images == (ScanFiles(tmp_path / "imagesTr" / "a.nii.gz"),)
    assert first.label == ScanFiles(tmp_path / "labelsTr" / "a.nii.gz")


def test_labels_by_name_as_in_nnunet_mean_the_same(tmp_path: Path) -> None:
    by_name = {"Posterior": 2, "background": 0, "Anterior": 1}
    found = find_dataset(decathlon(tmp_path, labels=by_name))
    assert found.labels == {0: "background", 1: "Anterior", 2: "Posterior"}
    assert list(found.labels) == [0, 1, 2]


def test_test_cases_have_no_label_and_are_no_problem(tmp_path: Path) -> None:
    touch(tmp_path / "imagesTs", ["t.nii.gz"])
    found = find_dataset(decathlon(tmp_path, test=["./imagesTs/t.nii.gz"]))
    assert [(case.name, case.label is None) for case in found.cases] == [
        ("a", False),
        ("b", False),
        ("t", True),
    ]
    assert found.problems == ()


def test_test_images_that_were_not_kept_are_a_note(tmp_path: Path) -> None:
    found = find_dataset(decathlon(tmp_path, test=["imagesTs/t.nii.gz", "imagesTs/u.nii.gz"]))
    assert [case.name for case in found.cases] == ["a", "b"]
    (problem,) = found.problems
    assert problem.severity == "note"
    assert "lists 2 images, of which 2 do not exist" in problem.message


def test_file_listed_twice_is_refused(tmp_path: Path) -> None:
    entry = {"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}
    assert refusal(decathlon(tmp_path, training=[entry, entry])) == (
        f"{tmp_path / 'imagesTr' / 'a.nii.gz'}: it is listed twice; remove one of the entries."
    )


def test_listing_that_windows_wrote_is_read(tmp_path: Path) -> None:
    entry = {"image": "imagesTr\\a.nii.gz", "label": ".\\labelsTr\\a.nii.gz"}
    listing = decathlon(tmp_path, training=[entry]) / "dataset.json"
    listing.write_text(listing.read_text(encoding="utf-8"), encoding="utf-8-sig")
    [case] = find_dataset(tmp_path).cases
    assert case.name == "a"
    assert case.label == ScanFiles(tmp_path / "labelsTr" / "a.nii.gz")


def test_case_listed_twice_is_refused_with_both_files(tmp_path: Path) -> None:
    touch(tmp_path / "more", ["a.nii.gz"])
    decathlon(tmp_path)
    training = [
        {"image": f"{folder}/a.nii.gz", "label": "labelsTr/a.nii.gz"}
        for folder in ("imagesTr", "more")
    ]
    message = refusal(decathlon(tmp_path, training=training))
    assert message == (
        f"{tmp_path / 'more' / 'a.nii.gz'}: its case is called a, as that of "
        f"{tmp_path / 'imagesTr' / 'a.nii.gz'}; rename or remove one."
    )


@pytest.mark.parametrize("key", ["image", "label"])
def test_listed_file_that_is_missing_is_named_with_its_key(tmp_path: Path, key: str) -> None:
    decathlon(tmp_path)
    file = tmp_path / f"{key}sTr" / "b.nii.gz"
    file.unlink()
    message = refusal(tmp_path)
    assert message.startswith(f"{tmp_path / 'dataset.json'}: key training.1.{key} lists {file}")
    found = survey_dataset(tmp_path)
    assert [case.name for case in found.cases] == ["a"]
    assert found.problems[0].case == "b"


MALFORMED: list[tuple[str, dict[str, Any]]] = [
    ("key training:", {"training": None}),
    ("key training.0.label:", {"training": [{"image": "a.nii"}]}),
    ("key training.0:", {"training": ["a.nii"]}),
    ("key training.0.image:", {"training": [{"image": ["a.nii", "b.nii"], "label": "c.nii"}]}),
    ("key labels:", {"labels": {"0": "background"}}),
    ("key labels: 0 is missing", {"labels": {"1": "a", "2": "b"}}),
    ("key labels: a name is listed twice", {"labels": {"0": "background", "1": "a", "2": "a"}}),
    ("key labels: a value is listed twice", {"labels": {"background": 0, "a": 1, "b": 1}}),
    ("key labels.lesion: a list of values", {"labels": {"background": 0, "lesion": [1, 2]}}),
    ("key labels.one:", {"labels": {"0": "background", "one": "lesion"}}),
    ("key labels.lesion:", {"labels": {"background": 0, "lesion": -1}}),
    ("key labels.lesion:", {"labels": {"background": 0, "lesion": 1.5}}),
    ("key modality: the channels", {"modality": {"1": "T1"}}),
]


@pytest.mark.parametrize(("problem", "changes"), MALFORMED)
def test_malformed_dataset_json_is_named_with_its_key(
    tmp_path: Path, problem: str, changes: dict[str, Any]
) -> None:
    message = refusal(decathlon(tmp_path, **changes))
    assert message.startswith(f"{tmp_path / 'dataset.json'}: {problem}")


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"{", "not valid JSON"), (b"\xff\xfe{}", "not valid JSON"), (b"[]", "no JSON object")],
)
def test_dataset_json_that_cannot_be_parsed_is_named(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "dataset.json").write_bytes(content)
    assert f"dataset.json: {problem}" in refusal(tmp_path)
