"""A data set whose samples depend on (seed, epoch, index) and on nothing else."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
from monai.data import Dataset
from monai.transforms import Compose

from medaug.epoch import SharedEpoch, find_epochs, parse_non_negative
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
        self._seed = parse_non_negative("seed", seed)
        self._epoch = SharedEpoch()

    @property
    def transform(self) -> Compose:
        """What makes the samples, and inverts them. What is assigned here is copied."""
        return self._pool.original

    @transform.setter
    def transform(self, transform: Compose) -> None:
        self._pool = _TransformPool(transform)

    def set_epoch(self, epoch: SupportsIndex) -> None:
        """Begin another epoch, also in workers that are already running.

        Curricula inside the transform, such as :class:`medaug.policy.Curriculumd`, begin it as
        well. Call it before the loader is iterated: loaders fetch samples ahead.

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
        self._epoch.set(epoch)
        for inner in self._pool.epochs:
            inner.set(epoch)

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

    def __deepcopy__(self, memo: dict[int, Any]) -> SeededDataset:
        """Return a dataset that goes on by itself, with curricula that follow it alone."""
        for epoch in (self._epoch, *self._pool.epochs):
            memo[id(epoch)] = SharedEpoch(int(epoch))
        twin = memo[id(self)] = copy.copy(self)
        twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return twin


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
    epochs : tuple of SharedEpoch
        What all copies share.
    """

    def __init__(self, transform: Compose) -> None:
        self.original = copy.deepcopy(transform)
        self._template = copy.deepcopy(transform)  # never runs: it can be copied at any time
        self._idle = deque([self.original])
        self.epochs = find_epochs(transform)

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
