"""Cases on disk that processes share."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from medaug.benchmark.cases.case_set import Case, CaseSet
from medaug.benchmark.cases.shared import open_shared_cases, write_shared_cases
from medaug.errors import InputError


@pytest.fixture
def case_set(rng: np.random.Generator) -> CaseSet:
    cases = tuple(
        Case(
            name=f"sub {number}/a",
            image=rng.normal(size=(2, 5, 6, 7 + number)).astype(np.float32),
            label=rng.integers(0, 3, (1, 5, 6, 7 + number), dtype=np.uint8),
            spacing_mm=(1 / 3, 0.1 + 0.2, 2.0),
            patient=f"p{number // 2}",
        )
        for number in range(3)
    )
    return CaseSet("some set", cases, ("core", "rim"), (2, 5), "abc")


def test_cases_come_back_as_they_were(tmp_path: Path, case_set: CaseSet) -> None:
    write_shared_cases(case_set, tmp_path / "new" / "cases")
    opened = open_shared_cases(tmp_path / "new" / "cases")
    for name in ("name", "classes", "label_values", "fingerprint"):
        assert getattr(opened, name) == getattr(case_set, name)
    for one, two in zip(opened.cases, case_set.cases, strict=True):
        assert (one.name, one.spacing_mm, one.patient) == (two.name, two.spacing_mm, two.patient)
        for array, expected in ((one.image, two.image), (one.label, two.label)):
            assert array.dtype == expected.dtype
            np.testing.assert_array_equal(array, expected)


def test_arrays_are_mapped_and_nothing_written_to_them_reaches_the_file(
    tmp_path: Path, case_set: CaseSet
) -> None:
    write_shared_cases(case_set, tmp_path)
    image = open_shared_cases(tmp_path).cases[0].image
    assert type(image) is np.ndarray
    assert isinstance(image.base, np.memmap)
    torch.from_numpy(image)[:] = 3  # without a warning
    again = open_shared_cases(tmp_path).cases[0].image
    np.testing.assert_array_equal(again, case_set.cases[0].image)


def test_the_same_cases_are_not_written_again_but_others_are(
    tmp_path: Path, case_set: CaseSet
) -> None:
    write_shared_cases(case_set, tmp_path)
    before = (tmp_path / "0-image.npy").stat().st_mtime_ns
    write_shared_cases(case_set, tmp_path)
    assert (tmp_path / "0-image.npy").stat().st_mtime_ns == before
    cases = (dataclasses.replace(case_set.cases[0], image=case_set.cases[0].image + 1),)
    other = dataclasses.replace(case_set, cases=cases, fingerprint="def")
    write_shared_cases(other, tmp_path)
    (opened,) = open_shared_cases(tmp_path).cases
    np.testing.assert_array_equal(opened.image, cases[0].image)


def test_half_written_cases_are_written_again(tmp_path: Path, case_set: CaseSet) -> None:
    write_shared_cases(case_set, tmp_path)
    (tmp_path / "cases.json").unlink()
    (tmp_path / "1-label.npy").write_bytes(b"half")
    with pytest.raises(InputError, match="cannot be read"):
        open_shared_cases(tmp_path)
    write_shared_cases(case_set, tmp_path)
    np.testing.assert_array_equal(
        open_shared_cases(tmp_path).cases[1].label, case_set.cases[1].label
    )


@pytest.mark.parametrize("damage", ["[]", '{"cases": [{}]}', "{"])
def test_a_broken_index_is_refused(tmp_path: Path, case_set: CaseSet, damage: str) -> None:
    write_shared_cases(case_set, tmp_path)
    (tmp_path / "cases.json").write_text(damage)
    with pytest.raises(InputError, match=r"continue the benchmark with --resume"):
        open_shared_cases(tmp_path)
