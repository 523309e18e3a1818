"""Data for training: cases that stay on the disk, and samples that depend on their seed alone."""

from medaug.data.cached import CachedCases
from medaug.data.seeded import SeededDataset

__all__ = ["CachedCases", "SeededDataset"]
