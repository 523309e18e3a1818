"""The folder of a benchmark: what it is the folder of, and which runs it already holds.

The folder has ``manifest.json`` and, for each run, ``runs/<arm>/train<n>-fold<k>-seed<s>/`` with
``predictions.npz`` and ``result.json``. Every file appears whole or not at all, and ``result.json``
last: a run that has it is finished. Until then its folder may have ``checkpoint.pt``, where its
training goes on from, and ``failure.json``, why it ended. A benchmark that is killed therefore
loses the steps since the last checkpoints and nothing else.
"""

from __future__ import annotations

import io
import json
import platform
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medaug.benchmark.runs.key import RunKey
from medaug.benchmark.runs.result import RunResult
from medaug.errors import InputError
from medaug.io.files import dump_json, remove_leftovers, write_atomically
from medaug.typing import StrPath

MANIFEST_FILE = "manifest.json"
RESULT_FILE = "result.json"
PREDICTIONS_FILE = "predictions.npz"
FAILURE_FILE = "failure.json"
CHECKPOINT_FILE = "checkpoint.pt"

#: What the runs share while any of them is missing.
SHARED_FOLDER = "shared"

#: The part of an identity that may grow: other arms have policies of their own.
_POLICIES = "policies"

#: Differences that the refusal of a folder lists.
_DIFFERENCES_SHOWN = 3


class RunStore:
    """The runs of one benchmark on disk.

    Parameters
    ----------
    folder : path
        The folder; it need not exist before :meth:`create`.
    identity : mapping
        Plain JSON: everything that the result of a run depends on but for its key. Benchmarks with
        different identities never share a folder, except that each may have arms, under
        ``policies``, that the other one has not.
    """

    def __init__(self, folder: StrPath, identity: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        # Through JSON and back, so that it compares equal to what a file holds.
        self._identity = json.loads(dump_json({_POLICIES: {}} | dict(identity)))

    def check(self, *, resume: bool) -> None:
        """Make sure that the folder is free, or holds this benchmark and is to be continued.

        Raises
        ------
        InputError
            If it is not. Nothing has been written then.
        """
        if not self.folder.exists():
            return
        if not self.folder.is_dir():
            raise InputError(f"{self.folder} is a file; choose another output folder.")
        manifest = self.folder / MANIFEST_FILE
        if manifest.exists():
            self._check_manifest(manifest, resume=resume)
        elif any(self.folder.iterdir()):
            raise InputError(
                f"{self.folder} has files in it, but none of a benchmark; choose another or an "
                "empty output folder."
            )

    def _check_manifest(self, manifest: Path, *, resume: bool) -> None:
        differences = self._differences(manifest)
        if differences:
            raise InputError(
                f"{self.folder} holds another benchmark: {differences}. Choose another output "
                "folder."
            )
        if not resume:
            raise InputError(
                f"{self.folder} already holds this benchmark; add --resume to continue it, "
                "or choose another output folder."
            )

    def check_is_same(self) -> None:
        """Make sure that a worker would do what the folder holds.

        Raises
        ------
        InputError
            If it would not.
        """
        differences = self._differences(self.folder / MANIFEST_FILE)
        if differences:
            raise InputError(
                f"{platform.node()} would do another benchmark than {self.folder} holds: "
                f"{differences}. Give all machines the same libraries."
            )

    def _differences(self, manifest: Path) -> str:
        """Return, as a short text, what differs from a manifest; nothing if they agree."""
        found = _read_manifest(manifest)
        there = _with_policies_of(self._identity, found)
        here = _with_policies_of(found, self._identity)
        differences = list(_differences(there, here))
        more = len(differences) - _DIFFERENCES_SHOWN
        if more > 0:
            differences[_DIFFERENCES_SHOWN:] = [f"and {more} more"]
        return "; ".join(differences)

    def create(self) -> None:
        """Make the folder, and write its manifest or add new arms to it.

        Raises
        ------
        InputError
            If the folder cannot be made or written to.
        """
        manifest = self.folder / MANIFEST_FILE
        identity = self._identity
        if manifest.exists():
            identity = _with_policies_of(_read_manifest(manifest), identity)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(manifest, dump_json({"identity": identity}) + "\n")
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be written to ({error.strerror}); choose another output "
                "folder."
            ) from error

    def is_finished(self, key: RunKey) -> bool:
        """Return whether a run has a result."""
        return (self.run_folder(key) / RESULT_FILE).exists()

    def load(self, key: RunKey) -> RunResult | None:
        """Return the result of a run, or None if the run is not finished."""
        if not self.is_finished(key):
            return None
        return RunResult.read(self.run_folder(key) / RESULT_FILE)

    def save(self, result: RunResult, predictions: Mapping[str, npt.NDArray[np.uint8]]) -> None:
        """Keep a finished run: its predictions, uint8 [I, J, K] a case, and then its result."""
        folder = self.run_folder(result.key)
        folder.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        # By position: the name of a case may hold characters that a name in the archive must not.
        np.savez_compressed(buffer, np.array(list(predictions)), *predictions.values())
        write_atomically(folder / PREDICTIONS_FILE, buffer.getvalue())
        result.write(folder / RESULT_FILE)
        self._remove_traces(result.key)

    def save_failure(self, key: RunKey, reason: str, trace: str = "") -> None:
        """Keep why a run could not be finished, and the traceback if that was not foreseen."""
        folder = self.run_folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        failure = {"reason": reason, "trace": trace.splitlines()}
        write_atomically(folder / FAILURE_FILE, dump_json(failure) + "\n")

    def failure(self, key: RunKey) -> str | None:
        """Return why a run could not be finished when it was last tried; None if nothing is known.

        Raises
        ------
        InputError
            If the file that says so is broken.
        """
        path = self.run_folder(key) / FAILURE_FILE
        if not path.exists():
            return None
        try:
            return str(json.loads(path.read_text(encoding="utf-8"))["reason"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} does not say why a run failed. Delete it.") from error

    def checkpoint(self, key: RunKey) -> Path:
        """Return the file in which the training of a run writes down where it is."""
        return self.run_folder(key) / CHECKPOINT_FILE

    @property
    def shared_folder(self) -> Path:
        """What the runs share while any of them is missing."""
        return self.folder / SHARED_FOLDER

    def tidy(self, keys: Iterable[RunKey]) -> None:
        """Remove what only unfinished runs need, now that these, which are all, are finished."""
        for key in keys:
            self._remove_traces(key)
        # A network file system keeps files that a worker still has open, under other names.
        shutil.rmtree(self.shared_folder, ignore_errors=True)
        remove_leftovers(self.folder)

    def _remove_traces(self, key: RunKey) -> None:
        for name in (CHECKPOINT_FILE, FAILURE_FILE):
            (self.run_folder(key) / name).unlink(missing_ok=True)

    def prediction(self, key: RunKey, case: str) -> npt.NDArray[np.uint8]:
        """Return what a finished run predicted for a test case, uint8 [I, J, K]."""
        with np.load(self.run_folder(key) / PREDICTIONS_FILE) as archive:
            position = archive["arr_0"].tolist().index(case)
            prediction: npt.NDArray[np.uint8] = archive[f"arr_{position + 1}"]
        return prediction

    def run_folder(self, key: RunKey) -> Path:
        """Return where the files of a run are, which need not exist."""
        name = f"train{key.train_cases}-fold{key.fold}-seed{key.seed}"
        return self.folder / "runs" / key.arm / name


def _read_manifest(manifest: Path) -> dict[str, Any]:
    try:
        identity: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))["identity"]
        dict(identity[_POLICIES])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{manifest} is not the manifest of a medaug benchmark; choose another output folder."
        ) from error
    return identity


def _with_policies_of(other: dict[str, Any], identity: dict[str, Any]) -> dict[str, Any]:
    """Return an identity with the policies of another one that it does not have itself."""
    return identity | {_POLICIES: {**other[_POLICIES], **identity[_POLICIES]}}


def _differences(there: Any, here: Any, key: str = "") -> Iterator[str]:
    """Yield what differs between two identities, as short texts that name the key."""
    if isinstance(there, dict) and isinstance(here, dict):
        for name in [*here, *(name for name in there if name not in here)]:
            yield from _differences(
                there.get(name), here.get(name), f"{key}.{name}" if key else name
            )
    elif there != here:
        yield f"{key} is {_short(there)} there and {_short(here)} here"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
