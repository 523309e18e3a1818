"""The one-cycle schedule of learning rate and momentum, over the fraction of a training spent."""

from __future__ import annotations

import math

from torch.optim import Optimizer

#: Fraction of the training in which the learning rate rises.
_RISE = 0.3

#: The learning rate starts at the peak over this, and ends at the start over that.
_START_DIVISOR = 25.0
_END_DIVISOR = 1e4

#: AdamW's first beta where the learning rate is lowest and highest.
_MOMENTUM = (0.95, 0.85)


def one_cycle(spent: float, peak: float) -> tuple[float, float]:
    """Return the learning rate and the momentum at a point of a training.

    The one-cycle policy of Smith and Topin (2018), https://arxiv.org/abs/1708.07120, with the
    settings of torch's ``OneCycleLR``: along cosines the rate rises from ``peak / 25`` over 30 % of
    the training, then falls to ``peak / 250000``; the momentum falls from 0.95 to 0.85 and rises
    again. Torch's class counts steps, and a training of fixed time does not know how many it will
    make.

    Parameters
    ----------
    spent : float
        Fraction of the training spent, in [0, 1].
    peak : float
        Highest learning rate.
    """
    start, (calm, busy) = peak / _START_DIVISOR, _MOMENTUM
    if spent < _RISE:
        done = spent / _RISE
        return _along_cosine(start, peak, done), _along_cosine(calm, busy, done)
    done = (spent - _RISE) / (1 - _RISE)
    return _along_cosine(peak, start / _END_DIVISOR, done), _along_cosine(busy, calm, done)


def set_one_cycle(optimizer: Optimizer, spent: float, peak: float) -> None:
    """Give an Adam the learning rate and the momentum of this point of a training."""
    rate, momentum = one_cycle(spent, peak)
    for group in optimizer.param_groups:
        group["lr"] = rate
        group["betas"] = (momentum, group["betas"][1])


def _along_cosine(first: float, last: float, done: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * done)) / 2
