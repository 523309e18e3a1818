"""Motion of the body while k-space is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.geometry import (
    AffineStage,
    Warp,
    affine_about,
    affine_in_voxels,
    affine_rotation,
    affine_translation,
)
from medaug.intensity.bounds import draw_count
from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.intensity.kspace import (
    along,
    check_axis,
    draw_axis,
    lines_of,
    rewrite_finite,
    voxels_of_lines,
)
from medaug.ranges import AxisRanges, axes_drawn_in
from medaug.resample import Sampling, resample_array
from medaug.typing import AnyArray, FloatArray

_SAMPLING = Sampling("linear", "border")
#: Share of k-space about its centre during which nothing moves, and the label holds.
CENTRE = 0.05


@dataclass(frozen=True)
class Motion:
    """Put k-space together from lines of an image in several poses.

    Lines are read in order along one axis. At random times the body takes another rigid pose and
    stays in it (Shaw et al. 2019, Medical Imaging with Deep Learning, PMLR 102). While the middle
    twentieth of the lines is read the body is where the label says: the centre of k-space decides
    where things are seen, so image and label stay aligned. The image is treated as real, so a line
    and its mirror image count half each when only one of them has moved.

    Poses turn about the centre of the field of view, in millimetres; what comes in from outside
    continues the border.

    Parameters
    ----------
    degrees : three ranges
        Angle about each array axis.
    translate_mm : three ranges
        Along each array axis.
    movements : pair of ints
        How often another pose is taken.
    axis : int
        The phase encoding axis; -1 draws one.
    """

    degrees: AxisRanges
    translate_mm: AxisRanges
    movements: tuple[int, int]
    axis: int = -1

    def __post_init__(self) -> None:
        check_axis("axis", self.axis)

    def at_magnitude(self, magnitude: float) -> Motion:
        """Return the effect with poses nearer to that of the label."""
        degrees = axes_drawn_in(self.degrees, magnitude)
        return replace(
            self, degrees=degrees, translate_mm=axes_drawn_in(self.translate_mm, magnitude)
        )

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``axis`` and ``poses``.

        A pose has ``degrees``, ``translate_mm`` and ``lines``: the part of k-space that is read in
        it, 0 being the first line and 1 the last.
        """
        axis = draw_axis(rng, self.axis, facts)
        count = draw_count(rng, self.movements)
        times = rng.uniform(0.0, 1.0 - CENTRE, count)
        early = sorted(times[times < 0.5 - CENTRE / 2].tolist())
        late = sorted((times[times >= 0.5 - CENTRE / 2] + CENTRE).tolist())
        # Before the middle a pose lasts from the movement before it, and after it to the next.
        parts = list(zip([0.0, *early[:-1]], early, strict=False))
        parts += zip(late, [*late[1:], 1.0], strict=False)
        poses = [{**self._draw_pose(rng, facts), "lines": list(part)} for part in parts]
        return {"axis": axis, "poses": poses}

    def _draw_pose(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        degrees = np.array([rng.uniform(*bounds) for bounds in self.degrees])
        translate_mm = np.array([rng.uniform(*bounds) for bounds in self.translate_mm])
        flat = np.array(facts.shape) == 1
        degrees[np.roll(flat, -1) | np.roll(flat, 1)] = 0.0  # a turn needs both other axes
        translate_mm[flat] = 0.0
        return {"degrees": degrees.tolist(), "translate_mm": translate_mm.tolist()}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Let a channel move; poses without turn or shift change nothing."""
        axis, n = parameters["axis"], channel.facts.shape[parameters["axis"]]
        moved: list[tuple[Warp, AnyArray]] = []
        for pose in parameters["poses"]:
            warp, weights = _warp(channel.facts, pose), _weights(n, pose["lines"])
            if warp is not None and weights.any():
                moved.append((warp, weights))
        if not moved:
            return

        def change(voxels: FloatArray) -> AnyArray:
            still = 1.0 - np.sum([weights for _, weights in moved], axis=0)
            lines = lines_of(voxels, axis)
            lines *= along(axis, still)
            for warp, weights in moved:
                posed = resample_array(voxels[None], warp, _SAMPLING)[0]
                lines += lines_of(posed, axis) * along(axis, weights)
            return voxels_of_lines(lines, axis, n)

        rewrite_finite(channel, change)


def _warp(facts: ImageFacts, pose: Mapping[str, Any]) -> Warp | None:
    """Return the pull-back of a pose, or ``None`` if it is the one of the label."""
    if not any(pose["degrees"]) and not any(pose["translate_mm"]):
        return None
    turn = affine_rotation(pose["degrees"]).T
    pull_mm = turn @ affine_translation(-np.array(pose["translate_mm"]))
    centre = (np.array(facts.shape) - 1) / 2
    matrix = affine_about(affine_in_voxels(pull_mm, facts.spacing_mm), centre)
    return Warp(facts.shape, (AffineStage(matrix),))


def _weights(n: int, lines: tuple[float, float]) -> AnyArray:
    """Return the share of a part of k-space in each line from the centre on, and its mirror."""
    line = np.arange(n // 2 + 1)
    weights = np.zeros(len(line))
    for signed in (line, -line):
        place = (signed / n + 0.5) % 1.0  # 0 for the first line
        weights += 0.5 * ((place >= lines[0]) & (place < lines[1]))
    return weights
