"""Intensity transforms and whole policies against the peers that offer the same."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from medaug.policy import load_policy, policy_path
from medaug.transforms import (
    FusedIntensity,
    RandBiasFieldd,
    RandContrastd,
    RandGammad,
    RandGaussianBlurd,
    RandGaussianNoised,
    RandIntensityScaled,
    RandLowResolutiond,
    RandRicianNoised,
)
from speed import nnunet
from speed.contestants import Call
from speed.duels import Duel, Outcome, run_duels
from speed.workload import ELASTIC_MM, SPACING_MM, Workload

NOISE_STD, GAMMA, CONTRAST, SIGMA = (0.05, 0.1), (0.7, 1.5), (0.75, 1.25), (0.5, 1.0)
#: Draws of a policy for each turn of the others.
POLICY_TURNS = 200 / 15


def run(workload: Workload, turns: int) -> list[Outcome]:
    """Run every duel whose peer is installed."""
    return run_duels(DUELS, workload, turns)


def _patch(workload: Workload) -> torch.Tensor:
    return torch.from_numpy(Workload(workload.patch, workload.patch, workload.channels).image())


def _ours(transform: Any) -> Callable[[Workload], Call]:
    """Return what builds the call of a transform on the key ``image``."""

    def build(workload: Workload) -> Call:
        sample = {"image": _patch(workload)}
        transform.set_random_state(seed=0)
        return lambda: transform(sample)

    return build


def _batchgenerators(module: str, name: str, *arguments: Any, **named: Any) -> Any:
    """Return what builds the call of a transform of batchgeneratorsv2, which works in place."""

    def build(workload: Workload) -> Call | None:
        if not find_spec("batchgeneratorsv2"):
            return None
        cls = getattr(import_module(f"batchgeneratorsv2.transforms.{module}"), name)
        transform, image = cls(*arguments, **named), _patch(workload)
        return lambda: transform(image=image)

    return build


def _monai(name: str, **arguments: Any) -> Callable[[Workload], Call]:
    """Return what builds the call of a transform of MONAI."""

    def build(workload: Workload) -> Call:
        import monai.transforms

        image = _patch(workload)
        transform = getattr(monai.transforms, name)(prob=1.0, **arguments)
        transform.set_random_state(seed=0)
        return lambda: transform(image)

    return build


def _duels(work: str, goal: float, ours: Any, **others: Any) -> list[Duel]:
    """Return the duels of one transform with each peer that offers it."""
    return [
        Duel(work, "medaug", peer, lambda w, other=other: (_ours(ours)(w), other(w)), goal)
        for peer, other in others.items()
    ]


def _chain() -> Any:
    image = {"keys": "image", "per_channel": True}
    return FusedIntensity(
        [
            RandIntensityScaled(**image, factor=CONTRAST),
            RandContrastd(**image, factor=CONTRAST, keep_range="clip"),
            RandGammad(**image, gamma=GAMMA, keep_range="clip"),
        ]
    )


def _chain_of_batchgenerators(workload: Workload) -> Call | None:
    if not find_spec("batchgeneratorsv2"):
        return None
    from batchgeneratorsv2.transforms.intensity.brightness import (
        MultiplicativeBrightnessTransform,
    )
    from batchgeneratorsv2.transforms.intensity.contrast import ContrastTransform
    from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform

    brightness = MultiplicativeBrightnessTransform(CONTRAST, False, 1)
    contrast = ContrastTransform(CONTRAST, True, False, 1)
    gamma = GammaTransform(GAMMA, 0, False, 1, 0)
    image = _patch(workload)

    def call() -> torch.Tensor:
        low, high = torch.aminmax(image)
        changed = gamma(**contrast(**brightness(image=image)))["image"]
        return changed.clamp_(low, high)

    return call


def _policy_with_elastic(patch: Sequence[int], elastic_prob: float) -> Any:
    """Return the policy ``nnunet``; its file as it ships, but for the elastic part."""
    entries = yaml.safe_load(policy_path("nnunet").read_text(encoding="utf-8"))
    entries[0] |= {
        "elastic_prob": elastic_prob,
        "elastic_std_mm": ELASTIC_MM,
        "elastic_spacing_mm": min(SPACING_MM, *patch),  # the quick patch is smaller
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "nnunet.yaml")
        path.write_text(yaml.safe_dump(entries), encoding="utf-8")
        return load_policy(path, spatial_size=patch)


def _policy(elastic_prob: float) -> Callable[[Workload], tuple[Call, Call | None]]:
    """Return what builds the ``nnunet`` policy and nnU-Net's own pipeline, on crops."""

    def build(workload: Workload) -> tuple[Call, Call | None]:
        patch = workload.patch
        crop = Workload(nnunet.crop_shape(patch), patch, workload.channels)
        sample = crop.sample()
        ours = _policy_with_elastic(patch, elastic_prob).set_random_state(seed=0)
        theirs: Call | None = None
        if find_spec("batchgeneratorsv2"):
            from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms

            pipeline = ComposeTransforms(nnunet.steps(patch, elastic_prob))
            labels = sample["label"].to(torch.int16)  # what nnU-Net hands it
            torch.manual_seed(0)
            np.random.seed(0)  # noqa: NPY002  # what batchgeneratorsv2 draws from

            def theirs() -> Any:
                return pipeline(image=sample["image"], segmentation=labels)

        return lambda: ours(sample), theirs

    return build


DUELS: Sequence[Duel] = (
    *_duels(
        "Gaussian noise",
        3,
        RandGaussianNoised("image", std=NOISE_STD),
        batchgeneratorsv2=_batchgenerators(
            "intensity.gaussian_noise", "GaussianNoiseTransform", NOISE_STD, 1, True
        ),
        MONAI=_monai("RandGaussianNoise", std=NOISE_STD[1]),
    ),
    *_duels(
        "Gaussian blur, sigma 0.5 to 1",
        4,
        RandGaussianBlurd("image", sigma_voxels=SIGMA, per_channel=True),
        batchgeneratorsv2=_batchgenerators(
            "noise.gaussian_blur", "GaussianBlurTransform", SIGMA, False, False, 1, benchmark=True
        ),
        MONAI=_monai("RandGaussianSmooth", sigma_x=SIGMA, sigma_y=SIGMA, sigma_z=SIGMA),
    ),
    *_duels(
        "gamma, mean and s.d. kept",
        3,
        RandGammad("image", gamma=GAMMA, keep_stats=True, per_channel=True),
        batchgeneratorsv2=_batchgenerators(
            "intensity.gamma", "GammaTransform", GAMMA, 0, False, 1, 1
        ),
        MONAI=_monai("RandAdjustContrast", gamma=GAMMA, retain_stats=True),
    ),
    Duel(
        "brightness + contrast + gamma + clip as one chain",
        "medaug",
        "batchgeneratorsv2",
        lambda w: (_ours(_chain())(w), _chain_of_batchgenerators(w)),
        5,
    ),
    *_duels(
        "low resolution",
        2,
        RandLowResolutiond("image", factor=(0.5, 1), per_channel=True),
        batchgeneratorsv2=_batchgenerators(
            "spatial.low_resolution",
            "SimulateLowResolutionTransform",
            (0.5, 1),
            False,
            True,
            None,
            None,
            1,
        ),
        MONAI=_monai("RandSimulateLowResolution", zoom_range=(0.5, 1.0)),
    ),
    *_duels("bias field", 5, RandBiasFieldd("image"), MONAI=_monai("RandBiasField")),
    *_duels(
        "Rician noise",
        5,
        RandRicianNoised("image", std=NOISE_STD),
        batchgeneratorsv2=_batchgenerators("noise.rician", "RicianNoiseTransform", NOISE_STD),
        MONAI=_monai("RandRicianNoise", std=NOISE_STD[1]),
    ),
    Duel(
        "the policy `nnunet`, 200 samples",
        "medaug",
        "nnU-Net's pipeline",
        _policy(0.0),
        5,
        turns=POLICY_TURNS,
        by_mean=True,
    ),
    Duel(
        "the same with elastic in 0.2 of them",
        "medaug",
        "nnU-Net's pipeline",
        _policy(0.2),
        8,
        turns=POLICY_TURNS,
        by_mean=True,
    ),
)
