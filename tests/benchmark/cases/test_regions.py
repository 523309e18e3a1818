"""Regions: unions of classes, by label value or name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medaug.benchmark.cases.case_set import CaseSet
from medaug.benchmark.cases.regions import Region, make_regions
from medaug.errors import InputError

TUMOURS = CaseSet("tumours", (), ("necrosis", "oedema", "enhancing"), (1, 2, 4), "")


def test_without_definitions_each_class_is_a_region() -> None:
    assert make_regions(TUMOURS, None) == (
        Region("necrosis", (1,)),
        Region("oedema", (2,)),
        Region("enhancing", (3,)),
    )


def test_label_values_and_names_mean_class_indices_and_regions_may_overlap() -> None:
    regions = make_regions(
        TUMOURS, {"whole": [4, 2, 1], "core": ["necrosis", 4], "enhancing": ["enhancing", 4]}
    )
    assert regions == (
        Region("whole", (1, 2, 3)),
        Region("core", (1, 3)),
        Region("enhancing", (3,)),
    )


def test_a_mask_is_where_any_of_the_classes_is() -> None:
    label = np.array([0, 1, 2, 3, 3, 0], np.uint8)
    np.testing.assert_array_equal(Region("core", (1, 3)).mask(label), label % 2 == 1)


@pytest.mark.parametrize(
    ("definitions", "message"),
    [
        ({"core": [1, 3]}, r"'core' has 3, but .* 1 \(necrosis\), 2 \(oedema\), 4 \(enhancing\)"),
        ({"core": ["tumour"]}, "'core' has 'tumour', but the classes of tumours are"),
        ({"all": [0]}, "'all' has 0, but"),
        ({"core": [1], "none": []}, "'none' has no classes"),
    ],
)
def test_what_is_no_class_is_refused(definitions: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^regions: {message}"):
        make_regions(TUMOURS, definitions)
