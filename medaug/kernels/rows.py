"""Input coordinates of the output rows of a tile.

A row is all output voxels (i, j, 0..n). The head of a chain, a lattice if any and an affine map,
has a closed form along a row; the stages behind it change the row in place. What is written stays
in the second-level cache until all arrays of a sample have been read by it.
``medaug.resample.chain`` lays a chain out.

What runs once a row gets plain arrays and makes no views: numba counts references to each view,
and at 16,000 rows that showed.
"""

from __future__ import annotations

import numpy as np

from medaug.kernels.jit import kernel

AFFINE, LATTICE, LATTICE_INVERSE = 0, 1, 2
LATTICE_MARGIN = 3  # copies of the outermost control points around a lattice of the tail

U = np.uintp  # unsigned indices: see medaug.kernels.gather

INVERSE_STEPS = 40  # not imported: the cache of compiled kernels follows these files alone
INVERSE_TOLERANCE = np.float32(1e-4)


@kernel
def bspline_weights(t):
    """Return the four cubic B-spline weights at ``t`` in [0, 1) of a cell."""
    sixth = np.float32(1.0 / 6.0)
    one = np.float32(1.0)
    s = one - t
    t2 = t * t
    t3 = t2 * t
    w0 = s * s * s * sixth
    w3 = t3 * sixth
    w1 = np.float32(0.5) * t3 - t2 + np.float32(2.0 / 3.0)
    w2 = one - w0 - w1 - w3
    return w0, w1, w2, w3


@kernel
def collapse_to_plane(control, first, weights, i, plane):
    """Sum the lattice over its first axis with the weights of the rows (i, ...)."""
    a, w0, w1, w2, w3 = first[i], weights[0, i], weights[1, i], weights[2, i], weights[3, i]
    for q in range(control.shape[1]):
        for m in range(control.shape[2]):
            for axis in range(3):
                plane[q, m, axis] = (
                    w0 * control[a, q, m, axis] + w1 * control[a + 1, q, m, axis]
                ) + (w2 * control[a + 2, q, m, axis] + w3 * control[a + 3, q, m, axis])


@kernel
def collapse_to_line(plane, first, weights, j, line):
    """Sum a plane of the lattice over its first axis with the weights of the row (i, j)."""
    b, w0, w1, w2, w3 = first[j], weights[0, j], weights[1, j], weights[2, j], weights[3, j]
    for m in range(plane.shape[1]):
        for axis in range(3):
            line[m, axis] = (w0 * plane[b, m, axis] + w1 * plane[b + 1, m, axis]) + (
                w2 * plane[b + 2, m, axis] + w3 * plane[b + 3, m, axis]
            )


@kernel
def straight_row(matrix, i, j, xyz, r):
    """Write the image of a grid row under an affine map."""
    for axis in range(3):
        start = np.float32(matrix[axis, 0] * i + matrix[axis, 1] * j + matrix[axis, 3])
        step = np.float32(matrix[axis, 2])
        for k in range(U(xyz.shape[2])):
            xyz[r, axis, k] = start + step * np.float32(k)


@kernel
def bend_row(line, first, weights, runs, xyz, r):
    """Add the spline along a row, run by run of the voxels between the same control points."""
    for s in range(runs.shape[0] - 1):
        m = U(first[runs[s]])
        x0, x1, x2, x3 = line[m, 0], line[m + U(1), 0], line[m + U(2), 0], line[m + U(3), 0]
        y0, y1, y2, y3 = line[m, 1], line[m + U(1), 1], line[m + U(2), 1], line[m + U(3), 1]
        z0, z1, z2, z3 = line[m, 2], line[m + U(1), 2], line[m + U(2), 2], line[m + U(3), 2]
        for k in range(U(runs[s]), U(runs[s + 1])):
            w0, w1, w2, w3 = weights[0, k], weights[1, k], weights[2, k], weights[3, k]
            xyz[r, 0, k] += (w0 * x0 + w1 * x1) + (w2 * x2 + w3 * x3)
            xyz[r, 1, k] += (w0 * y0 + w1 * y1) + (w2 * y2 + w3 * y3)
            xyz[r, 2, k] += (w0 * z0 + w1 * z1) + (w2 * z2 + w3 * z3)


@kernel
def axis_cells(points, axis, origin, inverse_spacing, size, cells, weights):
    """Write the first control point around each point, margin included, and the four weights.

    Beyond the margin all control points are equal, so the cell stops there.
    """
    for k in range(U(points.shape[1])):
        position = (points[axis, k] - origin) * inverse_spacing
        position = min(max(position, np.float32(-2.0)), np.float32(size))
        cell = np.floor(position)
        cells[axis, k] = np.int32(cell) + np.int32(2)
        w0, w1, w2, w3 = bspline_weights(position - cell)
        weights[axis, 0, k], weights[axis, 1, k] = w0, w1
        weights[axis, 2, k], weights[axis, 3, k] = w2, w3


@kernel
def lattice_row(lattice, points, scratch, moves):
    """Write the displacements, float32 [3, n], at ``points`` [3, n], which may lie anywhere.

    The four control points along the last axis lie side by side, 16 numbers that one or two
    registers hold; so all 64 take 16 steps. Weights come first, because they fill registers too.
    """
    control, first, shape, origin, inverse_spacing = lattice
    cells, weights, line = scratch
    for axis in range(3):
        axis_cells(points, axis, origin[axis], inverse_spacing[axis], shape[axis], cells, weights)
    step_j = U(4) * (U(shape[2]) + U(2 * LATTICE_MARGIN))
    step_i = step_j * (U(shape[1]) + U(2 * LATTICE_MARGIN))
    p, q, r = step_j, U(2) * step_j, U(3) * step_j
    for k in range(U(points.shape[1])):
        o0 = U(first) + U(cells[0, k]) * step_i + U(cells[1, k]) * step_j + U(4) * U(cells[2, k])
        o1, o2, o3 = o0 + step_i, o0 + U(2) * step_i, o0 + U(3) * step_i
        a0, a1, a2, a3 = weights[0, 0, k], weights[0, 1, k], weights[0, 2, k], weights[0, 3, k]
        b0, b1, b2, b3 = weights[1, 0, k], weights[1, 1, k], weights[1, 2, k], weights[1, 3, k]
        c0, c1, c2, c3 = weights[2, 0, k], weights[2, 1, k], weights[2, 2, k], weights[2, 3, k]
        for m in range(U(16)):
            s0 = (b0 * control[o0 + m] + b1 * control[o0 + p + m]) + (
                b2 * control[o0 + q + m] + b3 * control[o0 + r + m]
            )
            s1 = (b0 * control[o1 + m] + b1 * control[o1 + p + m]) + (
                b2 * control[o1 + q + m] + b3 * control[o1 + r + m]
            )
            s2 = (b0 * control[o2 + m] + b1 * control[o2 + p + m]) + (
                b2 * control[o2 + q + m] + b3 * control[o2 + r + m]
            )
            s3 = (b0 * control[o3 + m] + b1 * control[o3 + p + m]) + (
                b2 * control[o3 + q + m] + b3 * control[o3 + r + m]
            )
            line[m] = (a0 * s0 + a1 * s1) + (a2 * s2 + a3 * s3)
        moves[0, k] = (c0 * line[0] + c1 * line[4]) + (c2 * line[8] + c3 * line[12])
        moves[1, k] = (c0 * line[1] + c1 * line[5]) + (c2 * line[9] + c3 * line[13])
        moves[2, k] = (c0 * line[2] + c1 * line[6]) + (c2 * line[10] + c3 * line[14])


@kernel
def add_lattice(lattice, scratch, points, moves, xyz, r):
    """Displace a row that may lie anywhere."""
    for axis in range(3):
        for k in range(U(xyz.shape[2])):
            points[axis, k] = xyz[r, axis, k]
    lattice_row(lattice, points, scratch, moves)
    for axis in range(3):
        for k in range(U(xyz.shape[2])):
            xyz[r, axis, k] += moves[axis, k]


@kernel
def undo_lattice(lattice, scratch, points, moves, xyz, r):
    """Replace each point ``y`` by the ``x`` with ``x + u(x) = y``, by fixed-point iteration.

    ``moves`` holds the displacements of the row before: the first guess.
    """
    for _ in range(INVERSE_STEPS):
        for axis in range(3):
            for k in range(U(xyz.shape[2])):
                points[axis, k] = xyz[r, axis, k] - moves[axis, k]
        lattice_row(lattice, points, scratch, moves)
        miss = np.float32(0.0)
        for axis in range(3):
            for k in range(U(xyz.shape[2])):
                miss = max(miss, abs(points[axis, k] + moves[axis, k] - xyz[r, axis, k]))
        if miss < INVERSE_TOLERANCE:
            break
    for axis in range(3):
        for k in range(U(xyz.shape[2])):
            xyz[r, axis, k] -= moves[axis, k]


@kernel
def apply_affine(matrix, xyz, r):
    """Map the row by ``matrix`` [3, 4]."""
    m00, m01, m02, m03 = matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3]
    m10, m11, m12, m13 = matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3]
    m20, m21, m22, m23 = matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3]
    for k in range(U(xyz.shape[2])):
        a, b, c = xyz[r, 0, k], xyz[r, 1, k], xyz[r, 2, k]
        xyz[r, 0, k] = m00 * a + m01 * b + m02 * c + m03
        xyz[r, 1, k] = m10 * a + m11 * b + m12 * c + m13
        xyz[r, 2, k] = m20 * a + m21 * b + m22 * c + m23


@kernel
def move_tile(tail, xyz, rows):
    """Send the first ``rows`` rows through the stages behind the head, in place."""
    kinds, matrices, controls, firsts, shapes, origins, inverse_spacings = tail
    n = xyz.shape[2]
    scratch = np.empty((3, n), np.int32), np.empty((3, 4, n), np.float32), np.empty(16, np.float32)
    points, moves = np.empty((3, n), np.float32), np.empty((3, n), np.float32)
    for s in range(kinds.shape[0]):
        lattice = (controls, firsts[s], shapes[s], origins[s], inverse_spacings[s])
        moves[:] = np.float32(0.0)
        for r in range(rows):
            if kinds[s] == AFFINE:
                apply_affine(matrices[s], xyz, r)
            elif kinds[s] == LATTICE:
                add_lattice(lattice, scratch, points, moves, xyz, r)
            else:
                undo_lattice(lattice, scratch, points, moves, xyz, r)


@kernel
def map_tile(head, tail, tile, xyz):
    """Write the input coordinates of the rows of a tile.

    Parameters
    ----------
    head, tail : tuples of arrays
        See :mod:`medaug.resample.chain`.
    tile : tuple of 4 ints
        Rows ``(i, j)`` from ``i_start`` up to ``i_stop`` and ``j_start`` up to ``j_stop``.
    xyz : float32 [at least rows, 3, n]
    """
    matrix, control, first_i, first_j, first_k, weights_i, weights_j, weights_k, runs = head
    i_start, i_stop, j_start, j_stop = tile
    bent = control.size > 0
    plane = np.empty(control.shape[1:], np.float32)
    line = np.empty(control.shape[2:], np.float32)
    r = 0
    for i in range(i_start, i_stop):
        if bent:
            collapse_to_plane(control, first_i, weights_i, i, plane)
        for j in range(j_start, j_stop):
            straight_row(matrix, i, j, xyz, r)
            if bent:
                collapse_to_line(plane, first_j, weights_j, j, line)
                bend_row(line, first_k, weights_k, runs, xyz, r)
            r += 1
    if tail[0].size > 0:
        move_tile(tail, xyz, r)
