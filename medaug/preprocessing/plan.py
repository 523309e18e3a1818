"""What is done to every case of a data set, decided once from all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from medaug.errors import InputError
from medaug.io.cases import DatasetFiles
from medaug.io.orientation import axes_for
from medaug.preprocessing.config import Crop, Geometry, Intensity, PreprocessConfig
from medaug.preprocessing.survey import CaseSurvey

# nnU-Net's measures of an anisotropic set: so many times as coarse, and so many times fewer voxels.
_ANISOTROPY = 3.0
_FINE_PERCENTILE = 10.0


class ChannelPlan(BaseModel):
    """What happens to a channel.

    Attributes
    ----------
    name : str
        That of the layout, otherwise its number.
    intensity : Intensity
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    intensity: Intensity


class Plan(BaseModel):
    """What is done to every case of a data set; goes to JSON and back.

    Attributes
    ----------
    dataset : str
        Name of the data set that is written.
    geometry : {"sform", "qform"} or None
        See PreprocessConfig, as for `interpolation` and `crop`.
    orientation : str or None
        Of the array axes; None keeps that of each case.
    spacing_mm : tuple of 3 floats or None
        Along the array axes; None keeps that of each case.
    interpolation : {"linear", "cubic"}
    crop : Crop or None
    channels : tuple of ChannelPlan
    label_map : dict of int to int
        New value of each label value of the set.
    labels : dict of int to str
        Name of each new label value; empty if no labels are read.
    label_dtype : {"uint8", "uint16"}
    image_dtype : {"float32", "int16"}
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str
    geometry: Geometry | None
    orientation: str | None
    spacing_mm: tuple[float, float, float] | None
    interpolation: Literal["linear", "cubic"]
    crop: Crop | None
    channels: tuple[ChannelPlan, ...]
    label_map: dict[int, int]
    labels: dict[int, str]
    label_dtype: Literal["uint8", "uint16"]
    image_dtype: Literal["float32", "int16"]


def make_plan(
    dataset: DatasetFiles, surveys: Sequence[CaseSurvey], config: PreprocessConfig
) -> Plan:
    """Decide what is done to every case.

    Parameters
    ----------
    dataset : DatasetFiles
    surveys : sequence of CaseSurvey
        Of the cases that are used; at least one, and all with the same number of channels.
    config : PreprocessConfig

    Raises
    ------
    InputError
        If the configuration names a channel that there is not.
    """
    label_map, labels = _plan_labels(dataset, surveys, config)
    return Plan(
        dataset=config.name or dataset.name,
        geometry=config.geometry,
        orientation=config.orientation,
        spacing_mm=_plan_spacing(surveys, config),
        interpolation=config.interpolation,
        crop=config.crop,
        channels=_plan_channels(dataset, surveys, config),
        label_map=label_map,
        labels=labels,
        label_dtype="uint8" if max(labels, default=0) <= np.iinfo(np.uint8).max else "uint16",
        image_dtype=config.image_dtype,
    )


def median_spacing(
    spacings_mm: Sequence[Sequence[float]], shapes: Sequence[Sequence[int]]
) -> tuple[float, float, float]:
    """Return the spacing that suits a set of scans, as nnU-Net plans it.

    It is the median along each axis. Where that of one axis is more than three times that of each
    other one, and the median number of its voxels is less than a third of each other one, the tenth
    percentile along it is taken instead, but nothing finer than the others are.

    Parameters
    ----------
    spacings_mm : sequence of 3 floats for each scan
        Along axes that correspond.
    shapes : sequence of 3 int for each scan
        Voxels along them.
    """
    spacing, size = np.median(spacings_mm, axis=0), np.median(shapes, axis=0)
    worst = int(spacing.argmax())
    others = [axis for axis in range(3) if axis != worst]
    coarse = spacing[worst] > _ANISOTROPY * spacing[others].max()
    if coarse and size[worst] * _ANISOTROPY < size[others].min():
        fine = np.percentile([along[worst] for along in spacings_mm], _FINE_PERCENTILE)
        spacing[worst] = max(fine, spacing[others].max())
    # Headers hold float32, whose noise would keep scans from having the planned spacing already.
    i, j, k = np.round(spacing, 5).tolist()
    return (i, j, k)


def _plan_spacing(
    surveys: Sequence[CaseSurvey], config: PreprocessConfig
) -> tuple[float, float, float] | None:
    if config.spacing_mm == "keep":
        return None
    if config.spacing_mm != "median":
        return config.spacing_mm
    spacings, shapes = [], []
    for survey in surveys:
        axes = axes_for(survey.orientation, config.orientation or survey.orientation)
        spacings.append([survey.spacing_mm[axis] for axis in axes])
        shapes.append([survey.shape[axis] for axis in axes])
    return median_spacing(spacings, shapes)


def _plan_channels(
    dataset: DatasetFiles, surveys: Sequence[CaseSurvey], config: PreprocessConfig
) -> tuple[ChannelPlan, ...]:
    names = dataset.channels or tuple(map(str, range(len(surveys[0].channels))))
    unknown = sorted(set(config.channels) - set(names))
    if unknown:
        raise InputError(
            f"channels: {unknown[0]!r} is no channel of {dataset.root}; "
            f"the channels are {', '.join(names)}."
        )
    return tuple(
        ChannelPlan(name=name, intensity=config.channels.get(name, config.intensity))
        for name in names
    )


def _plan_labels(
    dataset: DatasetFiles, surveys: Sequence[CaseSurvey], config: PreprocessConfig
) -> tuple[dict[int, int], dict[int, str]]:
    """Return new value of each old label value, and the names of the new ones."""
    if config.labels == "none":
        return {}, {}
    listed = dataset.labels or {}
    found = {value for survey in surveys for value in survey.label_values}
    values = sorted({0} | set(listed) | found)
    label_map = _label_map(values, config.remap_labels)
    names: dict[int, list[str]] = {}
    for old, new in label_map.items():
        default = f"label {old}" if old else "background"
        if new or not old:  # a label that is dropped leaves the background its name
            names.setdefault(new, []).append(listed.get(old, default))
    return label_map, {new: " + ".join(names[new]) for new in sorted(names)}


def _label_map(
    values: Sequence[int], wanted: Mapping[int, int] | Literal["consecutive"] | None
) -> dict[int, int]:
    if wanted == "consecutive":
        return {old: new for new, old in enumerate(values)}
    mapping: Mapping[int, int] = wanted or {}
    return {old: mapping.get(old, old) for old in values}
