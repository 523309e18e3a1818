"""The same random displacements as one lattice, which folds, and as several, which do not."""

import matplotlib.pyplot as plt
import numpy as np

from medaug.geometry import INJECTIVITY_BOUND, Lattice, LatticeStage, Warp, lattice_grid
from medaug.rng import generator

SHAPE, SPACING, AMPLITUDE = (97, 97, 1), 16.0, 24.0
FINE = 481  # points along an axis at which the warp is looked at

grid, origin = lattice_grid([0, 0, 0], np.array(SHAPE) - 1, [SPACING] * 3)
unit = generator(5).uniform(-1, 1, (3, *grid)).astype(np.float32)
unit[2] = 0  # nothing leaves the plane


def bend(amplitude: float) -> LatticeStage:
    """Return the stage of one lattice."""
    return LatticeStage(Lattice(unit * np.float32(amplitude), origin, np.full(3, SPACING)))


repeats = int(np.ceil(AMPLITUDE / (INJECTIVITY_BOUND * SPACING)))
warps = {
    "one lattice: it folds": Warp(SHAPE, (bend(AMPLITUDE),)),
    f"split over {repeats} lattices": Warp(SHAPE, (bend(AMPLITUDE / repeats),) * repeats),
}
places = np.linspace(0, SHAPE[0] - 1, FINE)
points = np.stack(np.meshgrid(places, places, [0.0], indexing="ij"), axis=-1).reshape(-1, 3)

figure, axes_of = plt.subplots(1, 2, figsize=(7.5, 3.9), layout="constrained")
for axes, (title, warp) in zip(axes_of, warps.items(), strict=True):
    x, y = warp.map_points(points)[:, :2].T.reshape(2, FINE, FINE)
    step = places[1]
    (xi, xj), (yi, yj) = np.gradient(x, step), np.gradient(y, step)
    folded = xi * yj - xj * yi <= 0
    axes.scatter(x[folded], y[folded], s=1.5, color="#e69f00", zorder=3)
    for line in range(0, FINE, 16):
        axes.plot(x[line], y[line], color="#56b4e9", linewidth=0.8)
        axes.plot(x[:, line], y[:, line], color="#56b4e9", linewidth=0.8)
    axes.set_title(title)
    axes.set_aspect("equal")
    axes.set_axis_off()
