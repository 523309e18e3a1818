"""A folder of scans to a preprocessed one: what is written, what is refused, and resuming."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from monai.data import load_decathlon_datalist
from raw_sets import LPS, SHAPE, content_of, rows, write_case, write_set

from medaug.errors import InputError
from medaug.io.checksums import sha256_of
from medaug.io.layouts import find_dataset
from medaug.io.volume import write_volume
from medaug.preprocessing.config import PreprocessConfig
from medaug.preprocessing.plan import Plan
from medaug.preprocessing.preprocess import preprocess

CONFIG = PreprocessConfig(spacing_mm=(1.5, 1.5, 2))


def run(source: Path, out: Path, config: PreprocessConfig = CONFIG, **options):
    return preprocess(source, out, config, **{"workers": 1, **options})


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> tuple[Path, Path]:
    """The folder of scans and the undisturbed outcome."""
    root = tmp_path_factory.mktemp("undisturbed")
    source = write_set(root / "in")
    run(source, root / "out")
    return source, root / "out"


def test_the_outcome_is_read_by_medaug_and_monai(done):
    _, out = done
    dataset = find_dataset(out)
    assert [case.name for case in dataset.cases] == ["a", "b", "c"]
    assert dataset.channels == ("t1", "t2")
    assert dataset.labels == {0: "background", 1: "label 1", 2: "label 2", 3: "label 4"}
    assert dataset.problems == ()
    listed = load_decathlon_datalist(str(out / "dataset.json"), True, "training")
    assert listed[1]["image"] == [str(out / f"imagesTr/b_000{n}.nii.gz") for n in range(2)]
    assert listed[1]["label"] == str(out / "labelsTr/b.nii.gz")


def test_the_outcome_knows_whose_scan_a_case_is(tmp_path):
    source = write_set(tmp_path / "in", names=("p1 early", "p1 late", "p2"))
    config = PreprocessConfig(layout={"patient": r"p\d"})
    run(source, tmp_path / "out", config)
    patients = [case.patient for case in find_dataset(tmp_path / "out").cases]
    assert patients == ["p1", "p1", "p2"]


def test_the_manifest_has_a_row_a_case(done):
    source, out = done
    first = rows(out / "manifest.csv")[0]
    assert [row["case"] for row in rows(out / "manifest.csv")] == ["a", "b", "c"]
    assert first["original_shape"] == "18 16 12"
    assert first["original_affine"] == "-1 0 0 11; 0 -1 0 23; 0 0 2 -5"
    assert (first["spacing_mm"], first["orientation"]) == ("1.5 1.5 2", "RAS")
    assert first["label_map"] == "0>0 1>1 2>2 4>3"
    assert "resampled from 1 x 1 x 2 to 1.5 x 1.5 x 2 mm, cubic" in first["steps"]
    name = "a/a_seg.nii.gz"
    assert f"{name}: {sha256_of(source / name)}" in first["input_sha256"]
    assert f"labelsTr/a.nii.gz: {sha256_of(out / 'labelsTr/a.nii.gz')}" in first["output_sha256"]
    assert float(first["seconds"]) > 0


def test_the_plan_can_be_read_again(done):
    content = json.loads((done[1] / "plan.json").read_text())
    assert Plan.model_validate(content["plan"]).spacing_mm == (1.5, 1.5, 2)
    assert PreprocessConfig.model_validate(content["config"]) == CONFIG


def test_it_does_not_matter_how_many_work(done, tmp_path):
    source, out = done
    run(source, tmp_path / "out", workers=2)
    assert content_of(tmp_path / "out") == content_of(out)


def test_a_run_that_was_cut_off_ends_as_an_undisturbed_one(done, tmp_path):
    source, undisturbed = done
    out = tmp_path / "out"
    shutil.copytree(undisturbed, out)
    # As if it had been killed at c, after b had been damaged; a is whole.
    for name in ("dataset.json", "manifest.csv", "records/c.json", "imagesTr/c_0001.nii.gz"):
        (out / name).unlink()
    (out / "imagesTr/.c_0001.nii.gz.1234.tmp").write_bytes(b"half")
    (out / "labelsTr/b.nii.gz").write_bytes(b"damaged")
    untouched = (out / "imagesTr/a_0000.nii.gz").stat().st_mtime_ns
    run(source, out, resume=True)
    assert content_of(out) == content_of(undisturbed)
    assert (out / "imagesTr/a_0000.nii.gz").stat().st_mtime_ns == untouched


def test_a_folder_that_holds_a_run_is_not_written_over(done):
    with pytest.raises(
        InputError, match=r"is not empty; name a new folder, or continue .* --resume"
    ):
        run(*done)


def test_another_configuration_is_not_mixed_in(done):
    with pytest.raises(
        InputError, match=r"another config.interpolation \(\"cubic\" then, \"linear\""
    ):
        run(*done, CONFIG.model_copy(update={"interpolation": "linear"}), resume=True)
    with pytest.raises(InputError, match=r"another formats"):
        run(*done, formats=["cache"], resume=True)


def test_other_input_is_not_mixed_in(done, tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    for old, new in zip(done, (source, out), strict=True):
        shutil.copytree(old, new)
    write_volume(source / "b/b_t1.nii.gz", np.ones(SHAPE, np.int16).cumsum(0), LPS)
    before = content_of(out)
    with pytest.raises(InputError, match=r"another inputs\.b\.b/b_t1\.nii\.gz"):
        run(source, out, resume=True)
    assert content_of(out) == before


def test_something_else_is_not_resumed(done, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds files but no plan\.json to resume"):
        run(done[0], tmp_path, resume=True)


@pytest.mark.parametrize("place", [".", "sub", ".."])
def test_input_and_output_are_not_mixed_up(done, place):
    source = done[0]
    with pytest.raises(InputError, match="inside of the other"):
        run(source, source / place)


def broken_set(root: Path) -> Path:
    source = write_set(root)
    (source / "b/b_t2.nii.gz").write_bytes((source / "b/b_t2.nii.gz").read_bytes()[:200])
    write_case(source, "d", label=False)
    return source


def test_one_bad_case_keeps_all_from_being_written(tmp_path):
    source, out = broken_set(tmp_path / "in"), tmp_path / "out"
    with pytest.raises(InputError) as error:
        run(source, out)
    assert "b_t2.nii.gz: the compressed file is truncated" in str(error.value)
    assert "no label for it" in str(error.value)
    assert [path.name for path in out.iterdir()] == ["problems.csv"]
    errors = [row for row in rows(out / "problems.csv") if row["severity"] == "error"]
    assert [row["case"] for row in errors] == ["d", "b"]
    # Mended, it can be run into the same folder.
    write_set(source)
    shutil.rmtree(source / "d")
    assert len(run(source, out).records) == 3


def test_bad_cases_can_be_left_out(tmp_path):
    outcome = run(broken_set(tmp_path / "in"), tmp_path / "out", keep_going=True)
    assert [record.case for record in outcome.records] == ["a", "c"]
    assert outcome.left_out == 2
    assert [case.name for case in find_dataset(tmp_path / "out").cases] == ["a", "c"]


def test_cases_without_labels_are_test_cases_where_labels_are_optional(tmp_path):
    source = write_set(tmp_path / "in")
    (source / "c/c_seg.nii.gz").unlink()
    run(source, tmp_path / "out", CONFIG.model_copy(update={"labels": "optional"}))
    cases = {case.name: case.label for case in find_dataset(tmp_path / "out").cases}
    assert (cases["b"] is None, cases["c"] is None) == (False, True)
    assert (tmp_path / "out/imagesTs/c_0001.nii.gz").is_file()
    content = json.loads((tmp_path / "out/dataset.json").read_text())
    assert content["test"] == [{"image": ["imagesTs/c_0000.nii.gz", "imagesTs/c_0001.nii.gz"]}]


def test_no_label_is_read_where_none_is_wanted(tmp_path):
    source = write_set(tmp_path / "in")
    (source / "c/c_seg.nii.gz").write_bytes(b"no label")
    run(source, tmp_path / "out", CONFIG.model_copy(update={"labels": "none"}))
    assert len(list((tmp_path / "out/imagesTs").iterdir())) == 6
    assert not list((tmp_path / "out/labelsTr").iterdir())


def test_a_case_that_fails_half_way_leaves_nothing_behind(done, tmp_path, monkeypatch):
    source, out = done[0], tmp_path / "out"
    monkeypatch.setattr("medaug.preprocessing.case.write_volume", write_but_not_b)
    with pytest.raises(InputError, match=r"b_0001.nii.gz: no space left.*\nMend .* --resume"):
        run(source, out)
    assert "b" in [row["case"] for row in rows(out / "problems.csv")]
    assert not list(out.glob("*Tr/b*"))
    monkeypatch.undo()
    run(source, out, resume=True)
    assert content_of(out) == content_of(done[1])


def write_but_not_b(path, *arguments, **options) -> None:
    if path.name == "b_0001.nii.gz":
        raise InputError(f"{path}: no space left.")
    write_volume(path, *arguments, **options)


def test_a_crop_to_nothing_is_found_before_anything_is_written(tmp_path):
    config = PreprocessConfig.model_validate({"crop": {"above": 1e6}})
    with pytest.raises(InputError, match=r"a_t1.nii.gz: no voxel is above 1e\+06"):
        run(write_set(tmp_path / "in", ["a"]), tmp_path / "out", config)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["problems.csv"]
