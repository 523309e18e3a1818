"""A channel of an image on its way through a chain of effects.

Pointwise changes wait, and run together in one pass when somebody has to see their result: the
next neighbourhood effect, the end of the chain, or a statistic that cannot be derived from others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from medaug.intensity.facts import ImageFacts
from medaug.kernels import pointwise
from medaug.kernels.random_bits import BLOCK
from medaug.kernels.stream import can_stream
from medaug.typing import AnyArray, FloatArray

#: Points of a curve.
CURVE_POINTS = pointwise.TABLE

_NO_MASK = np.zeros(0, np.uint8)
_NO_MOMENTS = np.float32(np.nan)


class _Pending(NamedTuple):
    """A pointwise change that waits; see :mod:`medaug.kernels.pointwise`."""

    kind: int
    numbers: tuple[float, ...] = ()
    key: tuple[int, int] = (0, 0)
    table: FloatArray | None = None


@dataclass(frozen=True)
class _Statistics:
    """Of the voxels that count. ``mean`` and ``std`` are ``None`` where only a pass can tell."""

    mean: float | None
    std: float | None
    low: float
    high: float


class Channel:
    """One channel and what is to be done to it.

    Parameters
    ----------
    voxels : float32 array [I, J, K]
        C-contiguous. It is read only.
    out : float32 array [I, J, K]
        Where the result goes; C-contiguous.
    facts : ImageFacts
    index : int
        Which channel it is: random fields differ between channels.
    """

    def __init__(
        self, voxels: FloatArray, out: FloatArray, facts: ImageFacts, index: int = 0
    ) -> None:
        self.facts = facts
        self.index = index
        self._voxels, self._out = voxels, out
        self._mask: AnyArray = _NO_MASK
        self._pending: list[_Pending] = []
        self._known: _Statistics | None = None

    # Statistics of the voxels as they are now; of the foreground where there is one. Voxels that
    # are not finite do not count, and without any other all are zero.

    @property
    def mean(self) -> float:
        """Mean."""
        return self._moments()[0]

    @property
    def std(self) -> float:
        """Standard deviation."""
        return self._moments()[1]

    @property
    def low(self) -> float:
        """Smallest value."""
        return self._extremes().low

    @property
    def high(self) -> float:
        """Largest value."""
        return self._extremes().high

    def subsample(self, least: int) -> FloatArray:
        """Return the voxels that count, evenly spaced: ``least`` at least, or all if fewer."""
        voxels = self.voxels.reshape(-1)
        if self._mask.size:
            voxels = voxels[self._mask != 0]
        step = max(len(voxels) // max(least, 1), 1)
        while any(math.gcd(step, n) > 1 for n in self.facts.shape):
            step -= 1  # or whole planes would never be seen
        chosen = voxels[::step]
        return chosen[np.isfinite(chosen)]

    # Pointwise changes.

    def linear(self, factor: float, offset: float) -> None:
        """Make every voxel ``factor * v + offset``."""
        last = self._pending[-1] if self._pending else None
        if last is not None and last.kind == pointwise.LINEAR:
            a, b = last.numbers
            self._pending[-1] = _Pending(pointwise.LINEAR, (factor * a, factor * b + offset))
        elif last is not None and last.kind == pointwise.POWER:
            a, b, c, d, exponent = last.numbers
            after = factor * c, factor * d + offset
            self._pending[-1] = _Pending(pointwise.POWER, (a, b, *after, exponent))
        else:
            self._pending.append(_Pending(pointwise.LINEAR, (factor, offset)))
        if (s := self._known) is not None:
            ends = sorted((factor * s.low + offset, factor * s.high + offset))
            mean = None if s.mean is None else factor * s.mean + offset
            std = None if s.std is None else abs(factor) * s.std
            self._known = _Statistics(mean, std, *ends)

    def clip(self, low: float, high: float) -> None:
        """Cut every voxel to a range."""
        self._pending.append(_Pending(pointwise.CLIP, (low, high)))
        self._send_extremes(lambda v: min(max(v, low), high))

    def power(self, exponent: float) -> None:
        """Raise every voxel, cut to 0 to 1, to a positive power."""
        before: tuple[float, ...] = (1.0, 0.0)
        if self._pending and self._pending[-1].kind == pointwise.LINEAR:
            before = self._pending.pop().numbers
        self._pending.append(_Pending(pointwise.POWER, (*before, 1.0, 0.0, exponent)))
        self._send_extremes(lambda v: min(max(v, 0.0), 1.0) ** exponent)

    def curve(self, values: FloatArray, low: float, high: float) -> None:
        """Send every voxel through a curve.

        Parameters
        ----------
        values : float32 array [2 to CURVE_POINTS]
            At evenly spaced places from ``low`` to ``high``; linear between, constant beyond.
        low, high : float
        """
        scale = (len(values) - 1) / (high - low)
        beyond = np.full(CURVE_POINTS - len(values), values[-1], np.float32)
        table = np.concatenate([values, beyond])
        self._pending.append(_Pending(pointwise.CURVE, (low, scale), table=table))
        self._known = None

    def add_normal(self, std: float, seed: int) -> None:
        """Add independent normal numbers; ``seed`` is below 2 ** 32."""
        self._random(pointwise.NORMAL, (std,), seed)

    def add_complex_normal(self, std: float, zero: float, seed: int, mean: float = 0.0) -> None:
        """Replace every voxel by the magnitude of itself plus complex normal noise.

        ``zero`` is the value that stands for no signal, ``mean`` that of either part of the noise.
        """
        self._random(pointwise.RICIAN, (std, zero, mean), seed)

    def add_impulses(
        self, low_prob: float, high_prob: float, low: float, high: float, seed: int
    ) -> None:
        """Set each voxel to ``low`` or ``high`` with these probabilities."""
        self._random(pointwise.IMPULSES, (low_prob, high_prob, low, high), seed)

    def multiply_field(self, terms: FloatArray) -> None:
        """Multiply by the exponential of a polynomial of the place.

        Parameters
        ----------
        terms : float32 array [4, 4, 4]
            Factors of ``x ** i * y ** j * z ** k``; each axis goes from -1 to 1, and an axis of one
            voxel is at 0.
        """
        self._pending.append(_Pending(pointwise.FIELD, table=terms.ravel()))
        self._known = None

    # Everything else.

    @property
    def voxels(self) -> FloatArray:
        """The voxels as they are now, [I, J, K]; read only."""
        self._flush()
        return self._voxels

    def rewrite(self, write: Callable[[FloatArray, FloatArray], None]) -> None:
        """Let ``write(voxels, out)`` fill ``out`` [I, J, K], which is another array."""
        voxels = self.voxels
        target = np.empty_like(voxels) if voxels is self._out else self._out
        write(voxels, target)
        if self._mask.size:
            np.copyto(target, voxels, where=self._mask.reshape(voxels.shape) == 0)
        self._voxels, self._known = target, None

    def restrict(self, mask: AnyArray | None) -> None:
        """Change and count only what is not zero in ``mask`` [I, J, K]; ``None`` lifts that."""
        flat = _NO_MASK if mask is None else (mask.reshape(-1) != 0).view(np.uint8)
        if flat.size or self._mask.size:
            self._flush()
            self._known = None
        self._mask = flat

    def set_moments(self, mean: float, std: float) -> None:
        """Shift and scale to a mean and a standard deviation; what is constant is only shifted."""
        factor = std / self.std if self.std > 0 else 1.0
        self.linear(factor, mean - factor * self.mean)

    def finish(self) -> None:
        """Bring the result to ``out``."""
        self._flush()
        if self._voxels is not self._out:
            np.copyto(self._out, self._voxels)

    def _random(self, kind: int, numbers: tuple[float, ...], seed: int) -> None:
        self._pending.append(_Pending(kind, numbers, (seed, self.index)))
        self._known = None

    def _send_extremes(self, monotone: Callable[[float], float]) -> None:
        if self._known is not None:
            low, high = monotone(self._known.low), monotone(self._known.high)
            self._known = _Statistics(None, None, low, high)

    def _extremes(self) -> _Statistics:
        if self._known is None:
            self._known = self._measure(None)
        return self._known

    def _moments(self) -> tuple[float, float]:
        known = self._known
        if known is None or known.mean is None or known.std is None:
            known = self._known = self._measure(known)
        assert known.mean is not None  # it has just been measured
        assert known.std is not None  # likewise
        return known.mean, known.std

    def _measure(self, known: _Statistics | None) -> _Statistics:
        """Take the statistics but for known extremes, in the pass of the changes that wait."""
        shift = np.float32(self._voxels.flat[0]) if known is None else np.float32(known.low)
        shift = shift if np.isfinite(shift) else np.float32(0)
        count, total, squares, low, high = self._run(shift, widen=known is None).tolist()
        if count == 0:
            return _Statistics(0.0, 0.0, 0.0, 0.0)
        if known is not None:
            low, high = known.low, known.high
        if not math.isfinite(squares):  # too large for the squares of float32
            values = self.subsample(self._voxels.size).astype(np.float64)
            return _Statistics(float(values.mean()), float(values.std()), low, high)
        beyond = total / count
        variance = max(squares / count - beyond * beyond, 0.0)
        std = math.sqrt(variance) if high > low else 0.0
        return _Statistics(float(shift) + beyond, std, low, high)

    def _flush(self) -> None:
        if self._pending:
            self._run(_NO_MOMENTS, widen=False)

    def _run(self, shift: np.float32, *, widen: bool) -> AnyArray:
        """Make the changes that wait, and return what is wanted of the statistics."""
        changes, self._pending = self._pending, []
        numbers = np.zeros((len(changes), 5), np.float32)
        tables = np.zeros((len(changes), pointwise.TABLE), np.float32)
        for n, change in enumerate(changes):
            numbers[n, : len(change.numbers)] = change.numbers
            if change.table is not None:
                tables[n, : len(change.table)] = change.table
        moments: AnyArray = pointwise.change_voxels(
            self._voxels.reshape(-1),
            self._mask,
            self._voxels.shape,
            np.array([change.kind for change in changes], np.int64),
            numbers,
            np.array([change.key for change in changes], np.uint32).reshape(-1, 2),
            tables,
            shift,
            widen,
            bool(changes) and self._voxels is not self._out and can_stream(self._out, BLOCK),
            self._out.reshape(-1),
        )
        if changes:
            self._voxels = self._out
        return moments
