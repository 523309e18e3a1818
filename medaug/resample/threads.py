"""How many threads a sample may use."""

from __future__ import annotations

_threads = 1


def set_num_threads(count: int) -> None:
    """Let this process resample each sample with ``count`` threads; the result stays the same.

    One is the default: the workers of a data loader already keep all cores busy. More is for
    inference and preprocessing, where samples come one at a time.

    Raises
    ------
    ValueError
        If ``count`` is below 1.
    """
    global _threads  # noqa: PLW0603  # one setting for the process, as torch.set_num_threads
    if count < 1:
        raise ValueError(f"the number of threads must be at least 1; got {count}")
    _threads = int(count)


def get_num_threads() -> int:
    """Return how many threads this process uses for a sample."""
    return _threads
