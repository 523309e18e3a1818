"""A data set whose samples depend on (seed, epoch, index) and on nothing else."""

from __future__ import annotations

import copy
import operator
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
import torch
from monai.data import Dataset
from monai.transforms import Compose

from medaug.rng import derive_seed

Transform: TypeAlias = Callable[[Any], Any]


class SeededDataset(Dataset):
    """MONAI's ``Dataset`` with a random state of its own for every sample.

    Sample ``index`` of epoch ``epoch`` is the same whatever the number of workers, whether they are
    forked, spawned or threads, and in whichever order samples are asked for; so training resumes at
    any epoch as if it had never stopped. The order of the samples is the sampler's affair.

    Parameters
    ----------
    data : sequence
        One entry for each sample, as the transform expects it.
    transform : callable or sequence of callables, optional
        Applied as MONAI's ``Compose`` does. The dataset works on copies: invert its samples with
        ``dataset.transform``, not with the object that went in. MONAI's ``inverse`` recognises what
        came from forked workers or one thread, not from spawned workers or several threads at once.
    seed : int
        At least 0. Other seeds give other samples.

    Raises
    ------
    TypeError
        If the seed is not an integer.
    ValueError
        If it is negative.

    Notes
    -----
    The seed reaches what ``set_random_state`` reaches: MONAI's ``Randomizable`` transforms, also
    within ``Compose``, ``OneOf`` and their like. It does not reach transforms that draw from the
    global generators of Python, NumPy or torch, nor random transforms inside callables that are not
    ``Randomizable``; those differ with workers as ever. Nor can it help where a transform carries
    something over from one call to the next, or changes ``data`` in place.

    Examples
    --------
    >>> dataset = SeededDataset(cases, transform, seed=0)
    >>> loader = DataLoader(dataset, batch_size=2, num_workers=4, persistent_workers=True)
    >>> for epoch in range(first_epoch, n_epochs):
    ...     dataset.set_epoch(epoch)
    ...     for batch in loader:
    ...         train(batch)
    """

    def __init__(
        self,
        data: Sequence[Any],
        transform: Transform | Sequence[Transform] | None,
        seed: SupportsIndex,
    ) -> None:
        super().__init__(data, transform)
        self._seed = _parse_non_negative("seed", seed)
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._share_epoch()

    @property
    def transform(self) -> Compose:
        """What makes the samples, and inverts them. What is assigned here is copied."""
        return self._pool.original

    @transform.setter
    def transform(self, transform: Compose) -> None:
        self._pool = _TransformPool(transform)

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Begin another epoch, also in workers that are already running.

        Call it before the loader is iterated: loaders fetch samples ahead.

        Parameters
        ----------
        epoch : int
            At least 0. A new dataset is in epoch 0.

        Raises
        ------
        TypeError
            If it is not an integer.
        ValueError
            If it is negative.
        """
        self._epoch.fill_(_parse_non_negative("epoch", epoch))

    def set_random_state(
        self,
        seed: int | None = None,  # noqa: ARG002  # MONAI's signature
        state: np.random.RandomState | None = None,  # noqa: ARG002  # likewise
    ) -> SeededDataset:
        """Do nothing: samples have their own seeds.

        MONAI's loaders reseed what they load, from every worker; without this method they would
        look for transforms inside, and reseed one that a thread is just running.
        """
        return self

    def _transform(self, index: SupportsIndex) -> Any:
        position = range(len(self))[index]  # -1 is the last sample, and has its randomness
        seed = derive_seed(self._seed, int(self._epoch), position)
        with self._pool.borrow() as transform:
            transform.set_random_state(seed=seed)
            return transform(self.data[position])

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._share_epoch()

    def _share_epoch(self) -> None:
        """Put the epoch where workers that are already running see it change.

        A spawned worker unpickles this very memory, any other copy memory of its own.
        """
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]  # torch says no type


class _TransformPool:
    """Copies of a transform, as many as are in use at the same time.

    Parameters
    ----------
    transform : monai.transforms.Compose
        Stays as it is.

    Attributes
    ----------
    original : monai.transforms.Compose
        The copy that is lent first, and so the only one to work where there are no threads: MONAI
        inverts only what the same object made.
    """

    def __init__(self, transform: Compose) -> None:
        self.original = copy.deepcopy(transform)
        self._template = copy.deepcopy(transform)  # never runs: it can be copied at any time
        self._idle = deque([self.original])

    @contextmanager
    def borrow(self) -> Iterator[Compose]:
        """Lend a transform that nobody else uses meanwhile."""
        try:
            transform = self._idle.pop()
        except IndexError:
            transform = copy.deepcopy(self._template)
        try:
            yield transform
        finally:
            put_back = self._idle.append if transform is self.original else self._idle.appendleft
            put_back(transform)

    def __reduce__(self) -> tuple[type[_TransformPool], tuple[Compose]]:
        return type(self), (self.original,)


def _parse_non_negative(name: str, value: SupportsIndex) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer; got {value!r}") from None
    if number < 0:
        raise ValueError(f"{name} must not be negative; got {value!r}")
    return number
