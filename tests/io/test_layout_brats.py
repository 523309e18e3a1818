"""The layout of BraTS: a folder a case, a file a modality."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from scan_folders import touch

from medaug.errors import InputError
from medaug.io.layouts import find_dataset, survey_dataset
from medaug.io.problems import Problem

OLD = ("flair", "t1", "t1ce", "t2", "seg")
NEW = ("t1n", "t1c", "t2w", "t2f", "seg")


def case(
    root: Path, name: str, modalities: Iterable[str] = OLD, between: str = "_", end: str = ".nii.gz"
) -> None:
    touch(root / name, [f"{name}{between}{modality}{end}" for modality in modalities])


def refusal(root: Path) -> str:
    with pytest.raises(InputError) as caught:
        find_dataset(root)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_old_names_give_channels_in_order_of_their_names(tmp_path: Path) -> None:
    for name in ("Brats18_b", "Brats18_a 1"):
        case(tmp_path, name)
    touch(tmp_path, ["survival_data.csv"])
    touch(tmp_path / ".hidden", [".hidden_t1.nii"])
    found = find_dataset(tmp_path)
    assert (found.layout, found.channels, found.labels) == ("brats", OLD[:4], None)
    assert [case.name for case in found.cases] == ["Brats18_a 1", "Brats18_b"]
    first = found.cases[0]
    assert [files.path.name for files in first.images] == [
        f"Brats18_a 1_{modality}.nii.gz" for modality in OLD[:4]
    ]
    assert first.label is not None
    assert first.label.path == tmp_path / "Brats18_a 1" / "Brats18_a 1_seg.nii.gz"


def test_new_names_tell_the_patient(tmp_path: Path) -> None:
    for name in ("BraTS-GLI-00003-000", "BraTS-GLI-00003-001", "BraTS-GLI-00005-000"):
        case(tmp_path, name, NEW, "-")
    found = find_dataset(tmp_path)
    assert found.channels == ("t1c", "t1n", "t2f", "t2w")
    assert [case.patient[-5:] for case in found.cases] == ["00003", "00003", "00005"]
    (note,) = found.problems
    assert note.severity == "note"
    assert "2 scans are of patient BraTS-GLI-00003" in note.message


def test_any_modalities_and_formats_will_do(tmp_path: Path) -> None:
    case(tmp_path, "p1", ("ct", "seg"), end=".mha")
    case(tmp_path, "p2", ("ct", "seg"), end=".nrrd")
    assert find_dataset(tmp_path).channels == ("ct",)


def test_cases_may_be_sorted_into_folders(tmp_path: Path) -> None:
    case(tmp_path / "HGG", "a")
    case(tmp_path / "LGG", "b")
    assert [case.name for case in find_dataset(tmp_path).cases] == ["a", "b"]


def test_case_of_two_folders_is_refused_with_both(tmp_path: Path) -> None:
    case(tmp_path / "HGG", "a")
    case(tmp_path / "LGG", "a")
    message = refusal(tmp_path)
    assert message.startswith(f"{tmp_path / 'LGG' / 'a' / 'a_flair.nii.gz'}: its case is called a")
    assert str(tmp_path / "HGG" / "a" / "a_flair.nii.gz") in message


def test_case_that_lacks_modalities_is_named(tmp_path: Path) -> None:
    for name in "abc":
        case(tmp_path, name)
    (tmp_path / "b" / "b_t1.nii.gz").unlink()
    (tmp_path / "b" / "b_t2.nii.gz").unlink()
    found = survey_dataset(tmp_path)
    assert [case.name for case in found.cases] == ["a", "c"]
    assert found.problems == (
        Problem(
            "error",
            tmp_path / "b",
            f"{tmp_path / 'b'}: no b_t1 and no b_t2 in it; give each case the modalities of the "
            "others (flair, t1, t1ce, t2).",
            "b",
        ),
    )


def test_modality_of_few_cases_is_no_channel(tmp_path: Path) -> None:
    for name in "abc":
        case(tmp_path, name)
    touch(tmp_path / "b", ["b_dwi.nii.gz"])
    found = survey_dataset(tmp_path)
    assert (found.channels, len(found.cases)) == (OLD[:4], 3)
    (problem,) = found.problems
    assert (problem.severity, problem.case) == ("warning", "b")
    assert "b_dwi" in problem.message


def test_missing_label_is_named_and_the_case_stays_listed(tmp_path: Path) -> None:
    case(tmp_path, "a")
    case(tmp_path, "b", OLD[:4])
    found = survey_dataset(tmp_path)
    assert [(case.name, case.label is None) for case in found.cases] == [("a", False), ("b", True)]
    (problem,) = found.problems
    assert (problem.kind, problem.case, problem.severity) == ("no_label", "b", "error")
    assert problem.message.startswith(f"{tmp_path / 'b' / 'b_flair.nii.gz'}: no label")
    assert "b_seg" in problem.message


def test_two_files_of_one_modality_are_named(tmp_path: Path) -> None:
    case(tmp_path, "a")
    touch(tmp_path / "a", ["a_t1.nii"])
    message = refusal(tmp_path)
    assert message == (
        f"{tmp_path / 'a' / 'a_t1.nii.gz'}: {tmp_path / 'a' / 'a_t1.nii'} is of the same case, a; "
        "remove or rename one of them."
    )
