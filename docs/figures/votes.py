"""A mask of the phantom under a rotation, by the nearest voxel and by a vote."""

import matplotlib.pyplot as plt
import numpy as np

from medaug.drawing import draw_slice
from medaug.gallery import phantom_subject
from medaug.geometry import AffineStage, Warp, affine_about, affine_rotation, affine_scale
from medaug.resample import Sampling, resample_array

subject = phantom_subject()
shape = subject.image.shape[1:]
where = np.argwhere(subject.label[0] > 0).mean(axis=0)
matrix = affine_rotation((0, 0, 25)) @ affine_scale((0.3, 0.3, 0.3))
warp = Warp(shape, (AffineStage(affine_about(matrix, where)),))
image = subject.picture(resample_array(subject.zscored, warp, Sampling("linear")))

figure, places = plt.subplots(1, 2, figsize=(7, 3.6), layout="constrained")
for axes, mode in zip(places, ("nearest", "vote"), strict=True):
    label = subject.picture(resample_array(subject.label, warp, Sampling(mode)))
    draw_slice(axes, image, (-1.0, 2.5), label)
    axes.set_aspect(subject.plane.aspect)
    axes.set_title(mode)
