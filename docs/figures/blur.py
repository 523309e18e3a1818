"""A pattern of fine waves, resampled once and twice by the same warp."""

import matplotlib.pyplot as plt
import numpy as np

from medaug.geometry import AffineStage, Warp, affine_about, affine_rotation
from medaug.resample import Sampling, resample_array

shape = (80, 80, 1)
i, j, _ = np.indices(shape)
centre = (np.array(shape) - 1) / 2
waves = np.float32(np.cos(2 * np.pi * np.hypot(i - centre[0], j - centre[1]) / 4.5))[None]


def turned(degrees: float) -> Warp:
    """Return a turn about the centre."""
    return Warp(shape, (AffineStage(affine_about(affine_rotation((0, 0, degrees)), centre)),))


first, second = turned(20), turned(15)
once = resample_array(waves, first.then(second), Sampling())
twice = resample_array(resample_array(waves, first, Sampling()), second, Sampling())

figure, places = plt.subplots(1, 3, figsize=(7.5, 2.8), layout="constrained")
titles = ("as it is", "one resample", "two resamples")
for axes, picture, title in zip(places, (waves, once, twice), titles, strict=True):
    axes.imshow(picture[0, :, :, 0], cmap="gray", vmin=-1, vmax=1)
    axes.set_title(title)
    axes.set_axis_off()
