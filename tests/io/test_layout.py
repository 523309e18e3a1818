"""Both layouts are found in a fixed order, and each fault of a folder is named."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from medaug.errors import InputError
from medaug.io.layout import case_name, find_dataset

LABELS = {"0": "background", "1": "Anterior", "2": "Posterior"}


def touch(folder: Path, names: Iterable[str]) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")


def decathlon(root: Path, names: Iterable[str] = ("a", "b"), **changes: Any) -> Path:
    files = [f"{name}.nii.gz" for name in names]
    touch(root / "imagesTr", files)
    touch(root / "labelsTr", files)
    training = [{"image": f"./imagesTr/{f}", "label": f"./labelsTr/{f}"} for f in files]
    content = {"name": "Toy", "labels": LABELS, "training": training} | changes
    (root / "dataset.json").write_text(json.dumps(content))
    return root


def folder_pair(root: Path, images: Iterable[str], labels: Iterable[str]) -> Path:
    touch(root / "images", images)
    touch(root / "labels", labels)
    return root


def names_of(root: Path) -> list[str]:
    return [case.name for case in find_dataset(root).cases]


# --- what is found ----------------------------------------------------------------------------


def test_decathlon_folder_gives_files_name_and_labels(tmp_path: Path) -> None:
    found = find_dataset(decathlon(tmp_path))
    assert (found.name, found.root) == ("Toy", tmp_path)
    assert found.labels == {0: "background", 1: "Anterior", 2: "Posterior"}
    assert found.cases[0].name == "a"
    assert found.cases[0].image == tmp_path / "imagesTr" / "a.nii.gz"
    assert found.cases[0].label == tmp_path / "labelsTr" / "a.nii.gz"


def test_labels_by_name_as_in_nnunet_mean_the_same(tmp_path: Path) -> None:
    by_name = {"Posterior": 2, "background": 0, "Anterior": 1}
    found = find_dataset(decathlon(tmp_path, labels=by_name))
    assert found.labels == {0: "background", 1: "Anterior", 2: "Posterior"}
    assert list(found.labels) == [0, 1, 2]


def test_pair_of_folders_lists_no_labels_and_ignores_hidden_and_other_files(
    tmp_path: Path,
) -> None:
    folder_pair(tmp_path, ["x.nii.gz", "._x.nii.gz", "notes.txt"], ["x.nii", ".DS_Store"])
    found = find_dataset(tmp_path)
    assert found.labels is None
    assert found.name == tmp_path.name
    assert [(c.name, c.image.name, c.label.name) for c in found.cases] == [
        ("x", "x.nii.gz", "x.nii")
    ]


def test_cases_come_in_natural_order_in_both_layouts(tmp_path: Path) -> None:
    names = ["case_10", "case_9", "b", "case_09", "case_1b", "case_1"]
    expected = ["b", "case_1", "case_1b", "case_09", "case_9", "case_10"]
    for folder in ("decathlon", "pair"):
        (tmp_path / folder).mkdir()
    files = [f"{name}.nii" for name in names]
    assert names_of(decathlon(tmp_path / "decathlon", names)) == expected
    assert names_of(folder_pair(tmp_path / "pair", files, files)) == expected


@pytest.mark.parametrize(
    ("file", "name"), [("a/b.nii.gz", "b"), ("b.nii", "b"), ("b.v2.nii.gz", "b.v2"), ("b", "b")]
)
def test_case_name_is_the_file_name_without_its_ending(file: str, name: str) -> None:
    assert case_name(file) == name


def test_real_decathlon_folder_is_found(hippocampus: Path) -> None:
    found = find_dataset(hippocampus)
    assert len(found.cases) == 200
    assert found.labels == {0: "background", 1: "Anterior", 2: "Posterior"}


# --- what is refused --------------------------------------------------------------------------


def refusal(root: Path) -> str:
    with pytest.raises(InputError) as caught:
        find_dataset(root)
    return str(caught.value)


def test_missing_folder_and_unknown_layout_are_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'gone'}: no such folder" in refusal(tmp_path / "gone")
    message = refusal(tmp_path)
    assert str(tmp_path) in message
    assert "dataset.json" in message
    assert "images/" in message


def test_image_without_label_and_label_without_image_are_named(tmp_path: Path) -> None:
    folder_pair(tmp_path, ["a.nii", "b.nii", "c10.nii", "c9.nii"], ["a.nii", "b.nii"])
    message = refusal(tmp_path)
    assert message.startswith(f"{tmp_path / 'images' / 'c9.nii'}: no label")
    assert "1 more" in message
    touch(tmp_path / "labels", ["c9.nii", "c10.nii", "d.nii"])
    message = refusal(tmp_path)
    assert message.startswith(f"{tmp_path / 'labels' / 'd.nii'}: no image")
    assert "more" not in message


def test_two_files_of_one_case_are_refused(tmp_path: Path) -> None:
    folder_pair(tmp_path, ["a.nii", "a.nii.gz"], ["a.nii"])
    assert "a.nii beside it is of the same case" in refusal(tmp_path)


def test_case_listed_twice_is_refused(tmp_path: Path) -> None:
    assert "two cases are called a" in refusal(decathlon(tmp_path, ["a", "b", "a"]))


@pytest.mark.parametrize("layout", ["decathlon", "pair"])
def test_data_set_without_cases_is_refused(tmp_path: Path, layout: str) -> None:
    if layout == "decathlon":
        decathlon(tmp_path, [])
    else:
        folder_pair(tmp_path, [], [])
    assert "no cases" in refusal(tmp_path)


@pytest.mark.parametrize("key", ["image", "label"])
def test_listed_file_that_is_missing_is_named_with_its_key(tmp_path: Path, key: str) -> None:
    decathlon(tmp_path)
    file = tmp_path / f"{key}sTr" / "b.nii.gz"
    file.unlink()
    message = refusal(tmp_path)
    assert f"key training.1.{key}" in message
    assert str(file) in message


MALFORMED: list[tuple[str, dict[str, Any]]] = [
    ("key training:", {"training": None}),
    ("key training.0.label:", {"training": [{"image": "a.nii"}]}),
    ("key training.0:", {"training": ["a.nii"]}),
    ("key training.0.image:", {"training": [{"image": ["a.nii", "b.nii"], "label": "c.nii"}]}),
    ("key labels:", {"labels": {"0": "background"}}),
    ("key labels: 0 is missing", {"labels": {"1": "a", "2": "b"}}),
    ("key labels: a name is listed twice", {"labels": {"0": "background", "1": "a", "2": "a"}}),
    ("key labels: a value is listed twice", {"labels": {"background": 0, "a": 1, "b": 1}}),
    ("key labels.lesion:", {"labels": {"background": 0, "lesion": [1, 2]}}),
    ("key labels.one:", {"labels": {"0": "background", "one": "lesion"}}),
    ("key labels.lesion:", {"labels": {"background": 0, "lesion": -1}}),
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
