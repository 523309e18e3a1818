"""The phantom on disk is the phantom of the benchmark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from prepare_scripts import load_script, readme

from medaug.benchmark.cases.case_set import CaseSet, load_case_set
from medaug.io.volume import read_volume

phantom = load_script("phantom")


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> tuple[CaseSet, Path]:
    folder = tmp_path_factory.mktemp("data") / "phantom"
    return phantom.prepare(folder), folder


def test_the_benchmark_reads_the_cases_that_it_would_generate(written) -> None:
    built_in, folder = written
    read = load_case_set(folder)
    assert (read.name, read.classes) == (built_in.name, built_in.classes)
    for case, original in zip(read.cases, built_in.cases, strict=True):
        assert case.name == original.name
        assert case.spacing_mm == original.spacing_mm
        np.testing.assert_array_equal(case.label, original.label)
        np.testing.assert_allclose(case.image, original.image, rtol=0, atol=1e-6)


def test_the_world_has_its_origin_in_the_middle_of_the_scan(written) -> None:
    _, folder = written
    volume = read_volume(folder / "imagesTr" / "phantom_000.nii.gz")
    np.testing.assert_array_equal(volume.affine[:3, :3], 3 * np.eye(3))
    middle = volume.affine @ [27.5, 31.5, 27.5, 1]
    np.testing.assert_allclose(middle, [0, 0, 0, 1], atol=1e-6)


def test_the_readme_states_the_counts_and_the_checksum(written) -> None:
    built_in, _ = written
    shown = [line.strip() for line in readme("phantom").splitlines()]
    for line in phantom.describe(built_in).splitlines():
        assert line in shown


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, capsys) -> None:
    (tmp_path / "mine").write_text("mine")
    assert phantom.main(["--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"Error: {tmp_path}: already there; remove it or name another folder.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
