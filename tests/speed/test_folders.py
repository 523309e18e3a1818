"""The suites that go from files to patches and from folder to folder run on tiny folders."""

from __future__ import annotations

import json

import numpy as np
import pytest

from medaug.io.volume import write_volume
from speed import folders, report, training

MODALITIES = ("flair", "t1", "t1ce", "t2")


def write_brats(folder, rng, cases=2, shape=(48, 48, 48)):
    for n in range(cases):
        place = folder / f"case_{n}"
        place.mkdir(parents=True)
        label = np.zeros(shape, np.uint8)
        for value, start in ((1, 10), (2, 20), (4, 30)):
            label[start : start + 8, start : start + 8, start : start + 8] = value
        for modality in MODALITIES:
            image = rng.normal(500, 100, shape) + 50 * label
            image[:4] = 0
            write_volume(place / f"case_{n}_{modality}.nii.gz", image.astype(np.int16), np.eye(4))
        write_volume(place / f"case_{n}_seg.nii.gz", label, np.eye(4))


def test_training_samples_are_counted(tmp_path, rng, monkeypatch):
    write_brats(tmp_path / "BraTS2018", rng)
    monkeypatch.setattr(training, "SAMPLES", {"medaug": 4, "peer": 2})
    monkeypatch.setattr(training, "WORKERS", (1,))
    monkeypatch.setattr(training, "PEERS", {"monai_cache": ("MONAI CacheDataset", 8.0)})
    rates = training.run(tmp_path / "BraTS2018", turns=1, patch=40)
    ours, theirs = rates
    assert (ours.loader, theirs.loader) == ("medaug", "MONAI CacheDataset")
    assert ours.per_second[0] > 0
    assert theirs.ratios == (ours.per_second[0] / theirs.per_second[0],)
    assert theirs.megabytes > 100  # torch alone takes as much
    assert "MONAI CacheDataset, 1 worker |" in report.training_table(rates)
    json.dumps([rate.__dict__ for rate in rates])


def test_without_scans_nothing_is_measured(tmp_path):
    assert training.run(tmp_path / "nowhere", turns=1) == []
    assert folders.run(tmp_path / "nowhere") == []


def test_both_preprocess_a_folder_to_the_same(tmp_path, rng):
    write_brats(tmp_path / "BraTS2018", rng)
    (run,) = folders.run(tmp_path)
    assert (run.folder, run.cases, run.spacing_mm) == ("BraTS2018", 2, 2.0)
    assert min(run.seconds, run.monai_seconds, run.two_workers_seconds) > 0
    # Noise of one voxel, seen by grids of two that lie half a voxel apart.
    assert run.correlation == pytest.approx(0.6, abs=0.35)
    assert run.dice > 0.9
    assert run.monai_dice > 0.8
    assert "BraTS2018, 2 cases, 2 mm |" in report.preprocessing_table([run])
