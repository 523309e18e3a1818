"""Streaks from metal in CT, kept simple."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medaug.intensity.bounds import draw_count
from medaug.intensity.channel import Channel
from medaug.intensity.effect import Parameters
from medaug.intensity.facts import ImageFacts
from medaug.intensity.kspace import along
from medaug.ranges import Range, drawn_in
from medaug.typing import AnyArray, FloatArray

#: Distance at which a streak has lost half of its strength, and widths of streaks.
HALF_MM = 40.0
_WIDTH_DEGREES = (1.0, 5.0)


@dataclass(frozen=True)
class MetalStreaks:
    """Put one or two balls of metal into a CT scan, with bright and dark streaks through them.

    A caricature: in truth streaks come from rays that hardly any photon survives and from beam
    hardening, and follow the whole object (De Man et al. 1999, IEEE Transactions on Nuclear Science
    46(3); Barrett and Keat 2004, RadioGraphics 24(6)). Here a streak is a straight line through
    the metal within its slices, with a Gaussian profile of the angle about it, and with a strength
    that falls as ``1 / (1 + r / 40 mm)``. Between two metals lies a dark one, as beam hardening
    leaves it. The metal itself is as bright as the brightest voxel, as where a scale ends.

    Parameters
    ----------
    amplitude : range
        Of a streak beside the metal, in standard deviations of the channel; not negative.
    in_hu : bool
        The amplitude is in the units of the image instead, HU as a rule.
    metals : pair of ints
        How many balls, from 1 to 2.
    streaks : pair of ints
        How many go through each ball.
    radius_mm : range
        Of a ball.
    slice_axis : int
        The array axis across the slices.
    """

    amplitude: Range
    in_hu: bool = False
    metals: tuple[int, int] = (1, 2)
    streaks: tuple[int, int] = (4, 10)
    radius_mm: Range = (1.5, 4.0)
    slice_axis: int = 2

    def __post_init__(self) -> None:
        if not 1 <= self.metals[0] <= self.metals[1] <= 2:
            raise ValueError(f"metals must be 1 or 2; got {self.metals}")
        if self.slice_axis not in (0, 1, 2):
            raise ValueError(f"slice_axis must be 0, 1 or 2; got {self.slice_axis}")

    def at_magnitude(self, magnitude: float) -> MetalStreaks:
        """Return the effect with fainter streaks; without any there is no metal either."""
        return replace(self, amplitude=drawn_in(self.amplitude, magnitude))

    def sample(self, rng: np.random.Generator, facts: ImageFacts) -> Parameters:
        """Draw ``amplitude`` and ``metals``.

        A metal has ``place``, a voxel coordinate, ``radius_mm`` and ``streaks``: angle and width in
        degrees, and strength from -1 to 1.
        """
        amplitude = float(rng.uniform(*self.amplitude))
        count = draw_count(rng, self.metals)
        size = np.array(facts.shape, np.float64) - 1
        slice_place = rng.uniform(0.1, 0.9) * size[self.slice_axis]
        metals = []
        for _ in range(count):
            place = rng.uniform(0.25, 0.75, 3) * size
            place[self.slice_axis] = slice_place
            radius_mm = float(rng.uniform(*self.radius_mm))
            metals.append(
                {"place": place.tolist(), "radius_mm": radius_mm, "streaks": self._streaks(rng)}
            )
        if count == 2:
            first, second = self._in_plane()
            step_mm = np.subtract(metals[1]["place"], metals[0]["place"]) * facts.spacing_mm
            angle = math.degrees(math.atan2(step_mm[second], step_mm[first]))
            for metal in metals:
                metal["streaks"].append([angle, _WIDTH_DEGREES[1], -1.0])
        return {"amplitude": amplitude, "metals": metals}

    def apply(self, channel: Channel, parameters: Mapping[str, Any]) -> None:
        """Draw streaks and metal into a channel."""
        amplitude = parameters["amplitude"] * (1.0 if self.in_hu else channel.std)
        if amplitude == 0 or not math.isfinite(amplitude):  # a spread that float32 cannot hold
            return
        top = np.float32(channel.high)

        def write(voxels: FloatArray, out: FloatArray) -> None:
            out[...] = voxels
            for metal in parameters["metals"]:
                self._add_streaks(out, metal, amplitude, channel.facts)
            for metal in parameters["metals"]:
                _add_ball(out, metal, top, channel.facts)

        channel.rewrite(write)

    def _in_plane(self) -> tuple[int, int]:
        first, second = (axis for axis in range(3) if axis != self.slice_axis)
        return first, second

    def _streaks(self, rng: np.random.Generator) -> list[list[float]]:
        count = draw_count(rng, self.streaks)
        angles, widths = rng.uniform(0.0, 180.0, count), rng.uniform(*_WIDTH_DEGREES, count)
        signs = np.where(rng.random(count) < 0.5, 1.0, -1.0)
        strengths = signs * rng.uniform(0.3, 1.0, count)
        drawn: list[list[float]] = np.stack([angles, widths, strengths], axis=1).tolist()
        return drawn

    def _add_streaks(
        self, out: FloatArray, metal: Mapping[str, Any], amplitude: float, facts: ImageFacts
    ) -> None:
        """Add what one metal does to its slices."""
        axes, across = self._in_plane(), self.slice_axis
        x, y = (_distances_mm(axis, metal["place"], facts) for axis in axes)
        pattern = amplitude * streak_pattern(x[:, None], y[None, :], metal["streaks"])
        z = _distances_mm(across, metal["place"], facts) / metal["radius_mm"]
        touched = np.flatnonzero(np.abs(z) < 3.0)
        where = [slice(None)] * 3
        where[across] = slice(touched[0], touched[-1] + 1) if touched.size else slice(0)
        shares = along(across, np.exp(-0.5 * z[touched] ** 2))
        part, limit = out[tuple(where)], np.finfo(np.float32).max
        total = part + np.expand_dims(pattern, across) * shares  # float64, which nothing overflows
        part[...] = np.clip(total, -limit, limit, out=total, where=np.isfinite(part))


def streak_pattern(x_mm: AnyArray, y_mm: AnyArray, streaks: Sequence[Sequence[float]]) -> AnyArray:
    """Return the strength of streaks through the origin: angle, width in degrees, strength each."""
    angle = np.degrees(np.arctan2(y_mm, x_mm))
    total = np.zeros(angle.shape)
    for towards, width, strength in streaks:
        beside = (angle - towards + 90.0) % 180.0 - 90.0  # a streak goes both ways
        total += strength * np.exp(-0.5 * (beside / width) ** 2)
    return np.asarray(total / (1.0 + np.hypot(x_mm, y_mm) / HALF_MM))


def _distances_mm(axis: int, place: Sequence[float], facts: ImageFacts) -> AnyArray:
    return np.asarray((np.arange(facts.shape[axis]) - place[axis]) * facts.spacing_mm[axis])


def _add_ball(
    out: FloatArray, metal: Mapping[str, Any], top: np.float32, facts: ImageFacts
) -> None:
    """Fill a ball with ``top``; at its surface voxels are mixed by their share."""
    reach_mm = metal["radius_mm"] + max(facts.spacing_mm)
    box, squares = [], np.zeros((1, 1, 1), np.float32)
    for axis in range(3):
        distances = _distances_mm(axis, metal["place"], facts)
        near = np.flatnonzero(np.abs(distances) <= reach_mm)
        if not near.size:
            return
        box.append(slice(near[0], near[-1] + 1))
        squares = squares + along(axis, distances[near] ** 2)
    voxel_mm = min(facts.spacing_mm)
    share = np.clip((metal["radius_mm"] - np.sqrt(squares)) / voxel_mm + 0.5, 0.0, 1.0)
    part, inside, mixed = out[tuple(box)], share == 1, (share > 0) & (share < 1)
    part[mixed] = (1 - share[mixed]) * part[mixed] + share[mixed] * top
    part[inside] = top
