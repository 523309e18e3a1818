"""The slow, obvious resampler that the compiled one is held against."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

from medaug.geometry import Lattice, Warp, lattice_grid
from medaug.resample import Sampling
from medaug.typing import AnyArray

# "grid-constant" blends with the padding value across the border, as a padded array would.
_SCIPY_MODE = {
    "constant": "grid-constant",
    "border": "nearest",
    "reflect": "mirror",
    "symmetric": "reflect",
}


def source_coordinates(warp: Warp) -> AnyArray:
    """Input coordinates [3, *output_shape] by the float64 maths of the geometry layer."""
    grid = np.stack(np.meshgrid(*map(np.arange, warp.output_shape), indexing="ij"), axis=-1)
    return warp.map_points(grid.reshape(-1, 3)).T.reshape(3, *warp.output_shape)


def reference_linear(array: AnyArray, warp: Warp, sampling: Sampling) -> AnyArray:
    where = source_coordinates(warp)
    mode, fill = _SCIPY_MODE[sampling.padding_mode], sampling.padding_value
    channels = [
        map_coordinates(channel.astype(np.float64), where, order=1, mode=mode, cval=fill)
        for channel in array
    ]
    return np.stack(channels)


def reference_cubic(array: AnyArray, warp: Warp, sampling: Sampling) -> AnyArray:
    """The spline of the mirrored volume; by its linear share outside it fades into the padding."""
    where, volume = source_coordinates(warp), array.shape[1:]
    if sampling.padding_mode == "symmetric":
        where = folded_about_faces(where, np.array(volume)[:, None, None, None])
    if sampling.padding_mode != "reflect":
        where = np.clip(where, 0, np.array(volume)[:, None, None, None] - 1)
    splines = np.stack(
        [map_coordinates(channel.astype(np.float64), where, mode="mirror") for channel in array]
    )
    if sampling.padding_mode != "constant":
        return splines
    share = reference_linear(np.zeros((1, *volume)), warp, Sampling("linear", "constant", 1.0))
    return (1 - share) * splines + share * sampling.padding_value


def folded_about_faces(where: AnyArray, size: AnyArray) -> AnyArray:
    """Mirror coordinates at -0.5 and ``size - 0.5`` until they lie between the two."""
    return size - 0.5 - np.abs((where + 0.5) % (2 * size) - size)


def reference_nearest(array: AnyArray, warp: Warp, sampling: Sampling) -> AnyArray:
    size = np.array(array.shape[1:])[:, None, None, None]
    where = source_coordinates(warp)
    if sampling.padding_mode == "reflect":
        period = np.maximum(2 * (size - 1), 1)
        where = np.abs(where) % period
        where = np.minimum(where, period - where) * (size > 1)
    if sampling.padding_mode == "symmetric":
        where = folded_about_faces(where, size)
    if sampling.padding_mode != "constant":
        where = np.clip(where, 0, size - 1)
    index = np.floor(where + 0.5).astype(int)
    inside = np.all((index >= 0) & (index < size), axis=0)
    i, j, k = np.clip(index, 0, size - 1)
    return np.where(inside, array[:, i, j, k], np.array(sampling.padding_value, array.dtype))


def reference_vote(array: AnyArray, warp: Warp, sampling: Sampling) -> tuple[AnyArray, AnyArray]:
    """Per-class linear resampling and argmax; also where the two best are clearly apart."""
    labels = np.union1d(np.unique(array), [sampling.padding_value]).astype(array.dtype)
    votes = np.stack(
        [
            reference_linear(
                (array == label).astype(np.float64),
                warp,
                Sampling("linear", sampling.padding_mode, float(label == sampling.padding_value)),
            )
            for label in labels
        ]
    )
    ordered = np.sort(votes, axis=0)
    clear = ordered[-1] - ordered[-2] > 1e-4 if len(labels) > 1 else np.ones(votes[0].shape, bool)
    return labels[votes.argmax(axis=0)], clear


def random_lattice(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    spacing: float | AnyArray,
    amplitude: float,
) -> Lattice:
    """A lattice over the grid of ``shape``, control displacements up to ``amplitude`` voxels."""
    spacing = np.full(3, spacing)
    size, origin = lattice_grid([0, 0, 0], np.array(shape) - 1, spacing)
    control = rng.uniform(-amplitude, amplitude, (3, *size)).astype(np.float32)
    return Lattice(control, origin, spacing)
