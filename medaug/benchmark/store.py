"""The folder of a benchmark: what it is the folder of, and which runs it already holds.

The folder has ``manifest.json`` and, for each run, ``runs/<arm>/train<n>-fold<k>-seed<s>/`` with
``predictions.npz`` and ``result.json``. Every file appears whole or not at all, and ``result.json``
last: a run that has it is finished. A benchmark that is killed therefore loses the run under way
and nothing else.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medaug.benchmark.run_key import RunKey
from medaug.benchmark.run_result import RunResult
from medaug.errors import InputError
from medaug.io.files import dump_json, write_atomically
from medaug.typing import StrPath

MANIFEST_FILE = "manifest.json"
RESULT_FILE = "result.json"
PREDICTIONS_FILE = "predictions.npz"

#: Differences that the refusal of a folder lists.
_DIFFERENCES_SHOWN = 3


class RunStore:
    """The runs of one benchmark on disk.

    Parameters
    ----------
    folder : path
        The folder; it need not exist before :meth:`create`.
    identity : mapping
        Plain JSON: everything that results depend on. Two benchmarks with different identities
        never share a folder.
    """

    def __init__(self, folder: StrPath, identity: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        # Through JSON and back, so that it compares equal to what a file holds.
        self._identity = json.loads(dump_json(identity))

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
        found = _read_manifest(manifest)
        differences = list(_differences(found, self._identity))
        if differences:
            shown = "; ".join(differences[:_DIFFERENCES_SHOWN])
            more = len(differences) - _DIFFERENCES_SHOWN
            raise InputError(
                f"{self.folder} holds another benchmark: {shown}"
                f"{f'; and {more} more' if more > 0 else ''}. Choose another output folder."
            )
        if not resume:
            raise InputError(
                f"{self.folder} already holds this benchmark; add --resume to continue it, "
                "or choose another output folder."
            )

    def create(self) -> None:
        """Make the folder and write its manifest, unless it is there.

        Raises
        ------
        InputError
            If the folder cannot be made or written to.
        """
        manifest = self.folder / MANIFEST_FILE
        if manifest.exists():
            return
        text = dump_json(self._identity)
        content = {"hash": hashlib.sha256(text.encode()).hexdigest(), "identity": self._identity}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(manifest, dump_json(content) + "\n")
        except OSError as error:
            raise InputError(
                f"{self.folder}: cannot be written to ({error.strerror}); choose another output "
                "folder."
            ) from error

    def load(self, key: RunKey) -> RunResult | None:
        """Return the result of a run, or None if the run is not finished."""
        path = self.run_folder(key) / RESULT_FILE
        return RunResult.read(path) if path.exists() else None

    def save(self, result: RunResult, predictions: Mapping[str, npt.NDArray[np.uint8]]) -> None:
        """Keep a finished run: its predictions, uint8 [I, J, K] a case, and then its result."""
        folder = self.run_folder(result.key)
        folder.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        # By position: the name of a case may hold characters that a name in the archive must not.
        np.savez_compressed(buffer, np.array(list(predictions)), *predictions.values())
        write_atomically(folder / PREDICTIONS_FILE, buffer.getvalue())
        result.write(folder / RESULT_FILE)

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


def _read_manifest(manifest: Path) -> Any:
    try:
        return json.loads(manifest.read_text(encoding="utf-8"))["identity"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{manifest} is not the manifest of a medaug benchmark; choose another output folder."
        ) from error


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
