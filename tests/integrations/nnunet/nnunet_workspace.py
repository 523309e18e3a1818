"""A data set that nnU-Net itself has planned and preprocessed, and what it needs to find."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import without_torchvision.sitecustomize  # noqa: F401  # for this process, PYTHONPATH for others
from nnunetv2.experiment_planning.plan_and_preprocess_api import (
    extract_fingerprints,
    plan_experiments,
    preprocess,
)

from medaug.benchmark.cases.phantom import PhantomConfig, make_phantom
from medaug.io.volume import write_volume

DATASET, CASES = "Dataset701_Small", 4
WITHOUT_TORCHVISION = Path(__file__).parent / "without_torchvision"
#: Trainers of a user: medaug's and nnU-Net's own, each with the shortest of trainings.
SHORT_TRAINERS = """
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from medaug.integrations.nnunet.trainer import nnUNetTrainerMedaug


class Short:
    def __init__(self, plans, configuration, fold, dataset_json, device):
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs, self.num_iterations_per_epoch, self.num_val_iterations_per_epoch = 1, 2, 1


class ShortOwn(Short, nnUNetTrainer):
    pass


class ShortMedaug(Short, nnUNetTrainerMedaug):
    pass
"""


def prepare(home: Path, patch: pytest.MonkeyPatch, scans: Path | None) -> None:
    """Make folders for raw data, plans and results in ``home``, and let nnU-Net fill them.

    The raw data are some of ``scans``, a folder in the layout of the Decathlon, or else phantoms.

    The environment of this process and of those that it starts names them, and in
    ``nnUNet_extTrainer`` the folder that medaug prints and one of the user's.
    """
    for name in ("raw", "preprocessed", "results"):
        (home / name).mkdir()
        patch.setenv(f"nnUNet_{name}", str(home / name))
    (home / "trainers").mkdir()
    (home / "trainers" / "short_trainers.py").write_text(SHORT_TRAINERS, encoding="utf-8")
    folders = [run(sys.executable, "-m", "medaug.integrations.nnunet").strip(), home / "trainers"]
    patch.setenv("nnUNet_extTrainer", os.pathsep.join(map(str, folders)))
    patch.setenv("nnUNet_n_proc_DA", "1")
    patch.setenv("nnUNet_def_n_proc", "1")
    patch.setenv("OMP_NUM_THREADS", "1")
    patch.setenv("PYTHONPATH", str(WITHOUT_TORCHVISION))
    _write_raw(home / "raw" / DATASET, scans)
    # As nnUNetv2_plan_and_preprocess does it.
    extract_fingerprints([701], num_processes=1)
    plan_experiments([701])
    preprocess([701], configurations=["3d_fullres"], num_processes=[1])
    _make_small(home / "preprocessed" / DATASET)


def nnunet(command: str, *arguments: str) -> str:
    """Run a command of nnU-Net and return what it prints."""
    return run(str(Path(sys.executable).with_name(f"nnUNetv2_{command}")), *arguments)


def run(*command: str) -> str:
    """Run a command and return what it prints."""
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    return result.stdout


def _write_raw(folder: Path, scans: Path | None) -> None:
    """Write cases with two classes as nnU-Net wants its raw data."""
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    channels = _write_phantoms(folder) if scans is None else _copy_scans(folder, scans)
    content = {
        "channel_names": {str(n): "MR" for n in range(channels)},
        "labels": {"background": 0, "first": 1, "second": 2},
        "numTraining": CASES,
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(content), encoding="utf-8")


def _copy_scans(folder: Path, scans: Path) -> int:
    for label in sorted((scans / "labelsTr").glob("[!.]*.nii.gz"))[:CASES]:
        shutil.copy(label, folder / "labelsTr")
        image = folder / "imagesTr" / label.name.replace(".nii", "_0000.nii")
        shutil.copy(scans / "imagesTr" / label.name, image)
    return 1


def _write_phantoms(folder: Path) -> int:
    affine = np.diag([6.0, 6.0, 6.0, 1.0])
    config = PhantomConfig(cases=CASES, shape=(26, 30, 28), spacing_mm=6.0)
    for case in make_phantom(config).cases:
        for channel, image in enumerate(case.image):
            file = folder / "imagesTr" / f"{case.name}_{channel:04d}.nii.gz"
            write_volume(file, image, affine)
        write_volume(folder / "labelsTr" / f"{case.name}.nii.gz", case.label, affine)
    return len(case.image)


def _make_small(folder: Path) -> None:
    """Shrink the planned network, and add configurations for other kinds of patches."""
    file = folder / "nnUNetPlans.json"
    plans = json.loads(file.read_text(encoding="utf-8"))
    solid = plans["configurations"]["3d_fullres"]
    solid |= {"patch_size": [32, 32, 32], "batch_size": 2}
    network = solid["architecture"]["arch_kwargs"]
    network |= {
        "n_stages": 3,
        "features_per_stage": [4, 8, 8],
        "kernel_sizes": [[3, 3, 3]] * 3,
        "strides": [[1, 1, 1], [2, 2, 2], [2, 2, 2]],
        "n_conv_per_stage": [1, 1, 1],
        "n_conv_per_stage_decoder": [1, 1],
    }
    flat = json.loads(json.dumps(solid)) | {"patch_size": [24, 20]}
    flat["architecture"]["arch_kwargs"] |= {
        "kernel_sizes": [[3, 3]] * 3,
        "strides": [[1, 1], [2, 2], [2, 2]],
        "conv_op": "torch.nn.modules.conv.Conv2d",
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm2d",
    }
    slices = json.loads(json.dumps(solid)) | {"patch_size": [4, 24, 20]}
    slices["architecture"]["arch_kwargs"]["strides"] = [[1, 1, 1], [1, 2, 2], [2, 2, 2]]
    masked = json.loads(json.dumps(solid)) | {"use_mask_for_norm": [True]}
    plans["configurations"] |= {"plane": flat, "slices": slices, "masked": masked}
    file.write_text(json.dumps(plans), encoding="utf-8")
    names = sorted(path.name[:-4] for path in (folder / solid["data_identifier"]).glob("*.pkl"))
    splits = [{"train": names[:-1], "val": names[-1:]}]
    (folder / "splits_final.json").write_text(json.dumps(splits), encoding="utf-8")
