"""Fixtures that more than one test module needs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.transforms import Randomizable

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed, so that no test depends on chance."""
    return np.random.default_rng(20240229)


@pytest.fixture(autouse=True)
def global_seeds(monkeypatch) -> None:
    """Start MONAI's and torch's global states anew: without a seed nothing is a game of chance.

    MONAI's is what a transform draws from, torch's what a loader seeds its workers with.
    """
    monkeypatch.setattr(Randomizable, "R", np.random.RandomState(0))
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real scans: $MEDAUG_SHARED_DATA, or ``shared/data`` beside the checkout."""
    folder = Path(os.environ.get("MEDAUG_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real scans at {folder}; set MEDAUG_SHARED_DATA to a folder that has them")
    return folder


@pytest.fixture(scope="session")
def hippocampus(shared_data: Path) -> Path:
    """The Decathlon hippocampus folder, in the Decathlon layout."""
    folder = shared_data / "Task04_Hippocampus"
    if not folder.is_dir():
        pytest.skip(f"no hippocampus scans at {folder}")
    return folder
