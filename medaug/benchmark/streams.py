"""The streams of randomness of a benchmark, named so that no two uses can share one.

Every stream is addressed by (stream, seed, fold, index), always four integers: numpy's seed
sequences treat trailing zeros as absent, so that paths of different length could meet. The arm is
never part of the address, which is what makes arms comparable.
"""

from __future__ import annotations

from enum import IntEnum


class Stream(IntEnum):
    """First component of the address of a random stream."""

    FOLDS = 1  #: (split_seed, 0, 0): which case is tested in which fold
    TRAIN_CASES = 2  #: (seed, fold, 0): which cases of the training part are used
    WEIGHTS = 3  #: (seed, fold, 0): the initial weights
    FIT = 4  #: (seed, fold, 0): whatever the network itself draws in training, such as dropout
    ORDER = 5  #: (seed, fold, epoch): the order of the cases in one epoch
    PATCH = 6  #: (seed, fold, sample): the centre of a patch
    POLICY = 7  #: (seed, fold, sample): the augmentation of a sample
    BOOTSTRAP = 8  #: (split_seed, 0, 0): the resamples of the comparison
    SEARCH = 9  #: (seed, 0, trial): what a policy search tries next
    SHIFT = 10  #: (seed, case, corruption), numbers of their names: the shifted test
