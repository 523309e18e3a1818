"""The arm of MONAI: its own transforms, matched to the policy ``default``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from monai.networks.layers import gaussian_1d

from medaug.benchmark.arms.peers import matched
from medaug.benchmark.arms.peers.peer import Entry, PeerTransform, Region, Step
from medaug.rng import derive_seed

_KEYS = ["image", "label"]
#: Where MONAI cuts off the Gaussian that smooths an elastic field, in its standard deviations.
_TRUNCATED = 3.0
#: Standard deviations of the elastic displacement that a patch is cut larger by until then.
_REACH = 3.0


class MonaiPeer(PeerTransform):
    """What a Compose of MONAI can do of the policy ``default``.

    Flip, zoom, rotation and shear are composed by MONAI's lazy resampling and touch the voxels
    once; the elastic deformation, which cannot be lazy, is a second resample. Probabilities and
    ranges are those of the policy. What differs:

    - Everything is in voxels, so on anisotropic spacing rotation and shear distort. Elastic lengths
      are converted by the geometric mean of the spacing.
    - A zoom is rounded to whole voxels of the region, which may shift it by half a voxel. A shear
      is drawn by its tangent.
    - The elastic field is white noise smoothed by a Gaussian, as wide as the B-spline that it
      stands for, with a kernel that ends at the patch: near its faces displacements are smaller.
      Its magnitude makes the root mean square over the patch that of the policy. Width and strength
      are drawn apart in MONAI, and would not be independent; so there is a transform for each of
      three widths. It may fold.
    - Labels are moved by nearest neighbour, twice where there is an elastic deformation.
    - Gamma is drawn uniformly, one for all channels, between the extremes of all of them.
    """

    library = "monai"
    remark = (
        "The policy default as closely as MONAI allows: in voxels, labels by nearest neighbour, "
        "elastic in a second resample, gamma for all channels together."
    )

    def steps(self, region: Region) -> list[Entry]:
        """Return the transforms."""
        spacing_mm = float(np.prod(region.spacing_mm)) ** (1 / 3)
        margin = 2 * math.ceil(_REACH * max(matched.ELASTIC_STD_MM) / spacing_mm)
        low, high = (factor - 1 for factor in matched.CONTRAST_FACTOR)
        return [
            _entry(
                "Compose",
                transforms=[*_affine(), _crop([n + margin for n in self.patch_size])],
                lazy=True,
                overrides={
                    "image": {"mode": "bilinear", "padding_mode": "zeros"},
                    "label": {"mode": "nearest", "padding_mode": "zeros"},
                },
            ),
            self._elastic_or_crop(spacing_mm),
            _entry(
                "RandScaleIntensityFixedMeand",
                keys="image",
                prob=matched.CONTRAST_PROB,
                factors=[low, high],
                channel_wise=True,
            ),
            _entry(
                "RandAdjustContrastd",
                keys="image",
                prob=matched.GAMMA_PROB,
                gamma=list(matched.GAMMA),
                retain_stats=True,
            ),
            _entry(
                "RandGaussianNoised",
                keys="image",
                prob=matched.NOISE_PROB,
                std=matched.NOISE_STD[1],
                sample_std=True,
            ),
        ]

    def run(
        self, pipeline: list[Step], image: torch.Tensor, label: torch.Tensor, seed: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Apply the transforms, each with a random state of its own."""
        sample = {"image": image, "label": label}
        for number, step in enumerate(pipeline):
            # All steps here are random ones; MONAI types them as any transform.
            step.set_random_state(seed=derive_seed(seed, number))  # type: ignore[attr-defined]
            sample = step(sample)
        return sample["image"], sample["label"]

    def _elastic_or_crop(self, spacing_mm: float) -> Entry:
        """Return one of three deformations that cut the patch, or the cut alone."""
        widths = matched.middles(matched.ELASTIC_SPACING_MM)
        elastic = [self._elastic(width / spacing_mm, spacing_mm) for width in widths]
        share = matched.ELASTIC_PROB / len(elastic)
        return _entry(
            "OneOf",
            transforms=[*elastic, _crop(self.patch_size)],
            weights=[*(share for _ in elastic), 1 - matched.ELASTIC_PROB],
        )

    def _elastic(self, knot_spacing: float, spacing_mm: float) -> Entry:
        sigma = knot_spacing / math.sqrt(3)  # the standard deviation of the cubic B-spline
        std = field_std(sigma, self.patch_size)
        return _entry(
            "Rand3DElasticd",
            keys=_KEYS,
            prob=1.0,
            spatial_size=list(self.patch_size),
            sigma_range=[sigma, sigma],
            magnitude_range=[each / spacing_mm / std for each in matched.ELASTIC_STD_MM],
            mode=["bilinear", "nearest"],
            padding_mode="zeros",
        )


def field_std(sigma: float, shape: tuple[int, ...]) -> float:
    """Return the standard deviation over a patch of MONAI's elastic field of magnitude 1.

    The field is uniform noise on [-1, 1], of variance 1/3, convolved along each axis with a
    truncated Gaussian, with zeros beyond the patch. At a voxel its variance is therefore 1/3 times,
    for each axis, the sum of the squared weights that lie inside.

    Parameters
    ----------
    sigma : float
        Of the Gaussian, in voxels.
    shape : tuple of int
        Of the patch.
    """
    weights = np.asarray(gaussian_1d(torch.tensor(sigma), _TRUNCATED)) ** 2
    variance = 1 / 3
    for n in shape:
        inside = np.convolve(weights, np.ones(n))  # at each place of the kernel over the patch
        start = len(weights) // 2
        variance *= float(inside[start : start + n].mean())
    return math.sqrt(variance)


def _affine() -> list[Entry]:
    angle = math.radians(matched.ROTATE_DEGREES)
    lean = math.tan(math.radians(matched.SHEAR_DEGREES))
    flips = [
        _entry("RandFlipd", keys=_KEYS, prob=prob, spatial_axis=axis)
        for axis, prob in enumerate(matched.FLIP_PROB)
        if prob > 0
    ]
    return [
        *flips,
        _entry(
            "RandZoomd",
            keys=_KEYS,
            prob=matched.SCALE_PROB,
            min_zoom=1 - matched.SCALE,
            max_zoom=1 + matched.SCALE,
        ),
        _entry("RandAffined", keys=_KEYS, prob=matched.SHEAR_PROB, shear_range=[lean] * 6),
        _entry(
            "RandRotated",
            keys=_KEYS,
            prob=matched.ROTATE_PROB,
            range_x=angle,
            range_y=angle,
            range_z=angle,
        ),
    ]


def _crop(size: list[int] | tuple[int, ...]) -> Entry:
    return _entry("CenterSpatialCropd", keys=_KEYS, roi_size=list(size))


def _entry(name: str, **arguments: Any) -> Entry:
    return {"_target_": f"monai.transforms.{name}", **arguments}
