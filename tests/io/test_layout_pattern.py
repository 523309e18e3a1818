"""Layouts that the user describes by patterns."""

from __future__ import annotations

from pathlib import Path

import pytest
from scan_folders import touch

from medaug.errors import InputError
from medaug.io.layouts import find_dataset, survey_dataset
from medaug.io.layouts.rules import LayoutRules

BIDS = LayoutRules(
    images={"T1": "sub-*/**/anat/{case}_T1w.nii*", "T2": "sub-*/**/anat/{case}_T2w.nii*"},
    labels="derivatives/**/{case}_desc-tumour_mask.nii.gz",
)


def bids(root: Path) -> Path:
    for subject, session in (("01", "1"), ("01", "2"), ("02", "1")):
        name = f"sub-{subject}_ses-{session}"
        where = Path(f"sub-{subject}") / f"ses-{session}" / "anat"
        touch(root / where, [f"{name}_T1w.nii.gz", f"{name}_T2w.nii", f"{name}_T1w.json"])
        touch(root / "derivatives" / "masks" / where, [f"{name}_desc-tumour_mask.nii.gz"])
    return root


def refusal(root: Path, rules: LayoutRules) -> str:
    with pytest.raises(InputError) as caught:
        find_dataset(root, rules)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_names_as_in_bids_give_channels_labels_and_patients(tmp_path: Path) -> None:
    found = find_dataset(bids(tmp_path), BIDS)
    assert (found.layout, found.channels) == ("pattern", ("T1", "T2"))
    assert [(case.name, case.patient) for case in found.cases] == [
        ("sub-01_ses-1", "sub-01"),
        ("sub-01_ses-2", "sub-01"),
        ("sub-02_ses-1", "sub-02"),
    ]
    second = found.cases[1]
    assert [files.path.name for files in second.images] == [
        "sub-01_ses-2_T1w.nii.gz",
        "sub-01_ses-2_T2w.nii",
    ]
    assert second.label is not None
    assert second.label.path.name == "sub-01_ses-2_desc-tumour_mask.nii.gz"
    (note,) = found.problems
    assert "2 scans are of patient sub-01 (sub-01_ses-1, sub-01_ses-2)" in note.message


@pytest.mark.parametrize(
    ("pattern", "cases"),
    [
        ("{case}/scan.nii", ["a", "b"]),
        ("{case}/{case}.nii", ["b"]),
        ("?/{case}.nii", ["b", "other", "scan"]),
        ("[!b]/{case}.nii", ["other", "scan"]),
        ("[ab]/s{case}n.nii", ["ca"]),
        ("**/{case}.nrrd", ["deep", "top"]),
        ("{case}.n?rd", ["top"]),
        ("x+y (1)/{case}.mha", ["plus"]),
    ],
)
def test_wildcards_are_those_of_glob(tmp_path: Path, pattern: str, cases: list[str]) -> None:
    touch(tmp_path / "a", ["scan.nii", "other.nii"])
    touch(tmp_path / "b", ["scan.nii", "b.nii"])
    touch(tmp_path / "c" / "d", ["deep.nrrd"])
    touch(tmp_path / ".d", ["hidden.nrrd"])
    touch(tmp_path / "x+y (1)", ["plus.mha"])
    touch(tmp_path, ["top.nrrd", ".hidden.nrrd"])
    found = survey_dataset(tmp_path, LayoutRules(images=pattern))
    named = {problem.case for problem in found.problems} | {case.name for case in found.cases}
    assert sorted(named) == cases


def test_without_a_pattern_for_labels_none_are_expected(tmp_path: Path) -> None:
    touch(tmp_path, ["x y.nii.gz"])
    found = find_dataset(tmp_path, LayoutRules(images="{case}.nii.gz"))
    assert [(case.name, case.label) for case in found.cases] == [("x y", None)]
    assert (found.problems, found.channels) == ((), None)


def test_case_that_lacks_a_channel_is_named(tmp_path: Path) -> None:
    bids(tmp_path)
    (tmp_path / "sub-02/ses-1/anat/sub-02_ses-1_T2w.nii").unlink()
    message = refusal(tmp_path, BIDS)
    assert message.startswith(f"{tmp_path}/sub-02/ses-1/anat/sub-02_ses-1_T1w.nii.gz: case sub-02")
    assert "no T2" in message


def test_missing_label_and_missing_image_are_named(tmp_path: Path) -> None:
    bids(tmp_path)
    mask = tmp_path / "derivatives/masks/sub-02/ses-1/anat/sub-02_ses-1_desc-tumour_mask.nii.gz"
    mask.rename(mask.with_name("sub-09_desc-tumour_mask.nii.gz"))
    found = survey_dataset(tmp_path, BIDS)
    no_label, no_image = [problem for problem in found.problems if problem.severity == "error"]
    assert (no_label.kind, no_label.case) == ("no_label", "sub-02_ses-1")
    assert (no_image.kind, no_image.case) == ("other", "sub-09")
    assert found.cases[2].label is None


def test_two_files_of_one_case_are_named(tmp_path: Path) -> None:
    touch(tmp_path / "one", ["x.nii"])
    touch(tmp_path / "two", ["x.nii"])
    message = refusal(tmp_path, LayoutRules(images="*/{case}.nii"))
    assert message.startswith(f"{tmp_path}/two/x.nii: {tmp_path}/one/x.nii is of the same case, x")


def test_rules_that_cannot_work_are_named(tmp_path: Path) -> None:
    assert refusal(tmp_path, LayoutRules(kind="pattern")).startswith("layout.images: missing")
    assert refusal(tmp_path, LayoutRules(images="*.nii")).startswith(
        "layout.images: '*.nii' lacks {case}"
    )
    assert refusal(tmp_path, LayoutRules(images={"T1": "*.nii"})).startswith("layout.images.T1:")
    rules = LayoutRules(images="{case}.nii", labels="labels/*.nii")
    assert refusal(tmp_path, rules).startswith("layout.labels:")


def test_links_in_a_circle_are_walked_once(tmp_path: Path) -> None:
    touch(tmp_path / "a", ["x.nii"])
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    found = find_dataset(tmp_path, LayoutRules(images="**/{case}.nii"))
    assert [case.name for case in found.cases] == ["x"]
