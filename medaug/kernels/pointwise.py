"""A chain of pointwise changes in one pass: block by block, each change on a block in the cache.

``kinds`` int64 [changes] names them; ``numbers`` float32 [changes, 5], ``keys`` uint32 [changes, 2]
and ``tables`` float32 [changes, TABLE] are what each needs. :mod:`medaug.intensity.channel` lays a
chain out.
"""

from __future__ import annotations

import math

import numpy as np

from medaug.buffers import LINE_BYTES
from medaug.kernels.elementary import exp2, log2
from medaug.kernels.jit import kernel
from medaug.kernels.memory import prefetch
from medaug.kernels.random_bits import BLOCK, COUNTERS, random_normal, random_uniform
from medaug.kernels.registers import use_wide_registers
from medaug.kernels.stream import settle, stream_line

LINEAR, CLIP, POWER, CURVE, NORMAL, RICIAN, IMPULSES, FIELD = range(8)

U = np.uintp  # unsigned indices: see medaug.kernels.gather
#: Entries of a curve, or of the polynomial of a field, which needs 64.
TABLE = 1025
LARGEST = np.float32(np.finfo(np.float32).max)
SQUARED_IS_FINITE = np.float32(1e18)
LINE = LINE_BYTES // 4
PIECE = 512  # what is written past the caches at a time
LANES = 128  # extremes that are kept side by side
LOG2_E = np.float32(1.0 / math.log(2.0))


@kernel
def limit(v, low, high):
    """Return ``v`` cut to a range; what is not a number stays that."""
    v = low if v < low else v
    return high if v > high else v


@kernel
def apply_curve(block, n, curve, low, scale):
    """Send values through a curve, float32 [TABLE], which starts at ``low``; linear between."""
    use_wide_registers()
    last = np.float32(TABLE - 1)
    for k in range(U(n)):
        place = (block[k] - low) * scale
        if not np.isnan(place):
            place = limit(place, np.float32(0.0), last)
            below = min(np.floor(place), last - np.float32(1.0))
            m = U(np.int32(below))
            part = place - below
            block[k] = curve[m] + part * (curve[m + U(1)] - curve[m])


@kernel
def apply_field(block, n, start, shape, terms):
    """Multiply by ``e ** p`` of a polynomial ``p`` of the place, each axis from -1 to 1.

    ``terms`` float32 [64] are the factors of ``x ** i * y ** j * z ** k``, k fastest. Along a row
    they collapse to a polynomial of ``z``.
    """
    use_wide_registers()
    one = np.float32(1.0)
    step_i = np.float32(2.0 / max(shape[0] - 1, 1))
    step_j = np.float32(2.0 / max(shape[1] - 1, 1))
    step_k = np.float32(2.0 / max(shape[2] - 1, 1))
    done = 0
    while done < n:
        row, first = (start + done) // shape[2], (start + done) % shape[2]
        stop = min(n, done + shape[2] - first)
        x = np.float32(row // shape[1]) * step_i - one if shape[0] > 1 else np.float32(0.0)
        y = np.float32(row % shape[1]) * step_j - one if shape[1] > 1 else np.float32(0.0)
        c0, c1, c2, c3 = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
        for i in range(3, -1, -1):
            d0, d1, d2, d3 = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
            for j in range(3, -1, -1):
                m = U(16 * i + 4 * j)
                d0 = d0 * y + terms[m]
                d1 = d1 * y + terms[m + U(1)]
                d2 = d2 * y + terms[m + U(2)]
                d3 = d3 * y + terms[m + U(3)]
            c0, c1, c2, c3 = c0 * x + d0, c1 * x + d1, c2 * x + d2, c3 * x + d3
        c0, c1, c2, c3 = c0 * LOG2_E, c1 * LOG2_E, c2 * LOG2_E, c3 * LOG2_E
        begin = -one if shape[2] > 1 else np.float32(0.0)
        for k in range(U(done), U(stop)):
            z = begin + np.float32(np.int32(k) - np.int32(done) + np.int32(first)) * step_k
            block[k] *= exp2(c0 + z * (c1 + z * (c2 + z * c3)))
        done = stop


@kernel
def apply_change(kind, numbers, keys, table, start, shape, block, n, scratch):
    """Change the first ``n`` voxels of a block, which begins at voxel ``start``, in place."""
    use_wide_registers()
    a, b, c, d = numbers[0], numbers[1], numbers[2], numbers[3]
    words, random, more = scratch
    counter = start // 4
    if kind == LINEAR:
        for k in range(U(n)):
            block[k] = a * block[k] + b
    elif kind == CLIP:
        for k in range(U(n)):
            block[k] = limit(block[k], a, b)
    elif kind == POWER:
        exponent, zero, one = numbers[4], np.float32(0.0), np.float32(1.0)
        for k in range(U(n)):
            v = limit(a * block[k] + b, zero, one)
            block[k] = v if np.isnan(v) else c * exp2(exponent * log2(v)) + d
    elif kind == CURVE:
        apply_curve(block, n, table, a, b)
    elif kind == NORMAL:
        random_normal(counter, keys[0], keys[1], words, random)
        for k in range(U(n)):
            block[k] += a * random[k]
    elif kind == RICIAN:
        random_normal(counter, keys[0], keys[1], words, random)
        random_normal(counter, keys[0], keys[1] ^ np.uint32(0x80000000), words, more)
        for k in range(U(n)):
            real, imaginary = block[k] - b + (c + a * random[k]), c + a * more[k]
            largest = max(abs(real), abs(imaginary))
            magnitude = np.sqrt(real * real + imaginary * imaginary)
            block[k] = (magnitude if largest < SQUARED_IS_FINITE else largest) + b
    elif kind == IMPULSES:
        random_uniform(counter, keys[0], keys[1], words, random)
        for k in range(U(n)):
            v = c if random[k] < a else block[k]
            block[k] = d if random[k] > np.float32(1.0) - b else v
    elif kind == FIELD:
        apply_field(block, n, start, shape, table)


@kernel
def add_sums(block, shift, moments):
    """Add a block to ``moments``, float64 [3]: count, and sums of ``v`` and its square.

    The sums are of what is above ``shift``, so that a large mean costs no digits. What is not
    finite does not count.
    """
    use_wide_registers()
    zero = np.float32(0.0)
    count, total, squares = np.int32(0), zero, zero
    for k in range(U(BLOCK)):
        counts = abs(block[k]) <= LARGEST
        beyond = block[k] - shift if counts else zero
        count += np.int32(counts)
        total += beyond
        squares += beyond * beyond
    moments[0] += count
    moments[1] += total
    moments[2] += squares


@kernel
def widen_extremes(block, extremes):
    """Widen ``extremes``, float32 [2, LANES], by a block; what is not finite does not count.

    Lane by lane, because LLVM reduces no minimum where there may be NaN.
    """
    use_wide_registers()
    for begin in range(U(0), U(BLOCK), U(LANES)):
        for lane in range(U(LANES)):
            v = block[begin + lane]
            counts = abs(v) <= LARGEST
            low, high = (v, v) if counts else (LARGEST, -LARGEST)
            extremes[0, lane] = min(extremes[0, lane], low)
            extremes[1, lane] = max(extremes[1, lane], high)


@kernel
def keep_outside(source, mask, first, block, counted, n):
    """Take back what lies outside the mask, and copy to ``counted`` what lies inside."""
    use_wide_registers()
    nothing = np.float32(np.nan)
    for k in range(U(n)):
        v = block[k]
        counted[k] = v if mask[first + k] != 0 else nothing
    for k in range(U(n)):
        v, before = block[k], source[first + k]
        block[k] = v if mask[first + k] != 0 else before


@kernel
def scale_voxels(source, factor, offset, past, out):
    """Fill ``out`` with ``factor * v + offset``: what no other change goes with needs no block."""
    use_wide_registers()
    whole = source.shape[0] - source.shape[0] % PIECE if past else 0
    piece = np.empty(PIECE, np.float32)
    for start in range(0, whole, PIECE):
        first = U(start)
        for k in range(U(PIECE)):
            piece[k] = factor * source[first + k] + offset
        for k in range(U(0), U(PIECE), U(LINE)):
            prefetch(source, first + U(4 * PIECE) + k)
            stream_line(piece, k, out, first + k)
    for k in range(U(whole), U(source.shape[0])):
        out[k] = factor * source[k] + offset
    if past:
        settle()


@kernel
def change_voxels(source, mask, shape, kinds, numbers, keys, tables, shift, widen, past, out):
    """Run a chain over a channel; return float64 [5]: count, both sums of moments, extremes.

    Parameters
    ----------
    source : float32 [n]
    mask : uint8 [n] or [0]
        The voxels that change and count; all, if it is empty.
    shape : tuple of 3 ints
        Whose product is n.
    kinds, numbers, keys, tables
        See the head of this file. Without any change ``out`` is not written.
    shift : float32 or NaN
        See :func:`add_sums`; NaN: no moments are wanted.
    widen : bool
        Whether the extremes are wanted.
    past : bool
        Write past the caches, see :func:`medaug.kernels.stream.can_stream`.
    out : float32 [n]
        May be ``source``.
    """
    use_wide_registers()
    masked, alone = mask.shape[0] > 0, kinds.shape[0] == 1 and np.isnan(shift) and not widen
    if alone and not masked and kinds[0] == LINEAR:
        scale_voxels(source, numbers[0, 0], numbers[0, 1], past, out)
        return np.zeros(5)
    block = np.empty(BLOCK, np.float32)
    counted = np.empty(BLOCK, np.float32) if masked else block
    scratch = (
        np.empty((4, COUNTERS), np.uint32),
        np.empty(BLOCK, np.float32),
        np.empty(BLOCK, np.float32),
    )
    moments = np.zeros(5)
    extremes = np.empty((2, LANES), np.float32)
    extremes[0], extremes[1] = LARGEST, -LARGEST
    for start in range(0, source.shape[0], BLOCK):
        n = min(BLOCK, source.shape[0] - start)
        first = U(start)
        for k in range(U(n)):
            block[k] = source[first + k]
        for s in range(kinds.shape[0]):
            apply_change(kinds[s], numbers[s], keys[s], tables[s], start, shape, block, n, scratch)
        if masked:
            keep_outside(source, mask, first, block, counted, n)
        if past and n == BLOCK:
            for k in range(U(0), U(BLOCK), U(LINE)):
                prefetch(source, first + U(BLOCK) + k)
                stream_line(block, k, out, first + k)
        elif kinds.shape[0] > 0:
            for k in range(U(n)):
                out[first + k] = block[k]
        for k in range(U(n), U(BLOCK)):
            counted[k] = np.nan
        if not np.isnan(shift):
            add_sums(counted, shift, moments)
        if widen:
            widen_extremes(counted, extremes)
    if past:
        settle()
    moments[3], moments[4] = extremes[0].min(), extremes[1].max()
    return moments
