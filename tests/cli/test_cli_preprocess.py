"""``medaug preprocess`` and ``medaug restore`` as a user calls them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from medaug.cli.app import app
from medaug.io.volume import read_volume, write_volume


@pytest.fixture
def source(tmp_path) -> Path:
    folder = tmp_path / "in"
    for name in ("a", "b"):
        data = np.random.default_rng(ord(name)).integers(1, 900, (8, 9, 10)).astype(np.int16)
        for part, voxels in (("images", data), ("labels", (data > 500).astype(np.uint8))):
            (folder / part).mkdir(parents=True, exist_ok=True)
            write_volume(folder / part / f"{name}.nii.gz", voxels, np.diag([1, 1, 2, 1]))
    return folder


def medaug(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_there_and_back(source, tmp_path):
    out = tmp_path / "out"
    done = medaug(
        "preprocess", source, out, "--spacing", "1,1,1", "--workers", 1, "--format", "both"
    )
    assert done.exit_code == 0
    assert f"2 cases: {out / 'manifest.csv'}" in done.output
    assert read_volume(out / "imagesTr/a_0000.nii.gz").data.shape == (1, 8, 9, 20)
    assert (out / "cache/b/case.json").is_file()
    arguments = ("restore", out / "labelsTr", source, tmp_path / "back", "--workers", 1)
    back = medaug(*arguments, "--preprocessed", out)
    assert back.exit_code == 0
    assert "2 label maps" in back.output
    assert read_volume(tmp_path / "back/b.nii.gz").data.shape == (1, 8, 9, 10)


def test_a_bad_case_ends_with_code_2_or_is_left_out(source, tmp_path):
    (source / "images/b.nii.gz").write_bytes(b"")
    arguments = ("preprocess", source, tmp_path / "out", "--workers", 1)
    refused = medaug(*arguments)
    assert refused.exit_code == 2
    assert "b.nii.gz: the file is empty" in refused.output
    kept = medaug(*arguments, "--keep-going")
    assert kept.exit_code == 0
    assert f"1 cases left out: {tmp_path / 'out' / 'problems.csv'}" in kept.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--spacing", "meidan"), "--spacing-mm: input should be 'median' or 'keep'"),
        (("--spacing", "1,2"), "spacing_mm.2"),
        (("--config", "nothing"), "unknown preprocessing configuration 'nothing'"),
    ],
)
def test_wrong_options_are_named(source, tmp_path, options, message):
    refused = medaug("preprocess", source, tmp_path / "out", *options)
    assert refused.exit_code == 2
    assert message in refused.output
