"""What is resampled: a random volume and a label of blocks, and the patch to make of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

KEYS = ["image", "label"]
ROTATE_DEGREES, SCALE, ELASTIC_MM, SPACING_MM = 30.0, (0.7, 1.4), 2.0, 32.0


@dataclass(frozen=True)
class Workload:
    """A volume, and the patch to make of it.

    Attributes
    ----------
    shape, patch : tuple of 2 or 3 ints
    channels : int
    dtype : str
        Of the image; the label is uint8.
    """

    shape: tuple[int, ...] = (155, 240, 240)
    patch: tuple[int, ...] = (128, 128, 128)
    channels: int = 4
    dtype: str = "float32"

    @property
    def title(self) -> str:
        """The workload in a few words."""
        volume = " x ".join(map(str, (self.channels, *self.shape)))
        return f"{volume} {self.dtype} -> {' x '.join(map(str, self.patch))}"

    @property
    def samples(self) -> int:
        """Voxels of the patch times channels."""
        return int(np.prod(self.patch)) * self.channels

    def image(self) -> np.ndarray:
        """Return the volume [C, I, J, K], or [C, I, J]."""
        values = np.random.default_rng(0).random((self.channels, *self.shape), np.float32)
        return (values * 200).astype(self.dtype) if self.dtype != "float32" else values

    def label(self) -> np.ndarray:
        """Return the label, uint8 [1, I, J, K] or [1, I, J]: blocks of 8 voxels, four values."""
        blocks = np.random.default_rng(1).integers(0, 4, [-(-n // 8) for n in self.shape])
        label = blocks.astype(np.uint8)
        for axis in range(label.ndim):
            label = label.repeat(8, axis)
        return np.ascontiguousarray(label[tuple(map(slice, self.shape))][None])

    def sample(self) -> dict[str, torch.Tensor]:
        """Return volume and label as a pipeline carries them."""
        return {"image": torch.from_numpy(self.image()), "label": torch.from_numpy(self.label())}
