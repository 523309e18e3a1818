"""The layout of a folder is recognised, and what no layout may let pass is named."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from scan_folders import decathlon, folder_pair, touch, unprivileged

from medaug.errors import InputError
from medaug.io.layouts import find_dataset, survey_dataset
from medaug.io.layouts.naming import case_name, patient_of
from medaug.io.layouts.rules import LayoutRules
from medaug.io.problems import Problem


def refusal(root: Path, rules: LayoutRules | None = None) -> str:
    """What is said of a folder: always one line."""
    with pytest.raises(InputError) as caught:
        find_dataset(root, rules)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def names_of(root: Path, rules: LayoutRules | None = None) -> list[str]:
    return [case.name for case in survey_dataset(root, rules).cases]


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a/b.nii.gz", "b"),
        ("b.nii", "b"),
        ("b.v2.nii.gz", "b.v2"),
        ("b", "b"),
        ("b.mha", "b"),
        ("b.mhd", "b"),
        ("B.NRRD", "B"),
        ("b.nii.txt", "b.nii.txt"),
        ("Zo\u0308e 1.nii", "Z\u00f6e 1"),
    ],
)
def test_case_name_is_the_file_name_without_its_ending(file: str, name: str) -> None:
    assert case_name(file) == name


def test_cases_come_in_natural_order(tmp_path: Path) -> None:
    files = [f"{name}.nii" for name in ("case_10", "case_9", "b", "case_09", "case_1b", "case_1")]
    expected = ["b", "case_1", "case_1b", "case_09", "case_9", "case_10"]
    assert names_of(folder_pair(tmp_path, files, files)) == expected


def test_spaces_and_letters_of_any_script_are_names_like_others(tmp_path: Path) -> None:
    names = ["M\u00fcller links 2", "\u60a3\u8005 1", "caf\u00e9"]
    images = [f"{name}.nii.gz" for name in names]
    labels = [unicodedata.normalize("NFD", name) for name in images]  # as macOS would store them
    assert sorted(names_of(folder_pair(tmp_path, images, labels))) == sorted(names)


# --- recognition ------------------------------------------------------------------------------


def test_missing_folder_and_unknown_layout_are_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'gone'}: no such folder" in refusal(tmp_path / "gone")
    message = refusal(tmp_path)
    assert message.startswith(f"{tmp_path}: no known data set layout")
    for layout in ("dataset.json", "images/", "BraTS", "DICOM"):
        assert layout in message


@pytest.mark.parametrize("make", [decathlon, lambda folder: folder_pair(folder, ["a.nii"], [])])
def test_data_set_one_folder_further_down_is_pointed_to(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    (tmp_path / "set").mkdir()
    make(tmp_path / "set")
    message = refusal(tmp_path)
    assert message.startswith(f"{tmp_path}: no known data set layout")
    assert message.endswith(f"In {tmp_path / 'set'} there is one: give that folder.")


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "scan.nii").write_bytes(b"")
    assert f"{tmp_path / 'scan.nii'}: no such folder" in refusal(tmp_path / "scan.nii")


def test_the_first_layout_that_fits_is_taken_unless_the_rules_name_one(tmp_path: Path) -> None:
    touch(tmp_path / "c1", ["c1_t1.nii", "c1_seg.nii"])
    assert survey_dataset(tmp_path).layout == "brats"
    folder_pair(tmp_path, ["x.nii"], ["x.nii"])
    assert survey_dataset(tmp_path).layout == "folders"
    decathlon(tmp_path)
    assert survey_dataset(tmp_path).layout == "decathlon"
    assert survey_dataset(tmp_path, LayoutRules(kind="folders")).layout == "folders"
    assert survey_dataset(tmp_path, LayoutRules(kind="brats")).layout == "brats"
    pattern = LayoutRules(images="images/{case}.nii", labels="labels/{case}.nii")
    assert survey_dataset(tmp_path, pattern).layout == "pattern"


def test_layout_that_the_rules_name_but_the_folder_has_not_is_named(tmp_path: Path) -> None:
    folder_pair(tmp_path, ["x.nii"], ["x.nii"])
    assert "no cases in it (looked for the layout brats)" in refusal(
        tmp_path, LayoutRules(kind="brats")
    )
    assert "dataset.json: cannot read" in refusal(tmp_path, LayoutRules(kind="nnunet"))


@pytest.mark.parametrize("layout", ["decathlon", "pair"])
def test_data_set_without_cases_is_refused(tmp_path: Path, layout: str) -> None:
    if layout == "decathlon":
        decathlon(tmp_path, [])
    else:
        folder_pair(tmp_path, [], [])
    assert "no cases" in refusal(tmp_path)


def test_real_folders_are_recognised(shared_data: Path, hippocampus: Path) -> None:
    brats = find_dataset(shared_data / "BraTS2018")
    assert (brats.layout, len(brats.cases), brats.problems) == ("brats", 20, ())
    assert brats.channels == ("flair", "t1", "t1ce", "t2")
    assert brats.cases[0].name == "Brats18_2013_3_1"
    assert [files.path.name for files in brats.cases[0].images] == [
        f"Brats18_2013_3_1_{name}.nii.gz" for name in brats.channels
    ]
    decathlon = find_dataset(hippocampus)
    assert (decathlon.layout, len(decathlon.cases), decathlon.problems) == ("decathlon", 200, ())
    assert (decathlon.cases[0].name, decathlon.channels) == ("hippocampus_001", ("MRI",))
    assert decathlon.labels == {0: "background", 1: "Anterior", 2: "Posterior"}


# --- what no layout lets pass -----------------------------------------------------------------


def test_survey_keeps_good_cases_and_find_refuses_for_the_first_problem(tmp_path: Path) -> None:
    folder_pair(tmp_path, ["a.nii", "a.nii.gz", "b.nii"], ["a.nii", "b.nii", "c.nii"])
    found = survey_dataset(tmp_path)
    assert [case.name for case in found.cases] == ["b"]
    errors = [problem for problem in found.problems if problem.severity == "error"]
    assert len(errors) > 1
    assert refusal(tmp_path) == (
        f"{errors[0].message} ({len(errors) - 1} more of its files have problems.)"
    )


def test_a_folder_of_nothing_but_faults_can_be_surveyed(tmp_path: Path) -> None:
    folder_pair(tmp_path, ["a.nii", "a.nii.gz"], [])
    found = survey_dataset(tmp_path)
    assert (found.cases, len(found.problems)) == ((), 1)


def link(tmp_path: Path, target: str) -> Path:
    """A data set in which image b is a link."""
    touch(tmp_path / "elsewhere", ["secret.nii"])
    root = folder_pair(tmp_path / "set", ["a.nii"], ["a.nii", "b.nii"])
    touch(root / "store", ["b.nii"])
    (root / "images" / "b.nii").symlink_to(target)
    return root


def test_link_out_of_the_folder_is_refused_unless_allowed(tmp_path: Path) -> None:
    root = link(tmp_path, "../../elsewhere/secret.nii")
    found = survey_dataset(root)
    assert [case.name for case in found.cases] == ["a"]
    path, secret = root / "images" / "b.nii", (tmp_path / "elsewhere" / "secret.nii").resolve()
    assert found.problems == (
        Problem(
            "error",
            path,
            f"{path}: leads out of the data set's folder, to {secret}; put the file itself there, "
            "or set `follow_links: true` under `layout` in the configuration.",
            "b",
        ),
    )
    assert names_of(root, LayoutRules(follow_links=True)) == ["a", "b"]


def test_link_within_the_folder_and_to_the_folder_itself_are_fine(tmp_path: Path) -> None:
    root = link(tmp_path, "../store/b.nii")
    (tmp_path / "alias").symlink_to(root)
    for folder in (root, tmp_path / "alias"):
        assert [case.name for case in find_dataset(folder).cases] == ["a", "b"]


def test_link_of_a_whole_folder_and_paths_with_dots_are_links_out_too(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere" / "c1", ["c1_t1.nii", "c1_seg.nii"])
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "c1").symlink_to(tmp_path / "elsewhere" / "c1")
    assert "c1_t1.nii: leads out of the data set's folder" in refusal(tmp_path / "set")
    entry = {"image": "../elsewhere/c1/c1_t1.nii", "label": "../elsewhere/c1/c1_seg.nii"}
    decathlon(tmp_path / "listed", training=[entry])
    assert "c1_t1.nii: leads out of the data set's folder" in refusal(tmp_path / "listed")


def test_a_broken_link_is_named(tmp_path: Path) -> None:
    root = link(tmp_path, "../store/gone.nii")
    assert refusal(root).startswith(f"{root / 'images' / 'b.nii'}: a link to {root / 'store'}")


def test_folder_without_permission_is_named(tmp_path: Path) -> None:
    folder_pair(tmp_path, ["a.nii"], ["a.nii"])
    (tmp_path / "labels").chmod(0)
    with unprivileged(tmp_path / "labels"):
        message = refusal(tmp_path)
    (tmp_path / "labels").chmod(0o755)
    assert message == (
        f"{tmp_path / 'labels'}: no permission to look into it; change that or leave it out."
    )


# --- patients ---------------------------------------------------------------------------------


def test_two_scans_of_one_patient_are_noted(tmp_path: Path) -> None:
    files = ["p1_a.nii", "p1_b.nii", "p2_a.nii"]
    found = find_dataset(folder_pair(tmp_path, files, files), LayoutRules(patient="p[0-9]+"))
    assert [case.patient for case in found.cases] == ["p1", "p1", "p2"]
    assert found.problems == (
        Problem(
            "note",
            tmp_path,
            f"{tmp_path}: 2 scans are of patient p1 (p1_a, p1_b); keep them in one fold.",
        ),
    )


@pytest.mark.parametrize(
    ("rule", "case", "default", "patient"),
    [
        (None, "a_1", None, "a_1"),
        (None, "a_1", "a", "a"),
        ("^[a-z]+", "a_1", None, "a"),
        ("(?:id)([0-9]+)", "id77_x", "layout", "77"),
        ("none such", "a_1", None, "a_1"),
    ],
)
def test_patient_is_the_first_group_or_the_match_of_the_rule(
    rule: str | None, case: str, default: str | None, patient: str
) -> None:
    assert patient_of(case, LayoutRules(patient=rule), default) == patient


def test_rule_that_is_no_regular_expression_is_named(tmp_path: Path) -> None:
    root = folder_pair(tmp_path, ["a.nii"], ["a.nii"])
    assert refusal(root, LayoutRules(patient="(")).startswith(
        "layout.patient: '(' is not a regular"
    )
