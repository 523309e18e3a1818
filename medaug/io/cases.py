"""The files of a data set, found but not yet read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from medaug.io.problems import Problem


@dataclass(frozen=True)
class ScanFiles:
    """Where the voxels of a scan are.

    Attributes
    ----------
    path : Path
        The file, or the folder of a DICOM series: what messages name.
    slices : tuple of Path
        The files of a DICOM series, in the order of their places along its normal; empty for a
        single file, also for a DICOM segmentation.
    """

    path: Path
    slices: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """All files."""
        return self.slices or (self.path,)


@dataclass(frozen=True)
class CaseFiles:
    """The files of a case.

    Attributes
    ----------
    name : str
        Unique within the data set, and fit to be part of a file name.
    images : tuple of ScanFiles
        One for each channel, or one file that holds all channels.
    label : ScanFiles or None
    patient : str
        Whose scan it is; the name of the case where the layout does not say.
    """

    name: str
    images: tuple[ScanFiles, ...]
    label: ScanFiles | None
    patient: str


@dataclass(frozen=True)
class DatasetFiles:
    """The files of a data set.

    Attributes
    ----------
    name : str
        What ``dataset.json`` calls the data set, otherwise the name of its folder.
    root : Path
        The folder.
    layout : str
        Which layout it has, see `medaug.io.layouts`.
    cases : tuple of CaseFiles
        In natural order of their names (``case_2`` before ``case_10``).
    labels : dict of int to str, or None
        Name of each label value, background (0) included. None if the layout does not list them.
    channels : tuple of str, or None
        Name of each channel, such as ``flair``. None if the layout does not name them.
    problems : tuple of Problem
        What is wrong with the listing: an image without a label, two files of one case.
    """

    name: str
    root: Path
    layout: str
    cases: tuple[CaseFiles, ...]
    labels: dict[int, str] | None = None
    channels: tuple[str, ...] | None = None
    problems: tuple[Problem, ...] = ()
