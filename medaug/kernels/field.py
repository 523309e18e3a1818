"""Multiplication by a field that is known by its values at basis functions along each row."""

from __future__ import annotations

import numpy as np

from medaug.kernels.elementary import exp2
from medaug.kernels.jit import kernel
from medaug.kernels.registers import use_wide_registers

U = np.uintp  # unsigned indices: see medaug.kernels.gather


@kernel
def multiply_by_power_of_two(source, rows, basis, out):
    """Write ``source * 2 ** (rows @ basis)``.

    Parameters
    ----------
    source : float32 [R, K]
    rows : float32 [R, M]
    basis : float32 [M, K]
    out : float32 [R, K]
    """
    use_wide_registers()
    exponent = np.empty(source.shape[1], np.float32)
    for r in range(source.shape[0]):
        exponent[:] = rows[r, 0] * basis[0]
        for m in range(1, basis.shape[0]):
            weight = rows[r, m]
            for k in range(U(source.shape[1])):
                exponent[k] += weight * basis[m, k]
        for k in range(U(source.shape[1])):
            out[r, k] = source[r, k] * exp2(exponent[k])
