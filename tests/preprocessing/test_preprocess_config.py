"""The shipped configurations, and settings that cannot be meant."""

from __future__ import annotations

import pytest

from medaug.errors import InputError
from medaug.preprocessing.config import Fixed, PreprocessConfig, load_config
from medaug.resources import configs_dir


def test_every_shipped_configuration_loads():
    shipped = sorted(path.stem for path in (configs_dir() / "preprocessing").glob("*.yaml"))
    assert shipped == ["brats", "ct", "default", "monai"]
    loaded = {name: load_config(name) for name in shipped}
    assert loaded["ct"].intensity.normalise == Fixed(subtract=-160, divide=400)
    assert loaded["monai"].remap_labels is None
    assert loaded["brats"].spacing_mm == "keep"


def test_the_default_file_states_the_defaults():
    assert load_config() == PreprocessConfig()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"orientation": "RAR"}, "--orientation: must have one letter of each of L/R, A/P and I/S"),
        ({"orientation": "ras"}, "--orientation: must have one letter of each"),
        ({"remap_labels": {0: 1}}, "0 is the background and must stay 0"),
        ({"remap_labels": {2: -1}}, "must not be negative"),
        ({"image_dtype": "int16"}, "image_dtype int16 would round the z-scores of 'intensity'"),
        ({"intensity": {"window": [3, 1]}}, "window must go from low to high"),
        ({"spacing_mm": [1, 1, 0]}, "--spacing-mm: input should be greater than 0"),
        ({"spacing_mm": "mean"}, "--spacing-mm: input should be 'median' or 'keep', not 'mean'"),
    ],
)
def test_what_cannot_be_meant_is_refused(options, message):
    with pytest.raises(InputError) as error:
        load_config(**options)
    assert message in str(error.value)


def test_an_unknown_configuration_lists_the_shipped_ones():
    with pytest.raises(InputError, match=r"mean 'brats'.*name one of brats, ct, default, monai"):
        load_config("brts")
