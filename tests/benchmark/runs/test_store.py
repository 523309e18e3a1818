"""The folder of a benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.result import RunResult
from medaug.benchmark.runs.store import RunStore
from medaug.errors import InputError

KEY = RunKey("none", 5, 1, 2)


def result(key: RunKey = KEY) -> RunResult:
    return RunResult(
        key=key,
        train_cases=("b",),
        scores=pd.DataFrame({"case": ["a/1"], "class": ["x"], "dice": [0.5]}),
        shifted=pd.DataFrame(),
        calibration=pd.DataFrame(),
        losses=[(1, 0.5)],
        monitor=[],
        steps=1,
        seconds={"train": 1.0, "test": 2.0},
    )


def identity(**policies: str) -> dict[str, object]:
    return {"steps": 3, "policies": policies}


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    store = RunStore(tmp_path, {"a": 1})
    store.check(resume=False)  # an empty folder is fine
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="none of a benchmark"):
        store.check(resume=True)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("")
    with pytest.raises(InputError, match="is a file"):
        RunStore(path, {}).check(resume=False)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"identity": ', '{"identity": 3}', '{"identity": {"policies": 1}}']
)
def test_a_broken_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json is not the manifest"):
        RunStore(tmp_path, {}).check(resume=True)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written to"):
        RunStore(tmp_path / "file" / "out", {}).create()


def test_arms_may_come_and_go_but_not_change(tmp_path: Path) -> None:
    RunStore(tmp_path, identity(a="one")).create()
    for policies in ({"a": "one", "b": "two"}, {"c": "three"}):
        store = RunStore(tmp_path, identity(**policies))
        store.check(resume=True)
        store.create()
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["identity"]["policies"] == {"a": "one", "b": "two", "c": "three"}
    with pytest.raises(InputError, match=r'policies\.a is "one" there and "two" here\. Choose'):
        RunStore(tmp_path, identity(a="two", d="four")).check(resume=True)
    with pytest.raises(InputError, match=r"would do another benchmark .*policies\.b is"):
        RunStore(tmp_path, identity(b="one")).check_is_same()
    with pytest.raises(InputError, match="steps is 3 there and 4 here"):
        RunStore(tmp_path, identity(a="one") | {"steps": 4}).check(resume=True)


def test_many_differences_are_counted(tmp_path: Path) -> None:
    RunStore(tmp_path, dict.fromkeys("abcde", 1)).create()
    with pytest.raises(InputError, match=r"c is 1 there and 2 here; and 2 more\. Choose"):
        RunStore(tmp_path, dict.fromkeys("abcde", 2)).check(resume=True)


def test_a_run_without_its_result_is_not_finished(tmp_path: Path) -> None:
    store = RunStore(tmp_path, {})
    assert store.load(KEY) is None
    assert not store.is_finished(KEY)
    prediction = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    store.save(result(), {"a/1": prediction, "b": prediction + 1})
    loaded = store.load(KEY)
    assert loaded is not None
    assert loaded.to_json() == result().to_json()
    assert store.is_finished(KEY)
    assert np.array_equal(store.prediction(KEY, "a/1"), prediction)
    assert np.array_equal(store.prediction(KEY, "b"), prediction + 1)
    (tmp_path / "runs/none/train5-fold1-seed2/result.json").unlink()
    assert store.load(KEY) is None


def test_a_failure_is_kept_until_the_run_is_finished(tmp_path: Path) -> None:
    store = RunStore(tmp_path, {})
    assert store.failure(KEY) is None
    store.save_failure(KEY, "first")
    store.save_failure(KEY, "the loss became nan", "Traceback\n  line")
    assert store.failure(KEY) == "the loss became nan"
    assert json.loads((store.run_folder(KEY) / "failure.json").read_text())["trace"] == [
        "Traceback",
        "  line",
    ]
    store.checkpoint(KEY).write_bytes(b"weights")
    store.save(result(), {"a/1": np.zeros((1, 1, 1), np.uint8)})
    assert store.failure(KEY) is None
    assert sorted(path.name for path in store.run_folder(KEY).iterdir()) == [
        "predictions.npz",
        "result.json",
    ]


def test_a_broken_failure_is_named(tmp_path: Path) -> None:
    store = RunStore(tmp_path, {})
    store.save_failure(KEY, "why")
    (store.run_folder(KEY) / "failure.json").write_text("[]")
    with pytest.raises(InputError, match=r"failure\.json does not say why"):
        store.failure(KEY)


def test_tidying_removes_what_unfinished_runs_need_and_nothing_else(tmp_path: Path) -> None:
    store = RunStore(tmp_path, {})
    store.create()
    store.save(result(), {"a/1": np.zeros((1, 1, 1), np.uint8)})
    store.checkpoint(KEY).write_bytes(b"left by a kill between the two")
    (store.run_folder(KEY) / ".result.json.0123.tmp").touch()
    (store.shared_folder / "cases").mkdir(parents=True)
    (store.shared_folder / "cases" / "0-image.npy").touch()
    store.tidy([KEY])
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    run = "runs/none/train5-fold1-seed2"
    assert names == {"manifest.json", f"{run}/predictions.npz", f"{run}/result.json"}
