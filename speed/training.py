"""Training samples a second, from files to patches: medaug's cache against its peers' loaders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from medaug.preprocessing.config import PreprocessConfig
from medaug.preprocessing.preprocess import preprocess
from speed.timing import use_cores

#: Peers, what the tables call them, and by how much medaug should be faster.
PEERS = {
    "monai_persistent": ("MONAI PersistentDataset", 8.0),
    "monai_cache": ("MONAI CacheDataset", 8.0),
    "nnunet": ("nnU-Net", 4.0),
}
WORKERS = (1, 2)
#: Samples of a turn: of medaug, and of a peer.
SAMPLES = {"medaug": 200, "peer": 8}
CASES = 4


@dataclass(frozen=True)
class Rate:
    """What a loader gives with a number of workers.

    Attributes
    ----------
    loader : str
        Whose.
    goal : float
        Of the median ratio; 0 for medaug itself.
    workers : int
    per_second : tuple of floats
        Training samples a second in each turn.
    megabytes : float
        Most memory of its processes, files that are mapped or buffered left out.
    ratios : tuple of floats
        How many times as many samples medaug gives, turn by turn.
    """

    loader: str
    goal: float
    workers: int
    per_second: tuple[float, ...]
    megabytes: float
    ratios: tuple[float, ...]


def run(source: Path, turns: int, *, patch: int = 128, cases: int = CASES) -> list[Rate]:
    """Prepare some cases for every loader that is installed, and run all of them in turn.

    Parameters
    ----------
    source : Path
        A folder of cases in BraTS style; nothing is measured if there is none.
    turns : int
    patch : int
        Voxels along each axis.
    cases : int
        How many of the folder's cases.
    """
    if not source.is_dir():
        return []
    use_cores(max(WORKERS))
    with _prepared(source, cases) as folder:
        names = ["medaug", *(name for name in PEERS if _is_there(name))]
        return [
            rate for workers in WORKERS for rate in _rates(names, folder, workers, turns, patch)
        ]


def _is_there(name: str) -> bool:
    return name != "nnunet" or find_spec("nnunetv2") is not None


@contextmanager
def _prepared(source: Path, cases: int) -> Iterator[Path]:
    """Write NIfTI files and medaug's cache, and let nnU-Net preprocess the former for itself."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chosen = folder / "chosen"
        chosen.mkdir()
        for case in sorted(path for path in source.iterdir() if path.is_dir())[:cases]:
            (chosen / case.name).symlink_to(case.resolve(), target_is_directory=True)
        config = PreprocessConfig.model_validate(
            {"spacing_mm": "keep", "layout": {"kind": "brats", "follow_links": True}}
        )
        raw = folder / "raw" / "Dataset101_Speed"
        raw.parent.mkdir()
        preprocess(chosen, raw, config, formats=("nifti", "cache"))
        if _is_there("nnunet"):
            _nnunet(
                "nnUNetv2_plan_and_preprocess", folder, "-d", "101", "-c", "3d_fullres", "-np", "2"
            )
        yield folder


def _nnunet(command: str, folder: Path, *arguments: str) -> None:
    subprocess.run(
        [str(Path(sys.executable).with_name(command)), *arguments],
        check=True,
        env=_environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _environment(folder: Path) -> dict[str, str]:
    places = {
        "nnUNet_raw": "raw",
        "nnUNet_preprocessed": "preprocessed",
        "nnUNet_results": "results",
    }
    for place in places.values():
        (folder / place).mkdir(exist_ok=True)
    own = {name: str(folder / place) for name, place in places.items()}
    return {**os.environ, **own, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def _rates(names: list[str], folder: Path, workers: int, turns: int, patch: int) -> list[Rate]:
    """Run each loader once a turn, each in a process of its own."""
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(turns):
        for name in names:
            samples = SAMPLES["medaug" if name == "medaug" else "peer"]
            command = [sys.executable, "-m", "speed.loaders", name, folder, workers, samples, patch]
            result = subprocess.run(
                [str(part) for part in command],
                check=True,
                capture_output=True,
                text=True,
                env=_environment(folder),
            )
            measured[name].append(json.loads(result.stdout.splitlines()[-1]))
    speeds = {
        name: tuple(turn["samples"] / turn["seconds"] for turn in taken)
        for name, taken in measured.items()
    }
    return [
        Rate(
            *PEERS.get(name, (name, 0.0)),
            workers,
            speeds[name],
            max(turn["bytes"] for turn in taken) / 1e6,
            tuple(a / b for a, b in zip(speeds["medaug"], speeds[name], strict=True)),
        )
        for name, taken in measured.items()
    ]
