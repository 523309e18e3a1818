"""What may be written for a range."""

from __future__ import annotations

import numpy as np
import pytest

from medaug.ranges import parse_amounts, parse_axis_probabilities, parse_axis_ranges, parse_range


@pytest.mark.parametrize("number", [2, 2.0, np.float32(2), np.int64(2)])
def test_any_number_is_a_symmetric_range(number):
    assert parse_range("angle", number) == (-2, 2)
    assert parse_range("scale", number, centre=3.0) == (1, 5)
    assert parse_amounts("std", number) == (2, 2)
    assert parse_axis_ranges("angle", number) == ((-2, 2),) * 3


@pytest.mark.parametrize("pair", [(1, 3), [1, 3], np.array([1, 3])])
def test_a_pair_is_itself_and_holds_for_every_axis(pair):
    assert parse_range("angle", pair) == (1, 3)
    assert parse_axis_ranges("angle", pair) == ((1, 3),) * 3


def test_two_pairs_are_the_axes_of_a_plane():
    assert parse_axis_ranges("scale", [(1, 2), (3, 4)], centre=1.0) == ((1, 2), (3, 4), (1, 1))
    assert parse_axis_probabilities("flip", (0.5, 1)) == (0.5, 1, 0)


@pytest.mark.parametrize("parse", [parse_range, parse_amounts, parse_axis_ranges])
@pytest.mark.parametrize("wrong", [None, "wide", (1, 2, 3, 4), (2, 1), float("nan"), object()])
def test_what_is_no_range_is_refused_by_its_name(parse, wrong):
    with pytest.raises((TypeError, ValueError), match="angle"):
        parse("angle", wrong)
