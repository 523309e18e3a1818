"""Memory of large results is used again, but never while anybody looks at it."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import torch

from medaug import buffers

SHAPE = (3, 64, 64, 64)


@pytest.fixture(autouse=True)
def no_free_pieces(monkeypatch):
    monkeypatch.setattr(buffers, "_free", type(buffers._free)())


def address(array) -> int:
    return array.__array_interface__["data"][0]


def test_memory_is_used_again_once_an_array_is_gone():
    first = buffers.empty(SHAPE, np.float32)
    place = address(first)
    del first
    assert address(buffers.empty(SHAPE, np.float32)) == place


@pytest.mark.parametrize("hold", [lambda a: a[1], torch.from_numpy, lambda a: a.T])
def test_memory_that_is_looked_at_is_not_used_again(hold):
    first = buffers.empty(SHAPE, np.float32)
    place, held = address(first), hold(first)
    del first
    gc.collect()
    second = buffers.empty(SHAPE, np.float32)
    assert address(second) != place
    held[...] = 7
    second[...] = 0
    assert bool((held == 7).all())


def test_pieces_of_another_size_are_not_handed_out():
    buffers.empty(SHAPE, np.float32)  # gone at once
    assert len(buffers._free) == 1
    larger = buffers.empty((6, *SHAPE[1:]), np.float32)
    much_smaller = buffers.empty((1, *SHAPE[1:]), np.float32)
    for array in (larger, much_smaller):
        array[...] = 1  # would crash beyond the end of a piece
        assert array.base._memory.nbytes == array.nbytes


def test_no_more_than_two_pieces_are_kept():
    arrays = [buffers.empty(SHAPE, np.float32) for _ in range(5)]
    arrays.clear()
    gc.collect()
    assert len(buffers._free) == 2


def test_an_array_is_like_any_other():
    array = buffers.empty(SHAPE, np.uint16)
    assert (array.shape, array.dtype) == (SHAPE, np.uint16)
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert buffers.empty((2, 3), np.float32).shape == (2, 3)


def test_what_is_kept_can_be_given_back():
    first = buffers.empty(SHAPE, np.float32)
    del first
    assert len(buffers._free) == 1
    buffers.release()
    assert not buffers._free
