"""Random numbers from a key and the place of a voxel, and so from nothing that happened before.

Philox4x32 turns a counter and a key into four words that pass all tests for randomness (Salmon,
Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", SC'11; seven rounds are
the fewest that do, by their table 2). Normal numbers are made of pairs of them (Box and Muller
1958, Annals of Mathematical Statistics 29(2)).
"""

from __future__ import annotations

import math

import numpy as np

from medaug.kernels.elementary import cos_sin_of_turn, log2
from medaug.kernels.jit import kernel
from medaug.kernels.registers import use_wide_registers

U = np.uintp  # unsigned indices: see medaug.kernels.gather
ROUNDS = 7
#: Numbers that are made together: four for each counter.
BLOCK = 2048
COUNTERS = BLOCK // 4

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_HALF = np.uint64(32)
_MINUS_TWO_LN_2 = np.float32(-2.0 * math.log(2.0))
_UNIT = np.float32(2.0**-24)


@kernel
def random_words(first, key0, key1, words):
    """Write the words, uint32 [4, n], of the counters ``first`` to ``first + n``.

    Parameters
    ----------
    first : int
        Below 2 ** 32.
    key0, key1 : uint32
    """
    use_wide_registers()
    for k in range(U(words.shape[1])):
        a, b = np.uint32(np.uint32(first) + np.uint32(k)), np.uint32(0)
        c, d = np.uint32(0), np.uint32(0)
        x, y = np.uint32(key0), np.uint32(key1)
        for _ in range(ROUNDS):
            p, q = np.uint64(a) * _M0, np.uint64(c) * _M1
            a, c = np.uint32(q >> _HALF) ^ b ^ x, np.uint32(p >> _HALF) ^ d ^ y
            b, d = np.uint32(q), np.uint32(p)
            x, y = np.uint32(x + _W0), np.uint32(y + _W1)
        words[0, k], words[1, k], words[2, k], words[3, k] = a, b, c, d


@kernel
def random_uniform(first, key0, key1, words, numbers):
    """Write uniform numbers in (0, 1), float32 [4 n], for the counters from ``first`` on."""
    use_wide_registers()
    random_words(first, key0, key1, words)
    n = U(words.shape[1])
    for h in range(U(4)):
        for k in range(n):
            whole = np.int32(words[h, k] >> np.uint32(8))
            numbers[h * n + k] = (np.float32(whole) + np.float32(0.5)) * _UNIT


@kernel
def random_normal(first, key0, key1, words, numbers):
    """Write standard normal numbers, float32 [4 n], for the counters from ``first`` on."""
    use_wide_registers()
    random_words(first, key0, key1, words)
    n = U(words.shape[1])
    for h in range(U(2)):
        one, other = U(2) * h * n, (U(2) * h + U(1)) * n
        for k in range(n):
            whole = np.int32(words[U(2) * h, k] >> np.uint32(8))
            turn = np.float32(np.int32(words[U(2) * h + U(1), k]) >> np.int32(8)) * _UNIT
            radius = np.sqrt(_MINUS_TWO_LN_2 * log2((np.float32(whole) + np.float32(0.5)) * _UNIT))
            x, y = cos_sin_of_turn(turn)
            numbers[one + k], numbers[other + k] = radius * x, radius * y
