"""The caption of a copy says in words and numbers what was drawn."""

from __future__ import annotations

import numpy as np
import pytest
from monai.data import MetaTensor
from monai.transforms import RandFlipd

from medaug import transforms as t
from medaug.gallery.captions import describe
from medaug.policy import RandAugmentd
from medaug.rng import generator

BOTH = {"keys": ["image", "label"], "mode": ["linear", "vote"]}


def captions(transform, spacing=(1.0, 1.0, 1.0), seed=0):
    affine = np.diag([*spacing, 1.0])
    sample = {
        key: MetaTensor(np.arange(40**3, dtype=np.float32).reshape(1, 40, 40, 40), affine=affine)
        for key in ("image", "label")
    }
    record = transform.sample(sample, generator(seed))
    return list(describe(transform, record))


def turned(degrees):
    return {"rotate_degrees": [(0, 0), (0, 0), (degrees, degrees)]}


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0, 2.0, 3.0)])
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, []),
        (turned(12), ["rotated 12°"]),
        (turned(-30), ["rotated 30°"]),
        ({"scale": (1.25, 1.25)}, ["scaled 1.25"]),
        ({"scale": (0.8, 0.8)}, ["scaled 0.80"]),
        ({"flip_prob": (0, 1, 0)}, ["mirrored along J"]),
        ({"flip_prob": (1, 0, 1)}, ["mirrored along I, K"]),
        ({"flip_prob": (1, 1, 1), **turned(20)}, ["mirrored along I, J, K", "rotated 20°"]),
        ({"flip_prob": (1, 0, 0), "scale": (2, 2)}, ["mirrored along I", "scaled 2.00"]),
        (
            {"scale": [(2, 2), (1, 1), (1, 1)]},
            ["scaled 1.26", "stretched 2.00"],
        ),
    ],
)
def test_of_a_warp_in_millimetres(arguments, expected, spacing):
    assert captions(t.RandSpatiald(**BOTH, **arguments), spacing) == expected


def test_of_an_elastic_deformation():
    elastic = t.RandElasticd(**BOTH, elastic_spacing_mm=16, elastic_std_mm=2)
    (phrase,) = captions(elastic)
    millimetres = float(phrase.removeprefix("elastic to ").removesuffix(" mm"))
    assert 2 < millimetres < 10
    (weaker,) = captions(t.RandElasticd(**BOTH, elastic_spacing_mm=16, elastic_std_mm=1))
    # Not exactly: what would fold is split over several lattices, and what they do adds up.
    assert float(weaker[11:-3]) == pytest.approx(millimetres / 2, rel=0.15)


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (t.RandGammad("image", 1.0, gamma=(0.8, 0.8)), ["gamma 0.8"]),
        (t.RandGammad("image", 1.0, gamma=(2, 2), negate_prob=1.0), ["gamma 2, negated"]),
        (t.RandGaussianNoised("image", 1.0, std=(0.1, 0.1)), ["gaussian noise std 0.1"]),
        (t.RandGaussianNoised("image", 0.0, std=(0.1, 0.1)), []),
    ],
)
def test_of_intensities(transform, expected):
    assert captions(transform) == expected
    assert captions(t.FusedIntensity([transform, transform])) == expected * 2


def test_of_a_container_its_steps():
    space = [t.RandGammad("image", gamma=(3, 3))]
    container = RandAugmentd("image", "label", operations=2, magnitude=10, space=space)
    assert captions(container) == ["gamma 3", "gamma 3"]


def test_of_other_transforms_the_name():
    assert list(describe(RandFlipd("image"), None)) == ["RandFlipd"]
