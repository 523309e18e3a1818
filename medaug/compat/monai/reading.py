"""MONAI's names for interpolation and for what lies outside, as medaug's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monai.transforms.utils import resolves_modes
from monai.utils import TransformBackends, ensure_tuple_rep

from medaug.resample import Mode, PaddingMode
from medaug.transforms.options import WarpOptions

# What torch's grid_sample understands, and what scipy's map_coordinates does: MONAI hands the
# voxels to the one or the other, by whether the mode is a name or the order of a spline.
_TORCH_MODES: Mapping[str, Mode] = {"nearest": "nearest", "bilinear": "linear"}
_TORCH_PADDINGS: Mapping[str, PaddingMode] = {
    "zeros": "constant",
    "border": "border",
    "reflection": "symmetric",
}
_SPLINES: Mapping[str, Mode] = {"0": "nearest", "1": "linear", "3": "cubic"}
_SCIPY_PADDINGS: Mapping[str, PaddingMode] = {
    "constant": "constant",
    "grid-constant": "constant",
    "nearest": "border",
    "mirror": "reflect",
    "reflect": "symmetric",
    "grid-mirror": "symmetric",
}


def reading_of(count: int, mode: Any, padding_mode: Any) -> WarpOptions:
    """Return the options that say how each of ``count`` keys is read.

    Parameters
    ----------
    count : int
    mode, padding_mode : str, int or a sequence of them
        As MONAI's ``Resample`` takes them.

    Raises
    ------
    ValueError
        If MONAI does not know a name, medaug cannot read that way, or there are not as many
        entries as keys.
    """
    modes = ensure_tuple_rep(mode, count)
    paddings = ensure_tuple_rep(padding_mode, count)
    pairs = [_reading(m, p) for m, p in zip(modes, paddings, strict=True)]
    return {"mode": [m for m, _ in pairs], "padding_mode": [p for _, p in pairs]}


def _reading(mode: Any, padding_mode: Any) -> tuple[Mode, PaddingMode]:
    backend, interpolation, padding, _ = resolves_modes(mode, padding_mode, backend=None)
    if backend == TransformBackends.NUMPY:
        ours = chosen("mode", interpolation, _SPLINES)
        return ours, chosen("padding_mode", padding, _SCIPY_PADDINGS)
    ours = chosen("mode", interpolation, _TORCH_MODES)
    return ours, chosen("padding_mode", padding, _TORCH_PADDINGS)


def chosen(name: str, value: Any, offered: Mapping[str, Any]) -> Any:
    """Return what ``offered`` has for ``value``, which may be a member of an enumeration.

    Raises
    ------
    ValueError
        If it has nothing; the message says what there is.
    """
    key = str(getattr(value, "value", value))
    if key not in offered:
        raise ValueError(
            f"{name}={key!r} of MONAI is not offered by medaug.compat.monai, which has "
            f"{', '.join(offered)}"
        )
    return offered[key]
