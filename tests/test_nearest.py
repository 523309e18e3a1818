"""What is suggested in place of a word that is not known."""

import pytest

from medaug.nearest import did_you_mean, nearest

SETTINGS = ["prob", "rotate_degrees", "rotate_prob", "Translate_mm", "scale"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("rotate", "rotate_degrees"),  # though rotate_prob is more like it
        ("rotate_prb", "rotate_prob"),
        ("TRANSLATE", "Translate_mm"),
        ("scal", "scale"),
        ("xyzzy", None),
        ("", None),
    ],
)
def test_the_nearest_word(word, meant):
    assert nearest(word, SETTINGS) == meant
    assert did_you_mean(word, SETTINGS) == (f" (did you mean {meant!r}?)" if meant else "")


def test_of_words_that_differ_in_capitals_the_first_counts():
    assert nearest("gama", ["Gamma", "gamma"]) == "Gamma"
