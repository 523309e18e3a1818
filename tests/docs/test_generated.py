"""What the extensions of the documentation make: pictures of transforms, and text from code."""

from __future__ import annotations

import sys
from io import BytesIO

import matplotlib.image
import numpy as np
import pytest
from conftest import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "docs" / "_extensions"))

import generated_text
import transform_pictures

from medaug.drawing import Plane
from medaug.geometry import Warp


def pixels(name: str) -> np.ndarray:
    return matplotlib.image.imread(BytesIO(transform_pictures.picture_png(name)))


@pytest.mark.parametrize("name", transform_pictures.pictured())
def test_a_picture_shows_that_something_happens(name):
    """Whatever stands beside the slice as it was: it looks different."""
    transform, in_hu = transform_pictures.example(name)
    before = transform_pictures._sample(0, in_hu=in_hu)
    after = transform.apply(before, transform_pictures._clearest(transform, before))
    one, other = (
        transform_pictures._plane(s).picture(np.asarray(s["image"][0])) for s in (before, after)
    )
    if one.shape == other.shape and not name.endswith(".Standardized"):
        assert np.abs(other - one).mean() > 0.02 * np.std(one)
    picture = pixels(name)
    opaque = picture[..., 3] > 0.5
    assert opaque.any(axis=0).sum() > picture.shape[0]


def test_the_picture_of_what_moves_has_a_third_panel_with_the_grid():
    flipped, noisy = (
        pixels(f"medaug.transforms.{name}") for name in ("RandFlipd", "RandGaussianNoised")
    )
    assert flipped.shape[1] > 1.4 * noisy.shape[1]
    third = flipped[:, 2 * flipped.shape[1] // 3 :, :3]
    assert ((third[..., 2] - third[..., 0]) > 0.3).mean() > 0.02  # the blue of the lines


@pytest.mark.parametrize("kind", generated_text.MODELS)
def test_every_key_of_a_configuration_is_described(kind):
    sections = generated_text.settings_text(kind).split("## ")[1:]
    for model, section in zip(generated_text.MODELS[kind], sections, strict=True):
        lines = {line.split("`")[1]: line for line in section.splitlines() if line[:1] == "`"}
        assert lines.keys() == model.model_fields.keys()
        for name, field in model.model_fields.items():
            assert lines[name].endswith("· required") == field.is_required()


def test_every_command_is_in_the_text():
    text = generated_text.command_line_text()
    for name in ("benchmark", "preprocess", "augment", "replay", "search"):
        assert f"`medaug {name}`" in text
    assert "--train-cases" in text


def test_the_shipped_policies_are_in_the_text():
    text = generated_text.policies_text()
    for file in (REPOSITORY / "configs" / "policies").glob("*.yaml"):
        assert file.read_text(encoding="utf-8").strip() in text


def test_a_grid_is_drawn_where_the_planes_of_the_input_cut_the_slice():
    from matplotlib.figure import Figure  # noqa: PLC0415  # only this test's

    axes = Figure().add_subplot()
    plane = Plane(np.eye(4), "axial", 4)
    transform_pictures.draw_grid(axes, Warp((40, 40, 8)), plane, [1.0, 1.0, 1.0])
    drawn = {
        tuple(np.unique(np.round(path.vertices[:, 0], 3)))
        for collection in axes.collections
        for path in collection.get_paths()
    }
    assert any(len(columns) == 1 for columns in drawn)  # straight lines
