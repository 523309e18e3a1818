"""Which file is the label of a DICOM series."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from medaug.io.dicom.listing import Listing
from medaug.io.dicom.stacks import Series
from medaug.io.itk import ITK_SUFFIXES
from medaug.io.volume import NIFTI_SUFFIXES

#: File name endings of masks that lie beside a series.
MASK_SUFFIXES = (*NIFTI_SUFFIXES, *ITK_SUFFIXES)

#: The folder of masks that are named after cases.
LABEL_FOLDER = "labels"


@dataclass(frozen=True)
class MaskFinder:
    """Finds the masks that can be the label of a series, by the first rule that gives any.

    1. ``labels/NAME.nii.gz``, or another of `MASK_SUFFIXES`, below the root: by the case's name.
    2. A DICOM SEG that was drawn on the series, as its ReferencedSeriesSequence says.
    3. A DICOM SEG in the frame of reference of the series.
    4. A file with one of `MASK_SUFFIXES` in the folder of the series, or in the nearest folder
       above it that has any, as long as no other case lies in or below that folder.

    Attributes
    ----------
    root : Path
        The folder of the data set.
    listing : Listing
        What there is below it.
    cases : tuple of Series
        The images of all cases.
    """

    root: Path
    listing: Listing
    cases: tuple[Series, ...]

    def find(self, name: str, series: Series) -> list[Path]:
        """Return the masks that fit a case: none, its label, or several to choose from.

        Parameters
        ----------
        name : str
            Of the case.
        series : Series
            Its image, one of `cases`.
        """
        return self._named(name) or self._segmentations(series) or self._beside(series)

    def unclaimed(self, claimed: Collection[Path]) -> list[Path]:
        """Return the masks in the folder of labels, and the DICOM SEG files, that no case has."""
        named = self._masks_in(self.root / LABEL_FOLDER)
        segmentations = [header.file for header in self.listing.segmentations]
        return [path for path in [*named, *segmentations] if path not in claimed]

    def _named(self, name: str) -> list[Path]:
        names = {(name + suffix).lower() for suffix in MASK_SUFFIXES}
        return [
            path for path in self._masks_in(self.root / LABEL_FOLDER) if path.name.lower() in names
        ]

    def _segmentations(self, series: Series) -> list[Path]:
        headers = self.listing.segmentations
        drawn_on = [header.file for header in headers if series.uid in header.referenced_series]
        frame = series.frame_of_reference
        return drawn_on or [
            header.file for header in headers if frame and header.frame_of_reference == frame
        ]

    def _beside(self, series: Series) -> list[Path]:
        folder = series.files[0].parent if series.path in series.files else series.path
        while folder.is_relative_to(self.root) and not self._has_others(folder, series):
            masks = self._masks_in(folder)
            if masks:
                return masks
            folder = folder.parent
        return []

    def _has_others(self, folder: Path, series: Series) -> bool:
        return any(other.path.is_relative_to(folder) for other in self.cases if other is not series)

    def _masks_in(self, folder: Path) -> list[Path]:
        return [
            path
            for path in self.listing.others
            if path.parent == folder and path.name.lower().endswith(MASK_SUFFIXES)
        ]
