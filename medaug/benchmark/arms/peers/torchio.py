"""The arm of TorchIO: its own transforms, matched to the policy ``default``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import torch
import torchio

from medaug.benchmark.arms.peers import matched
from medaug.benchmark.arms.peers.peer import Entry, PeerTransform, Region, Step, plain
from medaug.geometry import VARIANCE_FACTOR
from medaug.transforms.tensors import affine_of

#: Along an axis a cubic B-spline has so many control points more than cells.
_SPLINE_ORDER = 3


class TorchioPeer(PeerTransform):
    """What TorchIO can do of the policy ``default``.

    Rotation, scale and elastic deformation take part independently, with the probabilities of the
    policy; whichever do are one resample, by the transform for that combination, which TorchIO's
    OneOf picks. Lengths are in millimetres. What differs:

    - There is no shear and no linear contrast.
    - Elastic control points lie on the region, a whole number of cells along each axis, so their
      distance is a little above what it stands for. Neither their distance nor their strength can
      be drawn; so there is a transform for each of three values of both. Displacements are kept to
      half the distance, from where on TorchIO warns that they may fold.
    - It cannot resample to a patch, so the whole region is resampled and the patch cut out of it.
    - Labels are moved by nearest neighbour.
    - Gamma is the power of the absolute value, with the sign kept, and leaves mean and standard
      deviation as they come.
    """

    library = "torchio"
    remark = (
        "The policy default as closely as TorchIO allows: no shear and no linear contrast, labels "
        "by nearest neighbour, gamma about 0, the whole region resampled and the patch cut from it."
    )

    def steps(self, region: Region) -> list[Entry]:
        """Return the transforms."""
        flips = [
            _entry("RandomFlip", axes=axis, flip_probability=prob)
            for axis, prob in enumerate(matched.FLIP_PROB)
            if prob > 0
        ]
        return [
            *flips,
            {
                "_target_": f"{__name__}.any_combination",
                "rotate": {"prob": matched.ROTATE_PROB, "degrees": matched.ROTATE_DEGREES},
                "scale": {
                    "prob": matched.SCALE_PROB,
                    "scales": [1 - matched.SCALE, 1 + matched.SCALE],
                },
                "elastic": {"prob": matched.ELASTIC_PROB, "one_of": _elastic_choices(region)},
            },
            _entry("CropOrPad", target_shape=list(self.patch_size)),
            _entry(
                "RandomGamma",
                p=matched.GAMMA_PROB,
                log_gamma=[math.log(gamma) for gamma in matched.GAMMA],
            ),
            _entry("RandomNoise", p=matched.NOISE_PROB, std=list(matched.NOISE_STD)),
        ]

    def run(
        self,
        pipeline: list[Step],
        image: torch.Tensor,
        label: torch.Tensor,
        seed: int,  # noqa: ARG002  # it draws from the global generators
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Apply the transforms to a subject."""
        affine = affine_of(image, "image")
        subject = torchio.Subject(
            image=torchio.ScalarImage(tensor=plain(image), affine=affine),
            label=torchio.LabelMap(tensor=plain(label), affine=affine),
        )
        for step in pipeline:
            subject = step(subject)
        return subject["image"].data, subject["label"].data


def any_combination(
    rotate: Mapping[str, Any], scale: Mapping[str, Any], elastic: Mapping[str, Any]
) -> torchio.OneOf:
    """Return a transform that rotates, scales and deforms independently, in one resample.

    Parameters
    ----------
    rotate : mapping
        ``prob``, and ``degrees`` of RandomAffine.
    scale : mapping
        ``prob``, and ``scales`` of RandomAffine, one factor for all axes.
    elastic : mapping
        ``prob``, and ``one_of``: the arguments of RandomElasticDeformation, each as likely.
    """
    weights: dict[torchio.Transform, float] = {}
    for rotates, scales, deforms in product((True, False), repeat=3):
        weight = math.prod(
            effect["prob"] if takes_part else 1 - effect["prob"]
            for effect, takes_part in ((rotate, rotates), (scale, scales), (elastic, deforms))
        )
        affine = {
            "degrees": rotate["degrees"] if rotates else 0,
            "scales": tuple(scale["scales"]) if scales else (1, 1),
            "isotropic": True,
            "default_pad_value": 0,
        }
        if deforms:
            choices = [
                torchio.RandomAffineElasticDeformation(affine_kwargs=affine, elastic_kwargs=choice)
                for choice in elastic["one_of"]
            ]
        elif rotates or scales:
            choices = [torchio.RandomAffine(**affine)]
        else:
            choices = [torchio.Compose([])]
        weights.update(dict.fromkeys(choices, weight / len(choices)))
    return torchio.OneOf(weights)


def _elastic_choices(region: Region) -> list[Entry]:
    """Return the arguments of a deformation for each distance and each strength."""
    extent_mm = np.multiply(region.shape, region.spacing_mm)
    choices = []
    for distance_mm, std_mm in product(
        matched.middles(matched.ELASTIC_SPACING_MM), matched.middles(matched.ELASTIC_STD_MM)
    ):
        cells = np.maximum(extent_mm // distance_mm, 1).astype(int)
        # As in medaug.spatial.Elastic: what uniform control displacements must be for the s.d.
        amplitude_mm = std_mm * math.sqrt(3.0) / VARIANCE_FACTOR**1.5
        choices.append(
            {
                "num_control_points": (cells + _SPLINE_ORDER).tolist(),
                "max_displacement": np.minimum(amplitude_mm, extent_mm / cells / 2)
                .round(4)
                .tolist(),
                "locked_borders": 0,
            }
        )
    return choices


def _entry(name: str, **arguments: Any) -> Entry:
    return {"_target_": f"torchio.{name}", **arguments}
