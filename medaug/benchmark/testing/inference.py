"""Segmentation of whole scans with a trained network, and its Dice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from monai.inferers import sliding_window_inference
from torch import nn

from medaug.benchmark.cases.case_set import Case
from medaug.benchmark.cases.regions import Region
from medaug.benchmark.runtime import Runtime
from medaug.benchmark.testing.overlap import dice_of
from medaug.benchmark.training.sampling import Size

#: Windows that go through the network together; more would not be faster on a CPU.
WINDOWS_AT_ONCE = 2


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network makes of a whole scan.

    Attributes
    ----------
    classes : uint8 array [I, J, K]
        The class index of every voxel.
    probabilities : float32 array [C, I, J, K]
        Those of background and classes.
    """

    classes: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float32]

    @property
    def confidence(self) -> npt.NDArray[np.float32]:
        """The probability of the class that won, float32 [I, J, K]."""
        return np.asarray(self.probabilities.max(axis=0))


@dataclass(frozen=True)
class Segmenter:
    """How to segment a whole scan.

    Attributes
    ----------
    patch_size : tuple of 3 int
        Size of the sliding window, that of the training patches.
    overlap : float
        Overlap of neighbouring windows, in [0, 1) of their size. Their logits are averaged with
        Gaussian weights.
    runtime : Runtime
        Device and precision.
    """

    patch_size: Size
    overlap: float
    runtime: Runtime

    def segment(self, network: nn.Module, case: Case) -> npt.NDArray[np.uint8]:
        """Return the class index of every voxel, uint8 [I, J, K].

        The network is set to evaluation for the call, and left in the mode it had.
        """
        return _classes(self._logits(network, case))

    def predict(self, network: nn.Module, case: Case) -> Prediction:
        """Return the same classes and the probabilities: the softmax of the averaged logits."""
        logits = self._logits(network, case)
        return Prediction(_classes(logits), torch.softmax(logits, dim=0).cpu().numpy())

    def _logits(self, network: nn.Module, case: Case) -> torch.Tensor:
        """Return the averaged logits, float32 [C, I, J, K], on the device."""
        was_training = network.training
        network.eval()
        image = torch.from_numpy(case.image)[None].to(self.runtime.device)
        with torch.inference_mode(), self.runtime.autocast():
            logits = sliding_window_inference(
                image,
                self.patch_size,
                WINDOWS_AT_ONCE,
                # Windows are summed with weights: in float32, whatever the network computes in.
                lambda windows: network(windows).float(),
                overlap=self.overlap,
                mode="gaussian",
            )
        network.train(was_training)
        return torch.as_tensor(logits)[0]


def mean_dice(prediction: npt.NDArray[np.uint8], case: Case, regions: Sequence[Region]) -> float:
    """Return the mean Dice over the regions that truth or prediction has; NaN if there are none."""
    scores = [dice_of(region.mask(prediction), region.mask(case.label[0])) for region in regions]
    scores = [score for score in scores if not np.isnan(score)]
    return float(np.mean(scores)) if scores else float("nan")


def _classes(logits: torch.Tensor) -> npt.NDArray[np.uint8]:
    classes: npt.NDArray[np.uint8] = logits.argmax(dim=0).to(torch.uint8).cpu().numpy()
    return classes
