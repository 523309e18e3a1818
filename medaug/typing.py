"""Type aliases shared by all layers."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

#: A file or a folder, as a user gives it.
StrPath: TypeAlias = str | os.PathLike[str]

#: An array whose dtype the function states in its docstring.
AnyArray: TypeAlias = npt.NDArray[Any]

FloatArray: TypeAlias = npt.NDArray[np.float32]

#: A 4x4 matrix in homogeneous coordinates, or another small float64 array of pure maths.
Matrix: TypeAlias = npt.NDArray[np.float64]
