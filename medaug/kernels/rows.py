"""Input coordinates of one output row.

A row is all output voxels (i, j, 0..n). Its coordinates ``xyz``, float32 [3, n], stay in the
first-level cache. The head of a chain, a lattice if any and an affine map, has a closed form along
a row; the stages behind it change the row in place. ``medaug.resample.chain`` lays a chain out.

What runs once a row gets plain arrays and makes no views: numba counts references to each view,
and at 16,000 rows that showed.
"""

from __future__ import annotations

import numpy as np

from medaug.kernels.jit import kernel

AFFINE, LATTICE, LATTICE_INVERSE = 0, 1, 2

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
def collapse_to_plane(control, basis_i, i, plane):
    """Sum the lattice over its first axis with the weights of the rows (i, ...)."""
    plane[:] = np.float32(0.0)
    for p in range(control.shape[1]):
        w = basis_i[p, i]
        if w != 0.0:
            for axis in range(3):
                for q in range(control.shape[2]):
                    for m in range(control.shape[3]):
                        plane[axis, q, m] += w * control[axis, p, q, m]


@kernel
def grid_row(matrix, control, basis_i, basis_j, basis_k, reach, plane, i, j, xyz, n):
    """Write the image of a grid row under the head: a straight line plus a spline along it.

    Parameters
    ----------
    matrix : float64 [4, 4]
    control : float32 [3, L, M, N]
        Control displacements, the linear part of ``matrix`` already applied.
    basis_i, basis_j, basis_k : float32 [L, I], [M, J], [N, n]
        Weight of each control point at each voxel, along each axis.
    reach : int64 [N, 2]
        The voxels, from and up to, where the weight along the row is not zero. It spans four
        cells, so the innermost loop is long.
    plane : float32 [3, M, N]
        Scratch: the lattice summed over its first axis, made anew for each ``i``.
    """
    x0 = np.float32(matrix[0, 0] * i + matrix[0, 1] * j + matrix[0, 3])
    y0 = np.float32(matrix[1, 0] * i + matrix[1, 1] * j + matrix[1, 3])
    z0 = np.float32(matrix[2, 0] * i + matrix[2, 1] * j + matrix[2, 3])
    dx, dy = np.float32(matrix[0, 2]), np.float32(matrix[1, 2])
    dz = np.float32(matrix[2, 2])
    for k in range(n):
        step = np.float32(k)
        xyz[0, k] = x0 + dx * step
        xyz[1, k] = y0 + dy * step
        xyz[2, k] = z0 + dz * step
    if control.size == 0:
        return
    if j == 0:
        collapse_to_plane(control, basis_i, i, plane)
    for m in range(control.shape[3]):
        cx = cy = cz = np.float32(0.0)
        for q in range(control.shape[2]):
            w = basis_j[q, j]
            cx += w * plane[0, q, m]
            cy += w * plane[1, q, m]
            cz += w * plane[2, q, m]
        for k in range(U(reach[m, 0]), U(reach[m, 1])):
            w = basis_k[m, k]
            xyz[0, k] += w * cx
            xyz[1, k] += w * cy
            xyz[2, k] += w * cz


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
def add_lattice(control, origin, inverse_spacing, xyz, n):
    """Displace a row that may lie anywhere."""
    for k in range(n):
        u, v, w = lattice_at(control, origin, inverse_spacing, xyz[0, k], xyz[1, k], xyz[2, k])
        xyz[0, k] += u
        xyz[1, k] += v
        xyz[2, k] += w


@kernel
def undo_lattice(control, origin, inverse_spacing, xyz, n):
    """Replace each point ``y`` by the ``x`` with ``x + u(x) = y``, by fixed-point iteration."""
    for k in range(n):
        y0, y1, y2 = xyz[0, k], xyz[1, k], xyz[2, k]
        x0, x1, x2 = y0, y1, y2
        for _ in range(INVERSE_STEPS):
            u, v, w = lattice_at(control, origin, inverse_spacing, x0, x1, x2)
            step = max(abs(y0 - u - x0), abs(y1 - v - x1), abs(y2 - w - x2))
            x0, x1, x2 = y0 - u, y1 - v, y2 - w
            if step < INVERSE_TOLERANCE:
                break
        xyz[0, k], xyz[1, k], xyz[2, k] = x0, x1, x2


@kernel
def apply_affine(matrix, xyz, n):
    """Map the row by ``matrix`` [3, 4]."""
    m00, m01, m02, m03 = matrix[0, 0], matrix[0, 1], matrix[0, 2], matrix[0, 3]
    m10, m11, m12, m13 = matrix[1, 0], matrix[1, 1], matrix[1, 2], matrix[1, 3]
    m20, m21, m22, m23 = matrix[2, 0], matrix[2, 1], matrix[2, 2], matrix[2, 3]
    for k in range(n):
        a, b, c = xyz[0, k], xyz[1, k], xyz[2, k]
        xyz[0, k] = m00 * a + m01 * b + m02 * c + m03
        xyz[1, k] = m10 * a + m11 * b + m12 * c + m13
        xyz[2, k] = m20 * a + m21 * b + m22 * c + m23


@kernel
def move_row(tail, xyz, n):
    """Send a row through the stages behind the head, in place."""
    kinds, matrices, controls, shapes, origins, inverse_spacings = tail
    first = 0
    for s in range(kinds.shape[0]):
        if kinds[s] == AFFINE:
            apply_affine(matrices[s], xyz, n)
            continue
        d0, d1, d2 = shapes[s, 0], shapes[s, 1], shapes[s, 2]
        last = first + 3 * d0 * d1 * d2
        control = controls[first:last].reshape(3, d0, d1, d2)
        first = last
        if kinds[s] == LATTICE:
            add_lattice(control, origins[s], inverse_spacings[s], xyz, n)
        else:
            undo_lattice(control, origins[s], inverse_spacings[s], xyz, n)
