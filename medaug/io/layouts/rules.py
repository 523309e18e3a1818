"""What a user may say about the layout of a folder."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Layout: TypeAlias = Literal["decathlon", "nnunet", "brats", "folders", "pattern", "dicom"]


class DicomRules(BaseModel):
    """Which series of a patient or a study is the image.

    Attributes
    ----------
    modality : str or None
        Of the series, such as ``CT`` or ``MR``; None: of any modality that has slices.
    description : str or None
        Regular expression that must be found in the series description, whatever the case.
    pick : {"only", "most_slices", "first", "all"}
        Which of several series that fit: none of them (an error lists them), the one with most
        slices, the first by series number, or each as a case of its own.
    group : {"patient", "study"}
        What makes a case.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    modality: str | None = None
    description: str | None = None
    pick: Literal["only", "most_slices", "first", "all"] = "only"
    group: Literal["patient", "study"] = "study"


class LayoutRules(BaseModel):
    """How to find the cases of a folder.

    Attributes
    ----------
    kind : str
        The layout, or ``auto`` to recognise it.
    images : str, dict of str to str, or None
        For ``pattern``: the path of the images below the folder, with ``{case}`` for what names the
        case and with the wildcards of glob, such as ``sub-*/anat/{case}_T1w.nii.gz``; or such a
        pattern for each channel name. ``{case}`` does not span folders; all that it stands for in
        one path must be equal.
    labels : str or None
        For ``pattern``: likewise for the labels.
    patient : str or None
        Regular expression on the name of a case; its first group, or all that it matches, names
        the patient. None: what the layout says.
    follow_links : bool
        Take files that symbolic links bring in from outside of the folder.
    dicom : DicomRules
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Layout | Literal["auto"] = "auto"
    images: str | Annotated[dict[str, str], Field(min_length=1)] | None = None
    labels: str | None = None
    patient: str | None = None
    follow_links: bool = False
    dicom: DicomRules = DicomRules()
