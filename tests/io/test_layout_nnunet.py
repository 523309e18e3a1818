"""The raw layout of nnU-Net v2: a file a channel, named CASE_0000 and so on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scan_folders import touch, write_dataset_json

from medaug.errors import InputError
from medaug.io.layouts import find_dataset, survey_dataset
from medaug.io.layouts.rules import LayoutRules

CONTENT: dict[str, Any] = {
    "channel_names": {"0": "T1", "1": "T2"},
    "labels": {"background": 0, "tumour": 1},
    "numTraining": 2,
    "file_ending": ".nii.gz",
}


def nnunet(root: Path, names: tuple[str, ...] = ("a", "b"), **changes: Any) -> Path:
    touch(root / "imagesTr", [f"{name}_000{n}.nii.gz" for name in names for n in (0, 1)])
    touch(root / "labelsTr", [f"{name}.nii.gz" for name in names])
    return write_dataset_json(root, CONTENT | changes)


def refusal(root: Path) -> str:
    with pytest.raises(InputError) as caught:
        find_dataset(root)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_patients_are_those_that_are_listed(tmp_path: Path) -> None:
    root = nnunet(tmp_path, patients={"a": "Jo"})
    assert [case.patient for case in find_dataset(root).cases] == ["Jo", "b"]


def test_folder_gives_channels_in_order_labels_and_names(tmp_path: Path) -> None:
    found = find_dataset(nnunet(tmp_path, ("a b", "case_0007")))
    assert (found.layout, found.name) == ("nnunet", tmp_path.name)
    assert found.channels == ("T1", "T2")
    assert found.labels == {0: "background", 1: "tumour"}
    assert [case.name for case in found.cases] == ["a b", "case_0007"]
    case = found.cases[1]
    assert [files.path for files in case.images] == [
        tmp_path / "imagesTr" / f"case_0007_000{number}.nii.gz" for number in (0, 1)
    ]
    assert case.label is not None
    assert case.label.path == tmp_path / "labelsTr" / "case_0007.nii.gz"
    assert found.problems == ()


def test_test_cases_have_no_label_and_do_not_count_as_training(tmp_path: Path) -> None:
    touch(tmp_path / "imagesTs", ["t_0000.nii.gz", "t_0001.nii.gz"])
    found = find_dataset(nnunet(tmp_path))
    assert [(case.name, case.label is None) for case in found.cases][-1] == ("t", True)
    assert found.problems == ()


def test_own_output_with_a_training_list_is_nnunet(tmp_path: Path) -> None:
    training = [
        {
            "image": [f"imagesTr/{name}_000{n}.nii.gz" for n in (0, 1)],
            "label": f"labelsTr/{name}.nii.gz",
        }
        for name in "ab"
    ]
    found = find_dataset(nnunet(tmp_path, training=training, name="Prepared"))
    assert (found.layout, found.name, len(found.cases)) == ("nnunet", "Prepared", 2)


def test_listed_cases_lie_anywhere_below_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PART", "second")
    touch(tmp_path / "second", ["x1.nii.gz", "x2.nii.gz", "y.nii.gz"])
    images = ["second/x1.nii.gz", "$PART/x2.nii.gz"]
    listed = {"x": {"images": images, "label": "second\\y.nii.gz"}}
    found = find_dataset(
        write_dataset_json(tmp_path, CONTENT | {"dataset": listed, "numTraining": 1})
    )
    (case,) = found.cases
    assert [files.path.name for files in case.images] == ["x1.nii.gz", "x2.nii.gz"]
    assert case.label is not None
    assert case.label.path.name == "y.nii.gz"


def test_listed_cases_with_missing_files_or_channels_are_named(tmp_path: Path) -> None:
    touch(tmp_path / "d", ["1.nii.gz", "2.nii.gz", "l.nii.gz"])
    listed = {
        "x": {"images": ["d/1.nii.gz", "d/gone.nii.gz"], "label": "d/l.nii.gz"},
        "y": {"images": ["d/1.nii.gz"], "label": "d/l.nii.gz"},
        "z": {"images": ["d/1.nii.gz", "d/2.nii.gz"], "label": "d/l.nii.gz"},
    }
    found = survey_dataset(
        write_dataset_json(tmp_path, CONTENT | {"dataset": listed, "numTraining": 3})
    )
    assert [case.name for case in found.cases] == ["z"]
    assert [problem.case for problem in found.problems] == ["x", "y"]
    assert f"key dataset.x lists {tmp_path / 'd' / 'gone.nii.gz'}" in found.problems[0].message
    assert "key dataset.y lists 1 images, but there are 2" in found.problems[1].message


def test_listed_files_outside_of_the_folder_need_permission(tmp_path: Path) -> None:
    touch(tmp_path / "out", ["1.nii.gz", "2.nii.gz", "l.nii.gz"])
    images = [str(tmp_path / "out" / f"{n}.nii.gz") for n in (1, 2)]
    listed = {"x": {"images": images, "label": str(tmp_path / "out" / "l.nii.gz")}}
    (tmp_path / "set").mkdir()
    root = write_dataset_json(tmp_path / "set", CONTENT | {"dataset": listed, "numTraining": 1})
    assert "leads out of the data set's folder" in refusal(root)
    assert len(find_dataset(root, LayoutRules(follow_links=True)).cases) == 1


def test_case_that_lacks_a_channel_is_named(tmp_path: Path) -> None:
    nnunet(tmp_path)
    (tmp_path / "imagesTr" / "b_0001.nii.gz").unlink()
    assert refusal(tmp_path) == (
        f"{tmp_path / 'imagesTr' / 'b_0000.nii.gz'}: case b has 1 channels, missing b_0001 (T2); "
        "give each case the 2 channels of the data set."
    )
    assert [case.name for case in survey_dataset(tmp_path).cases] == ["a"]


def test_case_with_a_channel_too_many_is_named(tmp_path: Path) -> None:
    touch(nnunet(tmp_path) / "imagesTr", ["b_0002.nii.gz"])
    assert "case b has 3 channels, more than dataset.json names" in refusal(tmp_path)


def test_image_without_channel_number_is_named(tmp_path: Path) -> None:
    touch(nnunet(tmp_path) / "imagesTr", ["c.nii.gz"])
    assert refusal(tmp_path).startswith(f"{tmp_path / 'imagesTr' / 'c.nii.gz'}: no channel number")


def test_image_without_label_stays_listed_and_label_without_image_is_named(tmp_path: Path) -> None:
    nnunet(tmp_path)
    (tmp_path / "labelsTr" / "b.nii.gz").rename(tmp_path / "labelsTr" / "c.nii.gz")
    found = survey_dataset(tmp_path)
    assert [(case.name, case.label is None) for case in found.cases] == [("a", False), ("b", True)]
    no_label, no_image = found.problems
    assert (no_label.kind, no_label.case, no_label.severity) == ("no_label", "b", "error")
    assert f"{tmp_path / 'labelsTr' / 'b.nii.gz'} is missing" in no_label.message
    assert no_image.kind == "other"
    assert no_image.message == (
        f"{tmp_path / 'labelsTr' / 'c.nii.gz'}: no image for it: {tmp_path / 'imagesTr'}/"
        "c_0000.nii.gz is missing; add it or remove this label."
    )


def test_other_number_of_cases_than_stated_is_a_warning(tmp_path: Path) -> None:
    (problem,) = find_dataset(nnunet(tmp_path, numTraining=3)).problems
    assert problem.severity == "warning"
    assert "states 3 cases, but there are 2" in problem.message


MALFORMED: list[tuple[str, dict[str, Any]]] = [
    ("key labels.whole tumour: a list of values", {"labels": {"a": 0, "whole tumour": [1, 2]}}),
    ("key file_ending: .png files", {"file_ending": ".png"}),
    ("key channel_names: the channels must be numbered", {"channel_names": {"1": "T1"}}),
    ("key channel_names:", {"channel_names": {}}),
    ("key dataset.x.images:", {"dataset": {"x": {"images": [], "label": "l.nii.gz"}}}),
]


@pytest.mark.parametrize(("problem", "changes"), MALFORMED)
def test_malformed_dataset_json_is_named_with_its_key(
    tmp_path: Path, problem: str, changes: dict[str, Any]
) -> None:
    message = refusal(nnunet(tmp_path, **changes))
    assert message.startswith(f"{tmp_path / 'dataset.json'}: {problem}")
