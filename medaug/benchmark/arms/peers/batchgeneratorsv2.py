"""The arm of batchgeneratorsv2: nnU-Net's default 3D training augmentation."""

from __future__ import annotations

import math
from typing import Any

import torch

from medaug.benchmark.arms.peers.peer import Entry, PeerTransform, Region, Step, plain

_PACKAGE = "batchgeneratorsv2.transforms"
_ROTATE = math.radians(30)
#: What nnU-Net marks voxels beyond the region with, before it calls them background.
_OUTSIDE = -1


class NnunetPeer(PeerTransform):
    """The transforms of nnUNetTrainer 2.8 (Isensee et al. 2021, Nature Methods 18), in its order.

    It is what the policy ``nnunet`` mirrors. It differs from a training by nnU-Net in this:

    - nnU-Net computes from the patch how large a region it cuts it from; here the region is that of
      the benchmark, the same for all arms.
    - nnU-Net lets the blur time two ways of convolving and take the faster. They round differently,
      so results would depend on the load of the machine. Here it always convolves directly,
      which is the faster on one CPU core at these widths.
    - nnU-Net augments patches of very unequal sides slice by slice; here never.
    - There is no downsampling of labels for deep supervision, which belongs to the network.

    Like nnU-Net, it works in voxels, whatever the spacing.
    """

    library = "batchgeneratorsv2"
    remark = (
        "nnU-Net's default 3D training augmentation, with direct convolution in the blur and "
        "without what belongs to deep supervision. It works in voxels."
    )

    def steps(self, region: Region) -> list[Entry]:  # noqa: ARG002  # the same for all regions
        """Return the transforms."""
        return [
            self._spatial(),
            _with_prob(
                0.1,
                "intensity.gaussian_noise.GaussianNoiseTransform",
                noise_variance=[0, 0.1],
                p_per_channel=1,
                synchronize_channels=True,
            ),
            _with_prob(
                0.2,
                "noise.gaussian_blur.GaussianBlurTransform",
                blur_sigma=[0.5, 1.0],
                synchronize_channels=False,
                synchronize_axes=False,
                p_per_channel=0.5,
                benchmark=False,
            ),
            _with_prob(
                0.15,
                "intensity.brightness.MultiplicativeBrightnessTransform",
                multiplier_range=_balanced(0.75, 1.25),
                synchronize_channels=False,
                p_per_channel=1,
            ),
            _with_prob(
                0.15,
                "intensity.contrast.ContrastTransform",
                contrast_range=_balanced(0.75, 1.25),
                preserve_range=True,
                synchronize_channels=False,
                p_per_channel=1,
            ),
            _with_prob(
                0.25,
                "spatial.low_resolution.SimulateLowResolutionTransform",
                scale=[0.5, 1],
                synchronize_channels=False,
                synchronize_axes=True,
                ignore_axes=None,
                allowed_channels=None,
                p_per_channel=0.5,
            ),
            _gamma(0.1, negated=1),
            _gamma(0.3, negated=0),
            _entry("spatial.mirroring.MirrorTransform", allowed_axes=[0, 1, 2]),
            _entry("utils.remove_label.RemoveLabelTransform", label_value=_OUTSIDE, set_to=0),
        ]

    def run(
        self,
        pipeline: list[Step],
        image: torch.Tensor,
        label: torch.Tensor,
        seed: int,  # noqa: ARG002  # it draws from the global generators
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Apply the transforms to copies: some of them write into what they get."""
        sample = {
            "image": plain(image).clone(),
            "segmentation": plain(label).to(torch.int16),
        }
        for step in pipeline:
            sample = step(**sample)
        return sample["image"], sample["segmentation"]

    def _spatial(self) -> Entry:
        return _entry(
            "spatial.spatial.SpatialTransform",
            patch_size=list(self.patch_size),
            patch_center_dist_from_border=0,
            random_crop=False,
            p_elastic_deform=0,
            p_rotation=0.2,
            rotation=[-_ROTATE, _ROTATE],
            p_scaling=0.2,
            scaling=[0.7, 1.4],
            p_synchronize_scaling_across_axes=1,
            bg_style_seg_sampling=False,
            border_mode_seg="constant",
            padding_value_seg=_OUTSIDE,
        )


def _gamma(prob: float, *, negated: int) -> Entry:
    return _with_prob(
        prob,
        "intensity.gamma.GammaTransform",
        gamma=_balanced(0.7, 1.5),
        p_invert_image=negated,
        synchronize_channels=False,
        p_per_channel=1,
        p_retain_stats=1,
    )


def _balanced(low: float, high: float) -> Entry:
    """Return nnU-Net's way to draw a factor: below and above 1 are equally likely."""
    return _entry("intensity.contrast.BGContrast", contrast_range=[low, high])


def _with_prob(prob: float, target: str, **arguments: Any) -> Entry:
    transform = _entry(target, **arguments)
    return _entry("utils.random.RandomTransform", transform=transform, apply_probability=prob)


def _entry(target: str, **arguments: Any) -> Entry:
    return {"_target_": f"{_PACKAGE}.{target}", **arguments}
