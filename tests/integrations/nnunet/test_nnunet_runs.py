"""nnU-Net itself finds the trainer, trains, resumes and predicts with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("nnunetv2", reason="the framework that this is about")

from batchgenerators.dataloading.nondet_multi_threaded_augmenter import NonDetMultiThreadedAugmenter
from nnunet_workspace import DATASET, nnunet, prepare
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.run.run_training import get_trainer_from_args, maybe_load_checkpoint
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name

from medaug.integrations.nnunet.trainer import nnUNetTrainerMedaug
from speed import report, trainers
from speed.duels import Outcome
from speed.timing import time_in_turn
from speed.workload import Workload

# nnU-Net and its parts warn of their own affairs.
pytestmark = pytest.mark.filterwarnings("default")
CPU = torch.device("cpu")
TRAINERS = (nnUNetTrainer, nnUNetTrainerMedaug)


@pytest.fixture(scope="module")
def home(tmp_path_factory, request) -> Iterator[Path]:
    """Folders in which nnU-Net has planned and preprocessed hippocampi, or else phantoms."""
    try:
        scans = request.getfixturevalue("hippocampus")
    except pytest.skip.Exception:
        scans = None
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("nnunet")
        prepare(folder, patch, scans)
        patch.setenv("nnUNet_n_proc_DA", "0")  # from here on augment in this process
        yield folder
    torch.set_num_threads(threads)


def trainer_of(cls: type, home: Path, configuration: str, labels: dict | None = None) -> Any:
    """A trainer for a configuration of the plans, maybe with other labels."""
    folder = home / "preprocessed" / DATASET
    plans = json.loads((folder / "nnUNetPlans.json").read_text())
    dataset = json.loads((folder / "dataset.json").read_text())
    if labels is not None:
        dataset |= labels
    plans["continue_training"] = False
    trainer = cls(plans, configuration, 0, dataset, CPU)
    trainer.initialize()
    return trainer


def test_nnunet_finds_the_trainer_by_its_name(home, monkeypatch):
    folder, _ = os.environ["nnUNet_extTrainer"].split(os.pathsep)  # noqa: SIM112  # nnU-Net's name
    monkeypatch.setenv("nnUNet_extTrainer", folder)
    assert recursive_find_trainer_class_by_name("nnUNetTrainerMedaug") is nnUNetTrainerMedaug


REGIONS = {
    "labels": {"background": 0, "all": [1, 2], "some": [2]},
    "regions_class_order": [1, 2],
}


@pytest.mark.parametrize(
    ("configuration", "labels"),
    [
        ("3d_fullres", None),
        ("plane", None),
        ("slices", None),
        ("masked", None),
        ("3d_fullres", REGIONS),
    ],
    ids=["3d", "2d", "dummy 2d", "mask", "regions"],
)
def test_batches_are_of_the_shapes_and_dtypes_of_nnunets_own(home, configuration, labels):
    kinds = []
    for cls in TRAINERS:
        trainer = trainer_of(cls, home, configuration, labels)
        batches = [next(loader) for loader in trainer.get_dataloaders() for _ in range(2)]
        kinds.append([kind_of(batch) for batch in batches])
        if configuration == "slices":
            assert "do_dummy_2d_data_aug: True" in Path(trainer.log_file).read_text()
    own, ours = kinds
    assert ours == own
    assert len(own[0]["target"]) == 2  # resolutions


def kind_of(batch: dict[str, Any]) -> dict[str, Any]:
    tensors = {"data": [batch["data"]], "target": batch["target"]}
    return {name: [(t.shape, t.dtype) for t in each] for name, each in tensors.items()}


def test_the_validation_is_nnunets_own(home):
    own, ours = (trainer_of(cls, home, "3d_fullres").get_dataloaders()[1] for cls in TRAINERS)
    assert repr(own.data_loader.transforms) == repr(ours.data_loader.transforms)
    same = []
    for loader in (own, ours):
        np.random.seed(1)  # noqa: NPY002  # what nnU-Net's loader draws from
        same.append(next(loader)["data"])
    assert torch.equal(*same)


# Its thread that collects batches may still wait for one when the workers are stopped.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_workers_augment_differently_and_a_seed_repeats_them(home):
    """Torch's state is the same in workers that are forked; NumPy's is not."""
    loader = trainer_of(nnUNetTrainerMedaug, home, "3d_fullres").get_dataloaders()[0].data_loader
    loader.indices = loader.indices[:1]

    def images(count: int, seeds: list[int] | None) -> list[torch.Tensor]:
        workers = NonDetMultiThreadedAugmenter(loader, None, count, 2, seeds, wait_time=0.01)
        batches = [next(workers)["data"] for _ in range(4)]
        workers._finish()
        return [image for batch in batches for image in batch]

    drawn = images(2, None)
    for n, one in enumerate(drawn):
        assert not any(torch.equal(one, other) for other in drawn[n + 1 :])
    assert torch.equal(torch.stack(images(1, [5])), torch.stack(images(1, [5])))


def test_a_training_by_the_command_line_resumes_and_predicts(home, monkeypatch):
    monkeypatch.setenv("nnUNet_n_proc_DA", "1")
    said = nnunet("train", "701", "3d_fullres", "0", "-tr", "ShortMedaug", "-device", "cpu")
    assert "Using trainer 'ShortMedaug' from" in said
    results = home / "results" / DATASET / "ShortMedaug__nnUNetPlans__3d_fullres"
    checkpoint = torch.load(results / "fold_0" / "checkpoint_final.pth", weights_only=False)
    assert checkpoint["trainer_name"] == "ShortMedaug"
    assert (results / "fold_0" / "validation" / "summary.json").is_file()
    debug = json.loads((results / "fold_0" / "debug.json").read_text())
    assert "PolicyTransform( medaug = " in debug["dataloader_train.generator.transforms"]

    trainer = get_trainer_from_args(
        DATASET, "3d_fullres", 0, "ShortMedaug", continue_training=True, device=CPU
    )
    maybe_load_checkpoint(trainer, True, False)
    assert trainer.current_epoch == 1
    trainer.num_epochs = 2
    trainer.run_training()
    assert trainer.current_epoch == 2

    scans = home / "raw" / DATASET / "imagesTr"
    first = sorted(map(str, scans.glob("*.nii.gz")))[: trainer.num_input_channels]

    def predicted(checkpoint: str) -> np.ndarray:
        predictor = nnUNetPredictor(device=CPU, use_mirroring=False, allow_tqdm=False)
        predictor.initialize_from_trained_model_folder(str(results), (0,), checkpoint)
        assert predictor.allowed_mirroring_axes == (0, 1, 2)
        (label,) = predictor.predict_from_files_sequential([first], None)
        return label

    label = predicted("checkpoint_final.pth")
    assert label.ndim == 3
    assert set(np.unique(label)) <= {0, 1, 2}

    # For somebody without medaug.
    checkpoint = torch.load(results / "fold_0" / "checkpoint_final.pth", weights_only=False)
    checkpoint["trainer_name"] = "nnUNetTrainer"
    torch.save(checkpoint, results / "fold_0" / "checkpoint_shared.pth")
    monkeypatch.delenv("nnUNet_extTrainer")
    assert np.array_equal(predicted("checkpoint_shared.pth"), label)


def test_nnunets_own_trains_as_well_side_by_side(home):
    losses = []
    for name in ("ShortOwn", "ShortMedaug"):
        trainer = get_trainer_from_args(DATASET, "3d_fullres", 0, name, device=CPU)
        trainer.run_training()
        losses.append(trainer.logger.get_value("train_losses", step=-1))
    assert np.isfinite(losses).all()


def test_both_can_be_timed_side_by_side(home):
    """On what the timing suite prepares from real scans; what it measures is not tested."""
    duel = trainers.duel("small", home / "preprocessed" / DATASET)
    calls = dict(zip((duel.ours, duel.other), duel.build(Workload()), strict=True))
    outcome = Outcome(duel, *time_in_turn(calls, turns=2))
    assert "| small, 32 x 32 x 32 of 2 x " in report.trainers_table([outcome])
    for call in calls.values():
        images = [sample["image"] for sample in call()]
        assert [image.shape[1:] for image in images] == [(32, 32, 32)] * 2
