"""What the tests of both containers share: samples, and each container as a configuration."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor

BOTH = ["image", "label"]
SHAPE = (36, 38, 34)  # control points of the elastic operation are up to 32 mm apart
KINDS = ["ndarray", "tensor", "metatensor"]

INNER = [
    {
        "_target_": "medaug.transforms.RandSpatiald",
        "keys": BOTH,
        "rotate_degrees": 20,
        "flip_prob": 0.5,
        "mode": ["linear", "vote"],
    },
    {
        "_target_": "medaug.transforms.RandCropd",
        "keys": BOTH,
        "spatial_size": 33,
        "method": "random",
    },
    {"_target_": "medaug.transforms.RandGammad", "keys": "image", "prob": 0.5},
    {"_target_": "medaug.transforms.RandGaussianNoised", "keys": "image", "std": [0.1, 0.3]},
]
RANDAUGMENT = {
    "_target_": "medaug.policy.RandAugmentd",
    "keys": "image",
    "label_keys": "label",
    "operations": 3,
    "magnitude": 8,
}
CURRICULUM = {
    "_target_": "medaug.policy.Curriculumd",
    "epochs": 10,
    "start": 0.8,
    "transforms": INNER,
}
NESTED = {**CURRICULUM, "transforms": [RANDAUGMENT, *INNER[1:]]}
CONFIGS = {"randaugment": RANDAUGMENT, "curriculum": CURRICULUM, "nested": NESTED}


def built(config: dict, **changed: Any) -> Any:
    """The container that a configuration describes, once it has been through JSON."""
    return ConfigParser({"it": json.loads(json.dumps({**config, **changed}))}).get_parsed_content(
        "it"
    )


def make_sample(kind: str = "metatensor", seed: int = 0, rank: int = 3) -> dict:
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(2, *SHAPE[:rank])).astype(np.float32)
    label = (rng.random((1, *SHAPE[:rank])) * 3).astype(np.uint8)
    affine = torch.diag(torch.tensor([1.0, 1.0, 1.2, 1.0], dtype=torch.float64))
    wrap = {
        "ndarray": lambda x: x,
        "tensor": torch.from_numpy,
        "metatensor": lambda x: MetaTensor(x, affine=affine, meta={"pixdim": np.ones(8)}),
    }[kind]
    return {"image": wrap(image), "label": wrap(label), "case": "one"}


def bits(sample: dict) -> tuple[bytes, ...]:
    return tuple(np.asarray(sample[key]).tobytes() for key in BOTH)


def notes_of(sample: dict, key: str) -> list[dict]:
    value = sample[key]
    return value.applied_operations if hasattr(value, "meta") else sample[f"{key}_transforms"]
