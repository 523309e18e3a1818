"""The same work by medaug and by its peers, as calls that are ready to be timed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeAlias

import numpy as np
import torch

from medaug.rng import generator
from medaug.transforms import RandSpatiald
from speed.workload import ELASTIC_MM, KEYS, ROTATE_DEGREES, SCALE, SPACING_MM, Workload

Call: TypeAlias = Callable[[], Any]


def medaug(workload: Workload, *, elastic: bool, label: str, prob: float = 1.0) -> Call:
    """Return the call of medaug; ``label`` is ``nearest`` or ``vote``."""
    sample, transform = workload.sample(), _transform(workload, elastic, label, prob)
    return lambda: transform(sample)


def medaug_replay(workload: Workload, image: torch.Tensor | None = None) -> Call:
    """Return a call of medaug that applies the same record each time: elastic, label nearest."""
    sample, transform = workload.sample(), _transform(workload, True, "nearest", 1.0)
    if image is not None:
        sample["image"] = image
    record = transform.sample(sample, generator(0))
    return lambda: transform.apply(sample, record)


def _transform(workload: Workload, elastic: bool, label: str, prob: float) -> RandSpatiald:
    return RandSpatiald(
        KEYS,
        prob,
        spatial_size=workload.patch,
        rotate_degrees=ROTATE_DEGREES,
        scale=SCALE,
        elastic_spacing_mm=SPACING_MM,
        elastic_std_mm=ELASTIC_MM if elastic else 0.0,
        mode=("linear", label),
    ).set_random_state(seed=0)


def batchgenerators(workload: Workload, *, elastic: bool, label: str) -> Call | None:
    """Return the call of batchgeneratorsv2; ``label`` is ``nearest`` or ``bilinear``."""
    if not find_spec("batchgeneratorsv2"):
        return None
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform

    transform = SpatialTransform(
        workload.patch,
        patch_center_dist_from_border=0,
        random_crop=False,
        p_elastic_deform=float(elastic),
        elastic_deform_scale=(SPACING_MM / workload.patch[0],) * 2,
        elastic_deform_magnitude=(ELASTIC_MM, ELASTIC_MM),
        p_rotation=1,
        rotation=(-np.deg2rad(ROTATE_DEGREES), np.deg2rad(ROTATE_DEGREES)),
        p_scaling=1,
        scaling=SCALE,
        mode_seg=label,
    )
    sample = workload.sample()
    labels = sample["label"].to(torch.int16)  # what nnU-Net hands it
    return lambda: transform(image=sample["image"], segmentation=labels)


def monai_elastic(workload: Workload) -> Call:
    """Return the call of MONAI's Rand3DElasticd, label nearest."""
    from monai.transforms import Rand3DElasticd

    transform = Rand3DElasticd(
        KEYS,
        sigma_range=(8, 8),
        magnitude_range=(200, 200),
        prob=1.0,
        spatial_size=workload.patch,
        rotate_range=(np.deg2rad(ROTATE_DEGREES),) * 3,
        scale_range=(0.3,) * 3,
        mode=("bilinear", "nearest"),
        padding_mode="zeros",
    ).set_random_state(seed=0)
    sample = workload.sample()
    return lambda: transform(sample)


def torchio_elastic(workload: Workload) -> Call | None:
    """Return the call of TorchIO's affine and elastic transforms and crop, label nearest."""
    if not find_spec("torchio"):
        return None
    import torchio

    spacing = [int(np.ceil(n / SPACING_MM)) + 3 for n in workload.shape]
    transform = torchio.Compose(
        [
            torchio.RandomAffine(scales=SCALE, degrees=ROTATE_DEGREES),
            torchio.RandomElasticDeformation(
                num_control_points=spacing, max_displacement=3 * ELASTIC_MM
            ),
            torchio.CropOrPad(workload.patch),
        ]
    )
    sample = workload.sample()

    def call() -> Any:
        return transform(
            torchio.Subject(
                image=torchio.ScalarImage(tensor=sample["image"]),
                label=torchio.LabelMap(tensor=sample["label"]),
            )
        )

    return call
