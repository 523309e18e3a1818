"""A copy is made again bit for bit from what was drawn, or what differs is named."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from preprocessing.scans import POLICY, contents, write_dataset

from medaug.errors import InputError
from medaug.io.layouts import find_dataset
from medaug.preprocessing import augmentation
from medaug.preprocessing.copies import augment_folder
from medaug.preprocessing.records import Recipe
from medaug.preprocessing.replay import replay
from medaug.transforms import RandGaussianNoised, RandSpatiald


@pytest.fixture
def made(tmp_path):
    root = write_dataset(tmp_path / "set", names=("a", "b"))
    recipe = Recipe(policy_name="mine", policy=POLICY, seed=3)
    result = augment_folder(find_dataset(root), tmp_path / "out", recipe, copies=2, workers=1)
    assert result.written == 4
    return tmp_path / "out"


def edited(made, **fields):
    """Return a record in which some fields are others."""
    path = made / "records" / "a_copy001.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return path


def test_every_copy_is_identical(made, tmp_path):
    for record in (made / "records").iterdir():
        again = replay(record, out=tmp_path / "again")
        assert (again.name, again.differences) == (record.stem, ())
        assert len(again.files) == 2
    before, after = contents(made), contents(tmp_path / "again")
    assert len(after) == 8
    assert after == {name: before[name] for name in after}


def test_it_does_not_depend_on_how_anything_is_drawn(made, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("drawn anew")

    monkeypatch.setattr(augmentation, "generator", refuse)
    for transform in (RandSpatiald, RandGaussianNoised):
        monkeypatch.setattr(transform, "sample", refuse)
    assert replay(made / "records" / "a_copy001.json").differences == ()


def test_what_differs_is_named_with_the_versions_that_do(made):
    record = json.loads((made / "records" / "a_copy001.json").read_text())
    arrays = record["arrays"] | {"label": "0" * 64}
    versions = record["versions"] | {"numpy": "0.1"}
    path = edited(made, arrays=arrays, versions=versions)
    assert replay(path).differences == (
        "the label is another",
        f"numpy was 0.1, here it is {np.__version__}",
    )


def test_other_draws_make_another_copy(made):
    drawn = json.loads((made / "records" / "a_copy002.json").read_text())["drawn"]
    assert "the image is another" in replay(edited(made, drawn=drawn)).differences


def test_a_scan_that_has_changed_or_moved_is_named(made, tmp_path):
    path = made / "records" / "a_copy001.json"
    shutil.copytree(tmp_path / "set", tmp_path / "moved")
    scan = tmp_path / "set" / "labels" / "a.nii.gz"
    scan.write_bytes(scan.read_bytes() + b"\0")
    with pytest.raises(InputError, match=r"a\.nii\.gz: has changed since.*--source"):
        replay(path)
    scan.unlink()
    with pytest.raises(InputError, match=r"a\.nii\.gz: cannot be read"):
        replay(path)
    assert replay(path, source=tmp_path / "moved").differences == ()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"case": "../../a"}, "is no record of a copy .case"),
        ({"format": 2}, "is no record of a copy .format"),
        ({"drawn": []}, "is damaged; it has 0 draws of 4 transforms"),
        (
            {"recipe": {"policy_name": "mine", "policy": "- {_target_: os.x}", "seed": 0}},
            "'os.x' is not allowed",
        ),
    ],
)
def test_a_record_that_is_none_or_would_do_harm_is_refused(made, fields, message):
    with pytest.raises(InputError, match=message):
        replay(edited(made, **fields))


def test_what_is_no_json_or_not_there_is_named(made):
    with pytest.raises(InputError, match=r"gone\.json: cannot be read"):
        replay(made / "gone.json")
    (made / "bad.json").write_bytes(b"{\x80")
    with pytest.raises(InputError, match=r"bad\.json: is no record of a copy \(Invalid JSON"):
        replay(made / "bad.json")
