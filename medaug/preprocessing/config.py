"""What a user may ask of the preprocessing of a folder."""

from __future__ import annotations

from itertools import product
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from medaug.io.layouts.rules import LayoutRules
from medaug.resources import config_file
from medaug.settings import read_settings
from medaug.typing import StrPath

#: The shipped configuration that is taken when none is named.
DEFAULT_CONFIG = "default"

_Positive = Annotated[float, Field(gt=0)]
_Percent = Annotated[float, Field(ge=0, le=100)]

#: Which of the two affines of a NIfTI header is believed where they disagree.
Geometry: TypeAlias = Literal["sform", "qform"]


class Fixed(BaseModel):
    """Normalisation by numbers that are the same for all cases.

    Attributes
    ----------
    subtract, divide : float
        The result is ``(value - subtract) / divide``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    subtract: float
    divide: _Positive


class Intensity(BaseModel):
    """What happens to the intensities of a channel, in this order.

    Attributes
    ----------
    window : pair of floats or None
        Clip to it.
    clip_percentiles : pair of floats or None
        Clip to these percentiles of the foreground of the case.
    normalise : {"zscore", "none"} or Fixed
        ``zscore``: mean 0 and s.d. 1 over the foreground, 0 outside.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    window: tuple[float, float] | None = None
    clip_percentiles: tuple[_Percent, _Percent] | None = (0.5, 99.5)
    normalise: Literal["zscore", "none"] | Fixed = "zscore"

    @model_validator(mode="after")
    def _ordered(self) -> Intensity:
        for name in ("window", "clip_percentiles"):
            pair = getattr(self, name)
            if pair is not None and not pair[0] < pair[1]:
                raise ValueError(f"{name} must go from low to high; got {list(pair)}")
        return self


class Crop(BaseModel):
    """The box that is kept: the foreground of all channels, the whole label, and a margin.

    Attributes
    ----------
    above : float or None
        Foreground of a channel is what exceeds this in the scan as it was read; None: what is above
        the minimum of the channel, if that is an exact background, see
        `medaug.foreground.foreground_of`. Intensities are normalised over the same foreground.
    margin_mm : float
        Kept around it, as far as the scan reaches.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    above: float | None = None
    margin_mm: float = Field(default=5.0, ge=0)


class PreprocessConfig(BaseModel):
    """Everything that decides what comes out; steps happen in this order.

    Attributes
    ----------
    name : str or None
        Of the data set that is written; None: as that which is read.
    layout : LayoutRules
        How to find the cases.
    labels : {"required", "optional", "none"}
        Whether each case must have a label; without ones go to ``imagesTs``. ``none`` reads none.
    geometry : {"sform", "qform"} or None
        Which affine of a NIfTI header to believe where they disagree; None refuses such files.
    orientation : str or None
        Of the array axes, such as ``RAS``: the first axis runs to the right, and so on. None keeps.
    spacing_mm : tuple of 3 floats, "median" or "keep"
        Voxel spacing along the array axes. ``median``: that of the set; along an axis where it is
        more than three times that of each other one, and which has fewer voxels than a third of
        each other one, the tenth percentile of the set (as nnU-Net plans).
    interpolation : {"linear", "cubic"}
        Of images; labels are a linear vote. Across an axis of a scan that is more than three times
        as coarse as its finest, both take the nearest slice, as in nnU-Net.
    crop : Crop or None
    intensity : Intensity
        Of all channels that ``channels`` does not name.
    channels : dict of str to Intensity
        By name of the channel; by its number where the layout has no names.
    remap_labels : dict of int to int, "consecutive" or None
        New value of each label value; what is not named stays. ``consecutive`` closes the gaps, as
        nnU-Net asks for. Background (0) stays.
    image_dtype : {"float32", "int16"}
        ``int16`` rounds; refused where intensities are z-scored.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(default=None, pattern=r"^[\w][\w .-]*$")
    layout: LayoutRules = LayoutRules()
    labels: Literal["required", "optional", "none"] = "required"
    geometry: Geometry | None = None
    orientation: str | None = "RAS"
    spacing_mm: tuple[_Positive, _Positive, _Positive] | Literal["median", "keep"] = "median"
    interpolation: Literal["linear", "cubic"] = "cubic"
    crop: Crop | None = Crop()
    intensity: Intensity = Intensity()
    channels: dict[str, Intensity] = {}
    remap_labels: dict[int, int] | Literal["consecutive"] | None = "consecutive"
    image_dtype: Literal["float32", "int16"] = "float32"

    @field_validator("orientation")
    @classmethod
    def _names_each_axis(cls, orientation: str | None) -> str | None:
        ends = ("LR", "AP", "IS")
        if orientation is not None and sorted(orientation) not in [
            sorted(letters) for letters in product(*ends)
        ]:
            raise ValueError("must have one letter of each of L/R, A/P and I/S, such as RAS")
        return orientation

    @field_validator("remap_labels")
    @classmethod
    def _labels_usable(cls, labels: Any) -> Any:
        if isinstance(labels, dict):
            if min([*labels.keys(), *labels.values()], default=0) < 0:
                raise ValueError("label values must not be negative")
            if labels.get(0, 0) != 0:
                raise ValueError("0 is the background and must stay 0")
        return labels

    @model_validator(mode="after")
    def _dtype_fits(self) -> PreprocessConfig:
        for name, intensity in {"intensity": self.intensity, **self.channels}.items():
            if self.image_dtype == "int16" and intensity.normalise == "zscore":
                raise ValueError(
                    f"image_dtype int16 would round the z-scores of {name!r} away; "
                    "set normalise to none or use float32"
                )
        return self


def load_config(source: StrPath | None = None, **options: Any) -> PreprocessConfig:
    """Read a configuration and let options override it.

    Parameters
    ----------
    source : path, str or None
        A YAML file, or the name of a shipped configuration; None for ``default``.
    **options
        Fields of PreprocessConfig that replace the file's.

    Raises
    ------
    InputError
        If the file cannot be read, or a key or value is wrong. The message names it.
    """
    return read_settings(
        PreprocessConfig, config_file(source or DEFAULT_CONFIG, "preprocessing"), options
    )
