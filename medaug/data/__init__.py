"""Data sets: which randomness belongs to which sample."""

from medaug.data.seeded import SeededDataset

__all__ = ["SeededDataset"]
