"""A square turned by 30 degrees on voxels of 1 x 3 mm: in millimetres, and in voxels."""

import matplotlib.pyplot as plt
import numpy as np

from medaug.geometry import AffineStage, Warp, affine_about, affine_in_voxels, affine_rotation
from medaug.resample import Sampling, resample_array

SPACING_MM = (1.0, 3.0, 1.0)
shape = (96, 32, 1)
i, j, _ = np.indices(shape)
centre = (np.array(shape) - 1) / 2
across_mm = (np.abs(i - centre[0]) * SPACING_MM[0], np.abs(j - centre[1]) * SPACING_MM[1])
square = np.float32(np.maximum(*across_mm) < 24)[None]
turn = affine_rotation((0, 0, 30))

figure, places = plt.subplots(1, 3, figsize=(7.5, 2.7), layout="constrained")
matrices = (np.eye(4), affine_in_voxels(turn, SPACING_MM), turn)
titles = ("before", "turned in millimetres", "turned in voxels")
for axes, matrix, title in zip(places, matrices, titles, strict=True):
    warp = Warp(shape, (AffineStage(affine_about(matrix, centre)),))
    seen = resample_array(square, warp, Sampling())[0, :, :, 0]
    axes.imshow(seen.T, cmap="gray", aspect=SPACING_MM[1] / SPACING_MM[0], origin="lower")
    axes.set_title(title)
    axes.set_axis_off()
