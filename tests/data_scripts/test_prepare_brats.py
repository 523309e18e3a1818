"""BraTS: archives and folders of any nesting become one flat folder of complete cases."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from prepare_scripts import assert_refused, load_script, run_script

from medaug.errors import InputError
from medaug.io.layouts import find_dataset
from medaug.io.layouts.rules import LayoutRules
from medaug.io.volume import write_volume

PARTS = ("flair", "t1", "t1ce", "t2", "seg")

brats = load_script("brats")


def make_case(folder: Path, parts: tuple[str, ...] = PARTS, suffix: str = ".nii.gz") -> Path:
    folder.mkdir(parents=True)
    for index, part in enumerate(parts):
        data = np.full((3, 4, 5), index % 3, np.int16)
        write_volume(folder / f"{folder.name}_{part}{suffix}", data, np.eye(4))
    return folder


@pytest.fixture
def challenge(tmp_path: Path) -> Path:
    """Three cases as the edition of 2018 nests them, and what lies beside them."""
    root = tmp_path / "MICCAI_BraTS_2018_Data_Training"
    for place in ("HGG/Brats18_B_1", "HGG/Brats18_A_1", "LGG/Brats18_C_1"):
        make_case(root / place)
    (root / "survival_data.csv").write_text("BraTS18ID,Age,Survival\n")
    return root


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def expected(challenge: Path) -> dict[str, bytes]:
    """The files of the cases without the folders of their grades."""
    files = contents(challenge).items()
    return {name.split("/", 1)[1]: content for name, content in files if "/" in name}


GRADES = b"case,grade\nBrats18_A_1,HGG\nBrats18_B_1,HGG\nBrats18_C_1,LGG\n"


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_cases_come_out_flat_with_their_grades(tmp_path: Path, challenge: Path, kind: str) -> None:
    before, source = contents(challenge), challenge
    if kind == "zip":
        source = tmp_path / "training.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for file in challenge.rglob("*"):
                archive.write(file, file.relative_to(tmp_path))
    elif kind == "tar":
        source = tmp_path / "training.tar.gz"
        with tarfile.open(source, "w:gz") as archive:
            archive.add(challenge, challenge.name)
    out = tmp_path / "new" / "flat"
    grades = brats.prepare(source, out)
    assert grades == {"Brats18_A_1": "HGG", "Brats18_B_1": "HGG", "Brats18_C_1": "LGG"}
    assert contents(out) == expected(challenge) | {"grades.csv": GRADES}
    assert contents(challenge) == before
    assert [path.name for path in out.parent.iterdir()] == ["flat"]


def test_the_files_are_no_links_to_the_originals(tmp_path: Path, challenge: Path) -> None:
    brats.prepare(challenge, tmp_path / "flat")
    for file in (tmp_path / "flat").rglob("*.nii.gz"):
        assert not file.is_symlink()
        assert file.stat().st_nlink == 1


def test_the_folder_is_read_in_brats_layout(tmp_path: Path, challenge: Path) -> None:
    brats.prepare(challenge, tmp_path / "flat")
    dataset = find_dataset(tmp_path / "flat", LayoutRules(kind="brats"))
    assert [case.name for case in dataset.cases] == ["Brats18_A_1", "Brats18_B_1", "Brats18_C_1"]
    assert all(len(case.images) == 4 and case.label is not None for case in dataset.cases)


def test_a_flat_folder_and_files_that_are_not_compressed(tmp_path: Path) -> None:
    make_case(tmp_path / "in" / "BraTS20_Training_001", suffix=".nii")
    assert brats.prepare(tmp_path / "in", tmp_path / "out") == {"BraTS20_Training_001": ""}
    assert contents(tmp_path / "out") == contents(tmp_path / "in")


def refused(source: Path, out: Path) -> str:
    with pytest.raises(InputError) as caught:
        brats.prepare(source, out)
    assert not out.exists()
    assert not list(out.parent.glob(".*"))
    message = str(caught.value)
    assert message.startswith(str(source))
    assert "\n" not in message
    return message


@pytest.mark.parametrize("part", PARTS)
def test_a_case_that_is_not_complete_is_refused(tmp_path: Path, challenge: Path, part: str) -> None:
    (challenge / f"LGG/Brats18_C_1/Brats18_C_1_{part}.nii.gz").unlink()
    message = refused(challenge, tmp_path / "out")
    assert f"{challenge}/LGG/Brats18_C_1" in message
    assert f"Brats18_C_1_{part}" in message


def test_an_archive_with_an_incomplete_case_leaves_nothing(tmp_path: Path) -> None:
    make_case(tmp_path / "in" / "HGG" / "Case_1", parts=PARTS[:4])
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "in", "in")
    message = refused(tmp_path / "a.tar", tmp_path / "new" / "out")
    assert message.startswith(f"{tmp_path}/a.tar/HGG/Case_1/Case_1_flair.nii.gz: no ")
    assert "Case_1_seg" in message


def test_cases_of_three_modalities_are_refused(tmp_path: Path) -> None:
    make_case(tmp_path / "in" / "Case_1", parts=("flair", "t1", "t2", "seg"))
    assert "modalities flair, t1, t2, but" in refused(tmp_path / "in", tmp_path / "out")


def test_cases_that_all_lack_a_segmentation_are_refused(tmp_path: Path) -> None:
    for name in ("Case_1", "Case_2"):
        make_case(tmp_path / "in" / name, parts=PARTS[:4])
    assert "Case_1_seg" in refused(tmp_path / "in", tmp_path / "out")


def test_later_editions_name_the_modalities_otherwise(tmp_path: Path) -> None:
    folder = tmp_path / "in" / "BraTS-GLI-00003-000"
    folder.mkdir(parents=True)
    for part in ("t1c", "t1n", "t2f", "t2w", "seg"):
        write_volume(folder / f"{folder.name}-{part}.nii.gz", np.zeros((2, 3, 4)), np.eye(4))
    assert brats.prepare(tmp_path / "in", tmp_path / "out") == {folder.name: ""}
    assert contents(tmp_path / "out") == contents(tmp_path / "in")


def test_two_cases_of_one_name_are_refused(tmp_path: Path, challenge: Path) -> None:
    make_case(challenge / "LGG" / "Brats18_A_1")
    assert "Brats18_A_1" in refused(challenge, tmp_path / "out")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, challenge: Path) -> None:
    file = challenge / "HGG/Brats18_A_1/Brats18_A_1_t1.nii.gz"
    file.replace(tmp_path / "secret.nii.gz")
    file.symlink_to(tmp_path / "secret.nii.gz")
    message = refused(challenge, tmp_path / "out")
    assert "HGG/Brats18_A_1/Brats18_A_1_t1.nii.gz" in message
    assert "link" in message


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in" / "empty").mkdir(parents=True)
    assert "there are no cases in it" in refused(tmp_path / "in", tmp_path / "out")


def test_as_a_command_from_another_folder(tmp_path: Path, challenge: Path) -> None:
    result = run_script("brats", challenge.name, "--out", "flat", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "flat: 3 cases\n  HGG  2\n  LGG  1\n"
    again = run_script("brats", challenge.name, "--out", "flat", cwd=tmp_path)
    assert_refused(again, "flat: already there")
    assert_refused(run_script("brats", "nowhere", "--out", "x", cwd=tmp_path), "nowhere: no such")


def test_real_scans(tmp_path: Path, shared_data: Path) -> None:
    source = shared_data / "BraTS2018"
    if not source.is_dir():
        pytest.skip(f"no BraTS scans at {source}")
    assert len(brats.prepare(source, tmp_path / "flat")) == 20
    dataset = find_dataset(tmp_path / "flat")
    assert dataset.layout == "brats"
    assert len(dataset.cases) == 20
    name = dataset.cases[7].images[2].path.relative_to(tmp_path / "flat")
    assert (tmp_path / "flat" / name).read_bytes() == (source / name).read_bytes()
