"""A Sphinx extension: above the docstring of each transform, a picture of what it does.

The pictures are drawn while the pages are read, from the phantom of the benchmark. Each shows a
slice before and after and, where voxels move, the planes of the input's grid as the warp bends
them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from monai.data import MetaTensor
from sphinx.application import Sphinx

from medaug import policy, transforms
from medaug.benchmark.cases.phantom import PhantomConfig, make_phantom
from medaug.compat import monai as drop_in
from medaug.drawing import Plane, draw_slice, figure_png, plane_through
from medaug.geometry import Warp
from medaug.policy.operations import OPERATIONS
from medaug.rng import generator
from medaug.transforms.base import DictTransform, Record, Sample
from medaug.transforms.warping import WarpDictTransform

IMAGE, BOTH = "image", ["image", "label"]
#: Outside of the scan is as dark as the air in it.
_PADDED = {"padding_value": [-0.6, 0]}
_MODES = {"mode": ["linear", "vote"], **_PADDED}

#: What is shown of the transforms that are no row of the table of operations, or show little there.
_ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "RandSpatiald": {
        "rotate_degrees": 20,
        "scale": 0.2,
        "shear_degrees": 8,
        "elastic_spacing_mm": 32,
        "elastic_std_mm": 3,
        "flip_prob": (0.5, 0, 0),
        **_MODES,
    },
    "RandAffined": {"rotate_degrees": 25, "scale": (0.8, 1.3), "shear_degrees": 10, **_MODES},
    "RandElasticd": {"elastic_spacing_mm": 32, "elastic_std_mm": 4, **_MODES},
    "RandZoomd": {"zoom": (1.2, 1.5), **_MODES},
    "RandFlipd": {"flip_prob": (1, 0, 0)},
    "RandRotate90d": {"max_turns": 1},
    "RandCropd": {"spatial_size": 40, "method": "foreground"},
    "PadCropd": {"spatial_size": (100, 70, -1), **_PADDED},
    "Resampled": {"spacing_mm": 6, **_MODES},
    "RandWindowd": {"level": (0.4, 0.8), "width": (1.5, 2), "output": (-1, 1)},
    "RandClipd": {"lower_percentile": (5, 5), "upper_percentile": (90, 90)},
    "RandNonlinearCurved": {"strength": (0.3, 0.3)},
    "RandHistogramShiftd": {"strength": (1, 1)},
    "RandFieldStrengthd": {"to_tesla": (0.5, 7)},
    "Standardized": {},
    "RandBiasFieldd": {"strength": (1.5, 1.5)},
    "RandGibbsd": {"keep": (0.35, 0.35)},
    "RandSpiked": {"intensity": (0.4, 0.4)},
    "RandBlockCompressiond": {"quality": (5, 5)},
    "RandCutOutd": {"holes": (4, 4), "size_mm": (20, 40)},
    "RandSharpend": {"amount": (2, 2)},
    "RandGammad": {"gamma": (0.4, 0.4)},
    "RandMediand": {"radius_voxels": (1, 1)},
    "RandGaussianNoised": {"std": (0.3, 0.3)},
    "RandRicianNoised": {"std": (0.3, 0.3), "zero_is_low": True},
    "RandPoissonNoised": {"peak": (20, 20)},
    "RandIntensityShiftd": {"offset": (0.8, 0.8)},
    "RandSaltPepperd": {"density": (0.02, 0.02)},
}
#: Likewise for CT in HU.
_CT_ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "RandQuantumNoised": {"dose": (0.02, 0.02)},
    "RandMetalStreaksd": {"amplitude_hu": (500, 500)},
}
#: Likewise of the drop-in transforms, in MONAI's units.
_DROP_IN_ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "Rand3DElasticd": {
        "sigma_range": (8, 8),
        "magnitude_range": (400, 400),
        "mode": ["bilinear", "nearest"],
        "padding_mode": "border",
    },
    "RandAffined": {
        "rotate_range": 0.4,
        "scale_range": 0.2,
        "shear_range": 0.2,
        "mode": ["bilinear", "nearest"],
        "padding_mode": "border",
    },
    "RandFlipd": {"spatial_axis": 0},
    "RandRotate90d": {"max_k": 1},
    "RandZoomd": {"min_zoom": 1.2, "max_zoom": 1.5, "mode": ["trilinear", "nearest"]},
    "RandAdjustContrastd": {"gamma": (0.4, 0.5)},
    "RandBiasFieldd": {"coeff_range": (0.2, 0.4)},
    "RandGaussianNoised": {"std": 0.5},
    "RandGaussianSmoothd": {f"sigma_{axis}": (1, 1.5) for axis in "xyz"},
    "RandGibbsNoised": {"alpha": (0.6, 0.8)},
    "RandRicianNoised": {"std": 0.5},
    "RandScaleIntensityd": {"factors": (0.5, 0.5)},
    "RandShiftIntensityd": {"offsets": (0.8, 0.8)},
    "RandSimulateLowResolutiond": {"zoom_range": (0.3, 0.4)},
}
#: Gain and offset of the image that is to be standardised.
_UNLIKE_ZSCORES = 0.4, 1.0

_SEED = 0
#: How many draws there are to choose from; a single one may happen to be a weak one.
_DRAWS = 8
#: What the darkest and a bright voxel of the phantom become for what takes CT in HU.
_AIR_HU, _BRIGHT_HU = -1000.0, 500.0
_GRID_MM, _GRID_COLOUR = 14.0, "#56b4e9"
_HEIGHT_IN, _DPI = 2.4, 110


class Panel(NamedTuple):
    """One of the slices of a picture, side by side."""

    sample: Sample
    plane: Plane
    window: tuple[float, float]
    outlined: bool
    #: From the voxels of the sample to those of the input, if its grid is drawn.
    warp: Warp | None = None


def pictured() -> list[str]:
    """Return the addresses of all classes that have a picture, each once: aliases are none."""
    names = {
        f"{module.__name__}.{getattr(module, name).__name__}"
        for module in (transforms, drop_in)
        for name in module.__all__
    }
    return sorted({*names, *_OTHERS})


def picture_png(address: str) -> bytes:
    """Return the picture of a transform, by the address of its class."""
    name = address.rpartition(".")[2]
    transform, in_hu = example(address)
    before = _sample(0, in_hu=in_hu)
    if name == "Standardized":
        gain, offset = _UNLIKE_ZSCORES
        before[IMAGE] = before[IMAGE] * gain + offset
    record = _clearest(transform, before)
    after = transform.apply(before, record)
    windows = [_window(before), _window(before)]
    if name == "RandWindowd":  # from one scale to another
        windows[1] = _window(after)
    elif name == "Standardized":
        windows = [_window(after), _window(after)]
    outlined = "label" in transform.keys
    panels = [
        Panel(sample, _plane(sample), window, outlined)
        for sample, window in zip((before, after), windows, strict=True)
    ]
    if warps := list(_warps_in(record)):
        warp = warps[0]
        for following in warps[1:]:
            warp = warp.then(following)
        panels.append(panels[1]._replace(outlined=False, warp=warp))
    return _drawn(panels)


def example(address: str) -> tuple[DictTransform, bool]:
    """Return a transform with arguments that show it, and whether it takes CT in HU."""
    if address in _OTHERS:
        return _OTHERS[address](), False
    module, _, name = address.rpartition(".")
    if module == drop_in.__name__:
        cls = getattr(drop_in, name)
        keys = BOTH if issubclass(cls, WarpDictTransform) else IMAGE
        return cls(keys, prob=1, **_DROP_IN_ARGUMENTS.get(name, {})), False
    if name in _ARGUMENTS:
        return _example(name), False
    row = next(row for row in OPERATIONS.values() if row.transform.__name__ == name)
    arguments = {**row.arguments, **_CT_ARGUMENTS.get(name, {})}
    return _example(name, **arguments), row.suits == ("ct",)


def _example(name: str, **arguments: Any) -> DictTransform:
    cls = getattr(transforms, name)
    keys = BOTH if issubclass(cls, WarpDictTransform) else IMAGE
    return cls(keys, **{**_ARGUMENTS.get(name, {}), **arguments})


def _fused() -> DictTransform:
    parts = ("RandFlipd", "RandAffined", "RandElasticd")
    return transforms.Fused([_example(part, **_MODES) for part in parts])


def _fused_intensity() -> DictTransform:
    return transforms.FusedIntensity(
        [
            transforms.RandBiasFieldd(IMAGE, strength=(1, 1)),
            transforms.RandGammad(IMAGE, gamma=(0.5, 0.6)),
            _example("RandGaussianNoised"),
        ]
    )


def _curriculum() -> DictTransform:
    grown = policy.Curriculumd([_example("RandSpatiald")], epochs=1)
    grown.set_epoch(1)
    return grown


def _mixed(mix: Any) -> DictTransform:
    return policy.RandMixd(IMAGE, "label", [_sample(2, in_hu=False)], mix)


#: The transforms that are made of others.
_OTHERS: Mapping[str, Callable[[], DictTransform]] = {
    "medaug.transforms.Fused": _fused,
    "medaug.transforms.FusedIntensity": _fused_intensity,
    "medaug.policy.RandAugmentd": lambda: policy.RandAugmentd(
        IMAGE, "label", operations=3, magnitude=9, warp_options=_PADDED
    ),
    "medaug.policy.Curriculumd": _curriculum,
    "medaug.policy.MixUp": lambda: _mixed(policy.MixUp(labels="dominant", alpha=5, max_share=0.8)),
    "medaug.policy.CutMix": lambda: _mixed(policy.CutMix(max_share=0.4)),
    "medaug.policy.CarveMix": lambda: _mixed(policy.CarveMix(lesion_labels=(1, 2))),
    "medaug.policy.RandMixd": lambda: _mixed(policy.CutMix(max_share=0.4)),
}


@cache
def _phantom() -> Any:
    return make_phantom(PhantomConfig(cases=3, shape=(80, 96, 80), spacing_mm=2.0)).cases


def _sample(case: int, *, in_hu: bool) -> Sample:
    """Return a case of the phantom as a pipeline carries it, one channel of it."""
    image, label = np.float32(_phantom()[case].image[:1]), _phantom()[case].label
    if in_hu:
        low, high = float(image.min()), float(np.percentile(image, 99.5))
        image = _AIR_HU + (image - low) * np.float32((_BRIGHT_HU - _AIR_HU) / (high - low))
    affine = np.diag([*_phantom()[case].spacing_mm, 1.0])
    return {
        key: MetaTensor(np.array(array), affine=affine)
        for key, array in ((IMAGE, image), ("label", label))
    }


def _clearest(transform: DictTransform, before: Sample) -> Record:
    """Return what changes the slice most, of a few draws."""
    records = [transform.sample(before, generator(_SEED, draw)) for draw in range(_DRAWS)]
    changes = [_change(before, transform.apply(before, record)) for record in records]
    return records[int(np.argmax(changes))]


def _change(before: Sample, after: Sample) -> float:
    pictures = [_plane(s).picture(np.asarray(s[IMAGE][0])) for s in (before, after)]
    if pictures[0].shape != pictures[1].shape:
        return 0.0  # whichever the draw, it shows
    return float(np.abs(pictures[1] - pictures[0]).mean())


def _warps_in(record: Any) -> Iterator[Warp]:
    """Yield the warps of a record and of the steps of a container, in their order."""
    if "warp" in record:
        yield Warp.from_dict(record["warp"])
    for step in record.get("steps", ()):
        yield from _warps_in(step["record"])


def _plane(sample: Sample) -> Plane:
    """Return the slice in array order: by the affine, a flipped scan would look as before."""
    label = np.asarray(sample["label"][0])
    return plane_through(np.diag([*_spacing_mm(sample), 1.0]), "axial", label.shape, label)


def _window(sample: Sample) -> tuple[float, float]:
    low, high = np.percentile(np.asarray(sample[IMAGE]), (0.5, 99.8)).tolist()
    return low, max(high, low + 1e-6)


def _drawn(panels: list[Panel]) -> bytes:
    """Return a PNG of the panels, all with the same height of the picture."""
    pictures = [panel.plane.picture(np.asarray(panel.sample[IMAGE][0])) for panel in panels]
    widths_in = [
        _HEIGHT_IN * picture.shape[1] / (picture.shape[0] * panel.plane.aspect)
        for picture, panel in zip(pictures, panels, strict=True)
    ]
    gap_in, left_in = 0.06, 0.0
    total_in = sum(widths_in) + gap_in * (len(panels) - 1)
    figure = Figure(figsize=(total_in, _HEIGHT_IN), dpi=_DPI, facecolor="none")
    for panel, picture, width_in in zip(panels, pictures, widths_in, strict=True):
        axes = figure.add_axes((left_in / total_in, 0, width_in / total_in, 1))
        left_in += width_in + gap_in
        label = None
        if panel.outlined:
            label = panel.plane.picture(np.asarray(panel.sample["label"][0], np.int32))
        draw_slice(axes, picture, panel.window, label)
        if panel.warp is not None:
            draw_grid(axes, panel.warp, panel.plane, _spacing_mm(_sample(0, in_hu=False)))
    return figure_png(figure)


def _spacing_mm(sample: Sample) -> list[float]:
    return np.linalg.norm(np.asarray(sample["label"].affine)[:3, :3], axis=0).tolist()


def draw_grid(axes: Axes, warp: Warp, plane: Plane, spacing_mm: list[float]) -> None:
    """Draw where the planes of the input's grid cut the slice.

    Parameters
    ----------
    axes : matplotlib axes
        With the slice.
    warp : Warp
        From the voxels of the slice's volume to those of the input.
    plane : Plane
        The slice.
    spacing_mm : sequence of 3 floats
        Of the input.
    """
    shape = warp.output_shape
    index = [plane.picture(np.broadcast_to(each, shape)) for each in np.indices(shape, sparse=True)]
    rows, columns = index[0].shape
    points = np.stack([each.ravel() for each in index], axis=1)
    source = warp.map_points(points).reshape(rows, columns, 3)
    for axis in range(3):
        if axis == plane.axis:
            continue
        millimetres = source[..., axis] * spacing_mm[axis]
        levels = np.arange(0, millimetres.max(), _GRID_MM)
        levels = levels[levels > millimetres.min()]
        if len(levels):
            axes.contour(millimetres, levels=levels, colors=_GRID_COLOUR, linewidths=0.8)


def _add_picture(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Put the picture of a transform above its docstring."""
    if name not in pictured():
        return
    folder = Path(app.outdir).parent / f"{Path(app.outdir).name}-pictures"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.png"
    file.write_bytes(picture_png(name))
    lines[0:0] = [
        f".. image:: /{Path(os.path.relpath(file, app.srcdir)).as_posix()}",
        f"   :alt: A slice of the phantom before and after {obj.__name__}",
        "   :class: transform-picture",
        "",
    ]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("autodoc-process-docstring", _add_picture, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
