"""The default 3D training augmentation of nnU-Net, put together from batchgeneratorsv2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from speed.workload import ELASTIC_MM, SPACING_MM

#: What nnU-Net's own crop is longer than the patch, so that no rotation reads outside.
CROP_FACTOR = 1.6


def steps(patch: Sequence[int], elastic_prob: float = 0.0) -> list[Any]:
    """Return the transforms of nnUNetTrainer 2.8 for a 3D patch, deep supervision left out."""
    from batchgeneratorsv2.transforms.intensity.brightness import (
        MultiplicativeBrightnessTransform,
    )
    from batchgeneratorsv2.transforms.intensity.contrast import BGContrast, ContrastTransform
    from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
    from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
    from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
    from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
    from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    from batchgeneratorsv2.transforms.utils.random import RandomTransform

    def gamma(negated: int) -> Any:
        return GammaTransform(
            BGContrast((0.7, 1.5)),
            p_invert_image=negated,
            synchronize_channels=False,
            p_per_channel=1,
            p_retain_stats=1,
        )

    return [
        SpatialTransform(
            tuple(patch),
            patch_center_dist_from_border=0,
            random_crop=False,
            p_elastic_deform=elastic_prob,
            elastic_deform_scale=(min(SPACING_MM, *patch) / patch[0],) * 2,
            elastic_deform_magnitude=(ELASTIC_MM, ELASTIC_MM),
            p_rotation=0.2,
            rotation=(-np.deg2rad(30), np.deg2rad(30)),
            p_scaling=0.2,
            scaling=(0.7, 1.4),
            p_synchronize_scaling_across_axes=1,
        ),
        RandomTransform(GaussianNoiseTransform((0, 0.1), 1, True), 0.1),
        RandomTransform(GaussianBlurTransform((0.5, 1.0), False, False, 0.5, benchmark=True), 0.2),
        RandomTransform(
            MultiplicativeBrightnessTransform(BGContrast((0.75, 1.25)), False, 1), 0.15
        ),
        RandomTransform(ContrastTransform(BGContrast((0.75, 1.25)), True, False, 1), 0.15),
        RandomTransform(
            SimulateLowResolutionTransform((0.5, 1), False, True, None, None, 0.5), 0.25
        ),
        RandomTransform(gamma(1), 0.1),
        RandomTransform(gamma(0), 0.3),
        MirrorTransform((0, 1, 2)),
    ]


def crop_shape(patch: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of the crop that a patch is cut from."""
    return tuple(round(n * CROP_FACTOR) for n in patch)
