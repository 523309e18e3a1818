"""Draw the picture of the README: a case, the grid of its first copy, three copies.

    python docs/pictures/augmentation.py

It shows a case of the benchmark's phantom and writes `augmentation.png` beside this file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from monai.data import MetaTensor

from medaug.drawing import draw_slice, figure_png
from medaug.gallery.subject import Subject, phantom_subject
from medaug.rng import generator
from medaug.transforms import FusedIntensity, RandBiasFieldd, RandGammad, RandSpatiald
from medaug.transforms.base import Sample
from medaug.typing import AnyArray

PICTURE = Path(__file__).with_suffix(".png")
SEED = 3
COPIES = 3
#: Of the grid that is drawn, in voxels: from line to line, and of a line.
GRID_SPACING = 10
GRID_WIDTH = 2
PANEL_IN = 2.4
TITLE_IN = 0.35

SPATIAL = RandSpatiald(
    ["image", "label"],
    rotate_degrees=15,
    scale=0.15,
    elastic_spacing_mm=32,
    elastic_std_mm=3,
    mode=["linear", "vote"],
    padding_mode=["border", "constant"],
)
INTENSITY = FusedIntensity(
    [
        RandGammad("image", prob=1, gamma=(0.6, 1.6), keep_stats=True),
        RandBiasFieldd("image", prob=1),
    ]
)


def augmented(sample: Sample, number: int) -> Sample:
    """Return a copy of the sample; its number decides what is drawn."""
    for transform, stream in ((SPATIAL, 0), (INTENSITY, 1)):
        record = transform.sample(sample, generator(SEED, number, stream))
        sample = transform.apply(sample, record)
    return sample


def warped_grid(sample: Sample, number: int) -> Sample:
    """Return the lines of a grid, moved as the voxels of the copy are."""
    record = SPATIAL.sample(sample, generator(SEED, number, 0))
    lines = torch.zeros(sample["image"].shape)
    for first in range(GRID_WIDTH):
        lines[:, first::GRID_SPACING] = 1
        lines[:, :, first::GRID_SPACING] = 1
    lines[:, [0, -1]] = lines[:, :, [0, -1]] = 0  # the padding would continue them
    grid = MetaTensor(lines, affine=sample["image"].affine)
    return SPATIAL.apply({**sample, "image": grid}, record)


def draw(subject: Subject) -> bytes:
    """Return the PNG."""
    sample = subject.sample(in_hu=False)
    shades: tuple[float, float] = tuple(np.percentile(subject.zscored, (0.5, 99.8)).tolist())
    panels = [
        ("original", sample, shades),
        ("the warp of copy 1", warped_grid(sample, 1), (0.0, 1.0)),
        *((f"copy {number}", augmented(sample, number), shades) for number in range(1, COPIES + 1)),
    ]
    rows, columns = subject.picture(sample["image"]).shape
    height = PANEL_IN * rows / columns
    figure = Figure((PANEL_IN * len(panels), height + TITLE_IN), dpi=100, facecolor="black")
    for place, (title, shown, window) in enumerate(panels):
        share = 1 / len(panels)
        axes = figure.add_axes((place * share, 0, share, height / (height + TITLE_IN)))
        draw_slice(axes, picture(subject, shown, "image"), window, picture(subject, shown, "label"))
        axes.set_title(title, color="white", fontsize=11, pad=8)
    return figure_png(figure)


def picture(subject: Subject, sample: Sample, key: str) -> AnyArray:
    """Return the slice of one volume."""
    return subject.picture(np.asarray(sample[key]))


if __name__ == "__main__":
    PICTURE.write_bytes(draw(phantom_subject(spacing_mm=1.6)))
