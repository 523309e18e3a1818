"""Seconds of augmentation a batch: nnU-Net's own trainer and medaug's, on plans that it made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from medaug.preprocessing.config import PreprocessConfig
from medaug.preprocessing.preprocess import preprocess
from speed.contestants import Call
from speed.duels import Duel, Outcome, run_duels
from speed.workload import Workload

#: Folders of scans, and how many of their cases nnU-Net plans for.
CASES = {"Task04_Hippocampus": 8, "BraTS2018": 3}
#: Batches for each turn of the others: most samples of the policy have little done to them.
TURNS = 4
DATASET = "Dataset102_Trainers"


def run(data: Path, turns: int) -> list[Outcome]:
    """Plan, preprocess and time for each folder that there is.

    Parameters
    ----------
    data : Path
        Holds the folders of scans.
    turns : int
        Times 4 is the number of batches.
    """
    outcomes: list[Outcome] = []
    if not find_spec("nnunetv2"):
        return outcomes
    for name, cases in CASES.items():
        if (data / name).is_dir():
            with _prepared(data / name, cases) as folder:
                outcomes += run_duels([duel(name, folder)], Workload(), turns)
    return outcomes


def duel(title: str, folder: Path) -> Duel:
    """Return the duel of both trainers on a data set that nnU-Net has preprocessed.

    Parameters
    ----------
    title : str
        What to call it.
    folder : Path
        Its folder within the one that ``nnUNet_preprocessed`` names.
    """
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    from medaug.integrations.nnunet.trainer import nnUNetTrainerMedaug

    ours, crops, patch = _pipeline(nnUNetTrainerMedaug, folder)
    theirs, _, _ = _pipeline(nnUNetTrainer, folder)
    work = f"{title}, {' x '.join(map(str, patch))} of {' x '.join(map(str, crops[0].shape))}"
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002  # what both draw from
    calls = _call(ours, crops), _call(theirs, crops)
    return Duel(work, "medaug", "nnU-Net", lambda _: calls, 1, turns=TURNS, by_mean=True)


def _call(pipeline: Any, crops: tuple[torch.Tensor, torch.Tensor]) -> Call:
    """Return what augments a batch; nnU-Net works in place, so each has crops of its own."""
    images, labels = (each.clone() for each in crops)

    def call() -> list[Any]:
        return [
            pipeline(image=image, segmentation=label)
            for image, label in zip(images, labels, strict=True)
        ]

    return call


def _pipeline(
    trainer: type, folder: Path
) -> tuple[Any, tuple[torch.Tensor, torch.Tensor], tuple[int, ...]]:
    """Return what a trainer augments with, a batch of crops for it, and the shape of its patch."""
    plans, content = (
        json.loads((folder / name).read_text()) for name in ("nnUNetPlans.json", "dataset.json")
    )
    plans["continue_training"] = False
    with redirect_stdout(None):
        made = trainer(plans, "3d_fullres", "all", content, torch.device("cpu"))
        made.initialize()
        loader = made.get_dataloaders()[0].data_loader
    pipeline, loader.transforms = loader.transforms, None
    batch = next(loader)
    return pipeline, (batch["data"], batch["target"]), tuple(made.configuration_manager.patch_size)


@contextmanager
def _prepared(source: Path, cases: int) -> Iterator[Path]:
    """Let nnU-Net plan for some cases and preprocess them, and name its folders meanwhile."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = {part: folder / part for part in ("raw", "preprocessed", "results")}
        for part, place in places.items():
            place.mkdir()
            os.environ |= {f"nnUNet_{part}": str(place)}
        os.environ |= {"nnUNet_n_proc_DA": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        config = PreprocessConfig.model_validate(
            {"spacing_mm": "keep", "layout": {"follow_links": True}}
        )
        preprocess(_chosen(source, cases, folder), places["raw"] / DATASET, config)
        command = str(Path(sys.executable).with_name("nnUNetv2_plan_and_preprocess"))
        options = ("-d", "102", "-c", "3d_fullres", "-np", "1", "-npfp", "1")
        try:
            subprocess.run([command, *options], check=True, capture_output=True)
            os.environ |= {"nnUNet_n_proc_DA": "0"}  # the loader needs no workers
            yield places["preprocessed"] / DATASET
        finally:
            os.environ.clear()
            os.environ |= before


def _chosen(source: Path, cases: int, folder: Path) -> Path:
    """Return a folder with links to the first cases alone: folders, or files of the Decathlon."""
    chosen = folder / source.name
    chosen.mkdir()
    listed = source / "dataset.json"
    if not listed.is_file():
        for case in sorted(path for path in source.iterdir() if path.is_dir())[:cases]:
            (chosen / case.name).symlink_to(case.resolve(), target_is_directory=True)
        return chosen
    content = json.loads(listed.read_text(encoding="utf-8"))
    content["training"] = content["training"][:cases]
    content |= {"numTraining": cases, "test": [], "numTest": 0}
    for pair in content["training"]:
        for file in (pair["image"], pair["label"]):
            (chosen / file).parent.mkdir(exist_ok=True)
            (chosen / file).symlink_to((source / file).resolve())
    (chosen / listed.name).write_text(json.dumps(content), encoding="utf-8")
    return chosen
