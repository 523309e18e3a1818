"""Input coordinates of one output row.

A row is all output voxels (i, j, 0..n). Its coordinates ``x``, ``y``, ``z`` are float32 [n]
and stay in the first-level cache. The head of a chain, a lattice if any and an affine map, has a
closed form along a row; the stages behind it change the row in place. ``medaug.resample.chain``
says how a chain is laid out.
"""

from __future__ import annotations

import numpy as np

from medaug.kernels.jit import kernel

AFFINE, LATTICE, LATTICE_INVERSE = 0, 1, 2

INVERSE_STEPS = 40
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
def cell_of(x, origin, inverse_spacing):
    """Return the lattice cell that ``x`` lies in and the position within it, in [0, 1)."""
    position = (x - origin) * inverse_spacing
    cell = np.floor(position)
    return np.int64(cell), np.float32(position - cell)


@kernel
def clamped(index, size):
    """Return the nearest index inside ``range(size)``."""
    return min(max(index, 0), size - 1)


@kernel
def row_table(head, n):
    """Return what all rows share of the lattice in the head, and scratch space.

    Returns
    -------
    edges : int64 [cells + 1]
        The first voxel of each lattice cell along the row.
    cells : int64 [cells]
        The lattice cell between two edges.
    within : float32 [n]
        The position of each voxel in its cell.
    plane, line : float32 [3, M, N], [3, N]
        Scratch for the lattice summed over its first axis, and over its first two.
    """
    _, control, origin, inverse_spacing = head
    within = np.empty(n, np.float32)
    edges, cells = np.empty(n + 1, np.int64), np.empty(n, np.int64)
    count = 0
    for k in range(n):
        cell, within[k] = cell_of(np.float64(k), origin[2], inverse_spacing[2])
        if count == 0 or cell != cells[count - 1]:
            cells[count], edges[count] = cell, k
            count += 1
    edges[count] = n
    plane = np.empty((3, control.shape[2], control.shape[3]), np.float32)
    return edges[: count + 1], cells[:count], within, plane, np.empty_like(plane[:, 0])


@kernel
def collapse_to_plane(control, origin, inverse_spacing, i, plane):
    """Sum the lattice over its first axis with the weights of the rows (i, ...)."""
    cell, t = cell_of(np.float64(i), origin[0], inverse_spacing[0])
    w0, w1, w2, w3 = bspline_weights(t)
    size = control.shape[1]
    i0, i1 = clamped(cell - 1, size), clamped(cell, size)
    i2, i3 = clamped(cell + 1, size), clamped(cell + 2, size)
    for axis in range(3):
        for j in range(control.shape[2]):
            for m in range(control.shape[3]):
                plane[axis, j, m] = (
                    w0 * control[axis, i0, j, m]
                    + w1 * control[axis, i1, j, m]
                    + w2 * control[axis, i2, j, m]
                    + w3 * control[axis, i3, j, m]
                )


@kernel
def collapse_to_line(plane, origin, inverse_spacing, j, line):
    """Sum the plane over its first axis with the weights of the row (..., j)."""
    cell, t = cell_of(np.float64(j), origin[1], inverse_spacing[1])
    w0, w1, w2, w3 = bspline_weights(t)
    size = plane.shape[1]
    j0, j1 = clamped(cell - 1, size), clamped(cell, size)
    j2, j3 = clamped(cell + 1, size), clamped(cell + 2, size)
    for axis in range(3):
        for m in range(plane.shape[2]):
            line[axis, m] = (
                w0 * plane[axis, j0, m]
                + w1 * plane[axis, j1, m]
                + w2 * plane[axis, j2, m]
                + w3 * plane[axis, j3, m]
            )


@kernel
def cell_cubic(line, cell):
    """Return the spline on one cell as the coefficients of a cubic in the position within it."""
    size = line.shape[0]
    c0, c1 = line[clamped(cell - 1, size)], line[clamped(cell, size)]
    c2, c3 = line[clamped(cell + 1, size)], line[clamped(cell + 2, size)]
    half, sixth = np.float32(0.5), np.float32(1.0 / 6.0)
    two, three, four = np.float32(2.0), np.float32(3.0), np.float32(4.0)
    constant = (c0 + four * c1 + c2) * sixth
    return (
        constant,
        (c2 - c0) * half,
        (c0 - two * c1 + c2) * half,
        (c3 - c0 + three * (c1 - c2)) * sixth,
    )


@kernel
def straight_row(matrix, i, j, x, y, z, n):
    """Write the affine image of the row: it is straight and evenly spaced."""
    x0, dx = (
        np.float32(matrix[0, 0] * i + matrix[0, 1] * j + matrix[0, 3]),
        np.float32(matrix[0, 2]),
    )
    y0, dy = (
        np.float32(matrix[1, 0] * i + matrix[1, 1] * j + matrix[1, 3]),
        np.float32(matrix[1, 2]),
    )
    z0, dz = (
        np.float32(matrix[2, 0] * i + matrix[2, 1] * j + matrix[2, 3]),
        np.float32(matrix[2, 2]),
    )
    for k in range(n):
        step = np.float32(k)
        x[k] = x0 + dx * step
        y[k] = y0 + dy * step
        z[k] = z0 + dz * step


@kernel
def add_cubic(matrix_row, a, b, c, within, start, stop, out):
    """Add one row of the matrix times the displacement, a cubic on the cell ``start`` to ``stop``.

    ``a``, ``b``, ``c`` are the coefficients of the displacement along the three axes.
    """
    m0, m1 = np.float32(matrix_row[0]), np.float32(matrix_row[1])
    m2 = np.float32(matrix_row[2])
    c0 = m0 * a[0] + m1 * b[0] + m2 * c[0]
    c1 = m0 * a[1] + m1 * b[1] + m2 * c[1]
    c2 = m0 * a[2] + m1 * b[2] + m2 * c[2]
    c3 = m0 * a[3] + m1 * b[3] + m2 * c[3]
    for k in range(start, stop):
        t = within[k]
        out[k] += ((c3 * t + c2) * t + c1) * t + c0


@kernel
def add_head_lattice(head, table, i, j, x, y, z):
    """Add the affine image of the displacement, cell by cell."""
    matrix, control, origin, inverse_spacing = head
    edges, cells, within, plane, line = table
    if j == 0:
        collapse_to_plane(control, origin, inverse_spacing, i, plane)
    collapse_to_line(plane, origin, inverse_spacing, j, line)
    for m in range(cells.shape[0]):
        a = cell_cubic(line[0], cells[m])
        b = cell_cubic(line[1], cells[m])
        c = cell_cubic(line[2], cells[m])
        add_cubic(matrix[0], a, b, c, within, edges[m], edges[m + 1], x)
        add_cubic(matrix[1], a, b, c, within, edges[m], edges[m + 1], y)
        add_cubic(matrix[2], a, b, c, within, edges[m], edges[m + 1], z)


@kernel
def lattice_at(control, origin, inverse_spacing, x, y, z):
    """Return the displacement (3 numbers) at any point."""
    ci, ti = cell_of(np.float64(x), origin[0], inverse_spacing[0])
    cj, tj = cell_of(np.float64(y), origin[1], inverse_spacing[1])
    ck, tk = cell_of(np.float64(z), origin[2], inverse_spacing[2])
    wi = bspline_weights(ti)
    wj = bspline_weights(tj)
    wk = bspline_weights(tk)
    size_i, size_j, size_k = control.shape[1], control.shape[2], control.shape[3]
    u = v = w = np.float32(0.0)
    for a in range(4):
        p = clamped(ci - 1 + a, size_i)
        for b in range(4):
            q = clamped(cj - 1 + b, size_j)
            weight_ij = wi[a] * wj[b]
            for c in range(4):
                r = clamped(ck - 1 + c, size_k)
                weight = weight_ij * wk[c]
                u += weight * control[0, p, q, r]
                v += weight * control[1, p, q, r]
                w += weight * control[2, p, q, r]
    return u, v, w


@kernel
def add_lattice(control, origin, inverse_spacing, x, y, z, n):
    """Displace a row that may lie anywhere."""
    for k in range(n):
        u, v, w = lattice_at(control, origin, inverse_spacing, x[k], y[k], z[k])
        x[k] += u
        y[k] += v
        z[k] += w


@kernel
def undo_lattice(control, origin, inverse_spacing, x, y, z, n):
    """Replace each point ``y`` by the ``x`` with ``x + u(x) = y``, by fixed-point iteration."""
    for k in range(n):
        y0, y1, y2 = x[k], y[k], z[k]
        x0, x1, x2 = y0, y1, y2
        for _ in range(INVERSE_STEPS):
            u, v, w = lattice_at(control, origin, inverse_spacing, x0, x1, x2)
            step = max(abs(y0 - u - x0), abs(y1 - v - x1), abs(y2 - w - x2))
            x0, x1, x2 = y0 - u, y1 - v, y2 - w
            if step < INVERSE_TOLERANCE:
                break
        x[k], y[k], z[k] = x0, x1, x2


@kernel
def apply_affine(matrix, x, y, z, n):
    """Map the row by ``matrix`` [3, 4]."""
    m00, m01, m02, m03 = matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3]
    m10, m11, m12, m13 = matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3]
    m20, m21, m22, m23 = matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3]
    for k in range(n):
        a, b, c = x[k], y[k], z[k]
        x[k] = m00 * a + m01 * b + m02 * c + m03
        y[k] = m10 * a + m11 * b + m12 * c + m13
        z[k] = m20 * a + m21 * b + m22 * c + m23


@kernel
def fill_row(chain, table, i, j, x, y, z, n):
    """Write the input coordinates of output row (i, j)."""
    head, kinds, matrices, controls, shapes, origins, inverse_spacings = chain
    straight_row(head[0], i, j, x, y, z, n)
    if head[1].size > 0:
        add_head_lattice(head, table, i, j, x, y, z)
    first = 0
    for s in range(kinds.shape[0]):
        if kinds[s] == AFFINE:
            apply_affine(matrices[s], x, y, z, n)
            continue
        d0, d1, d2 = shapes[s, 0], shapes[s, 1], shapes[s, 2]
        last = first + 3 * d0 * d1 * d2
        control = controls[first:last].reshape(3, d0, d1, d2)
        first = last
        if kinds[s] == LATTICE:
            add_lattice(control, origins[s], inverse_spacings[s], x, y, z, n)
        else:
            undo_lattice(control, origins[s], inverse_spacings[s], x, y, z, n)
