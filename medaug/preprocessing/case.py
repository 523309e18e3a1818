"""A case from its files to the files of the preprocessed data set.

Channel by channel, so that no more than a few of them are in memory beside the scan.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medaug.errors import InputError
from medaug.io.cached import write_cached_case
from medaug.io.cases import CaseFiles
from medaug.io.checksums import sha256_of
from medaug.io.orientation import orientation_of, reorient
from medaug.io.scan import read_image, read_label
from medaug.io.volume import Volume, write_volume
from medaug.preprocessing.config import Fixed, Intensity
from medaug.preprocessing.grids import Box, Grid, Mask, box_around, box_on
from medaug.preprocessing.output import (
    CaseRecord,
    Format,
    GridFacts,
    cache_files,
    image_file,
    intact_record,
    label_file,
    make_folders,
    write_record,
)
from medaug.preprocessing.plan import ChannelPlan, Plan
from medaug.preprocessing.steps import (
    clip_to_percentiles,
    coarse_axis,
    foreground_mask,
    remap,
    resample,
    to_int16,
    zscore,
)
from medaug.typing import AnyArray, FloatArray


@dataclass(frozen=True)
class CaseJob:
    """What a worker needs to know to preprocess a case.

    Attributes
    ----------
    case : CaseFiles
    inputs : mapping of str to str
        SHA-256 of each of its files.
    plan : Plan
    out : Path
        The folder of the preprocessed data set.
    formats : tuple of {"nifti", "cache"}
    resume : bool
        Leave the case as it is if it is all there.
    """

    case: CaseFiles
    inputs: Mapping[str, str]
    plan: Plan
    out: Path
    formats: tuple[Format, ...] = ("nifti",)
    resume: bool = False


@dataclass(frozen=True)
class _Scan:
    """A case in memory, its axes as planned, and the grid that it is brought to."""

    image: Volume
    label: Volume | None
    old: Grid
    new: Grid
    box: Box | None


def process_case(job: CaseJob) -> CaseRecord:
    """Read a case, do what is planned, and write it; its record comes last.

    Raises
    ------
    InputError
        If the case cannot be read, processed or written.
    """
    done = intact_record(job.out, job.case.name, job.inputs, job.formats) if job.resume else None
    if done is not None:
        return done
    started = time.perf_counter()
    make_folders(job.out, job.formats)
    image, label = _read(job)
    original = _facts(image)
    scan = _placed(image, label, job)
    del image, label  # in another orientation these are copies
    words = _geometry_in_words(original, scan, job.plan)
    files = _write_voxels(scan, job, words)
    record = CaseRecord(
        case=job.case.name,
        patient=job.case.patient,
        labelled=scan.label is not None,
        inputs=dict(job.inputs),
        steps=tuple(words),
        original=original,
        written=_facts_of(scan.new),
        crop=scan.box,
        outputs={name: sha256_of(job.out / name) for name in files},
        seconds=round(time.perf_counter() - started, 3),
    )
    write_record(job.out, record)
    return record


def _read(job: CaseJob) -> tuple[Volume, Volume | None]:
    image = read_image(job.case, geometry=job.plan.geometry)
    if len(image.data) != len(job.plan.channels):
        raise InputError(
            f"{job.case.images[0].path}: the case has {len(image.data)} channels, the plan "
            f"{len(job.plan.channels)}; the file has changed since it was checked, run again."
        )
    if job.case.label is None or not job.plan.labels:
        return image, None
    return image, read_label(job.case, image, geometry=job.plan.geometry)


def _placed(image: Volume, label: Volume | None, job: CaseJob) -> _Scan:
    """Turn the axes as planned and choose the grid."""
    plan = job.plan
    if plan.orientation is not None:
        image = reorient(image, plan.orientation)
        label = None if label is None else reorient(label, plan.orientation)
    i, j, k = image.data.shape[1:]
    old = Grid((i, j, k), image.affine)
    new = old if plan.spacing_mm is None else old.with_spacing(plan.spacing_mm)
    if plan.crop is None:
        return _Scan(image, label, old, new, None)
    inside = np.zeros(old.shape, bool) if label is None else label.data[0] > 0
    for values in image.data:
        inside |= foreground_mask(values, plan.crop.above)
    found = box_around(inside)
    if found is None:
        raise InputError(
            f"{job.case.images[0].path}: there is no foreground to crop to; correct crop.above or "
            "remove the case."
        )
    box = box_on(new, found, old, plan.crop.margin_mm)
    return _Scan(image, label, old, new.cropped(box), box)


def _write_voxels(scan: _Scan, job: CaseJob, words: list[str]) -> list[str]:
    """Write the arrays of a case; return the names of the files below the output folder."""
    case, plan, files = job.case.name, job.plan, []
    label = None
    if scan.label is not None:
        label = _finish_label(scan.label, scan, plan)
        if "nifti" in job.formats:
            files.append(label_file(case))
            write_volume(job.out / files[-1], label, scan.new.affine, like=scan.label)
    kept = None
    if "cache" in job.formats:
        kept = np.empty((len(plan.channels), *scan.new.shape), plan.image_dtype)
    for number, values in enumerate(_finished_channels(scan, job, words)):
        if "nifti" in job.formats:
            files.append(image_file(case, number, labelled=label is not None))
            write_volume(job.out / files[-1], values, scan.new.affine, like=scan.image)
        if kept is not None:
            kept[number] = values
    if kept is not None:
        folder = job.out / cache_files(case)[0].rpartition("/")[0]
        write_cached_case(
            folder,
            kept,
            label,
            scan.new.affine,
            name=case,
            patient=job.case.patient,
            channels=[channel.name for channel in plan.channels],
        )
        files += [name for name in cache_files(case) if (job.out / name).exists()]
    return files


def _finished_channels(scan: _Scan, job: CaseJob, words: list[str]) -> Iterator[AnyArray]:
    images = job.case.images
    for number, channel in enumerate(job.plan.channels):
        file = images[number if number < len(images) else 0].path
        try:
            yield _finish_channel(scan, number, channel, job.plan, words)
        except ValueError as error:
            raise InputError(
                f"{file}: channel {channel.name!r}: {error}; correct the configuration or remove "
                "the case."
            ) from None


def _finish_channel(
    scan: _Scan, number: int, channel: ChannelPlan, plan: Plan, words: list[str]
) -> AnyArray:
    raw = scan.image.data[number]
    values = resample(raw, scan.old, scan.new, plan.interpolation).astype(np.float32, copy=True)
    if not np.isfinite([values.min(), values.max()]).all():
        raise ValueError("voxels are NaN or infinite")
    intensity = channel.intensity
    mask = None
    if intensity.clip_percentiles is not None or intensity.normalise == "zscore":
        mask = _foreground(raw, scan, plan)
    words += [f"{channel.name}: {step}" for step in _normalise(values, mask, intensity)]
    return to_int16(values) if plan.image_dtype == "int16" else values


def _foreground(raw: AnyArray, scan: _Scan, plan: Plan) -> Mask:
    """Return the foreground on the new grid, decided on the voxels that were read.

    Interpolation blurs the border of an exact background, and a spline swings below it.
    """
    mask = foreground_mask(raw, None if plan.crop is None else plan.crop.above)
    if mask.all():
        return np.ones(scan.new.shape, bool)
    return resample(mask.view(np.uint8), scan.old, scan.new, "vote").astype(bool)


def _normalise(values: FloatArray, mask: Mask | None, intensity: Intensity) -> Iterator[str]:
    """Change the intensities in place, and say how."""
    if intensity.window is not None:
        np.clip(values, *intensity.window, out=values)
        yield "clipped to {:g} to {:g}".format(*intensity.window)
    if intensity.clip_percentiles is not None and mask is not None and mask.any():
        low, high = clip_to_percentiles(values, mask, intensity.clip_percentiles)
        percents = "{:g} % to {:g} %".format(*intensity.clip_percentiles)
        yield f"clipped to {low:.6g} to {high:.6g} ({percents} of the foreground)"
    if isinstance(intensity.normalise, Fixed):
        values -= np.float32(intensity.normalise.subtract)
        values /= np.float32(intensity.normalise.divide)
        yield f"minus {intensity.normalise.subtract:g}, divided by {intensity.normalise.divide:g}"
    elif intensity.normalise == "zscore" and mask is not None:
        yield "z-scored, mean {:.6g} and s.d. {:.6g} before".format(*zscore(values, mask))


def _finish_label(label: Volume, scan: _Scan, plan: Plan) -> AnyArray:
    values = resample(label.data[0], scan.old, scan.new, "vote")
    return remap(values, plan.label_map, plan.label_dtype)


def _geometry_in_words(original: GridFacts, scan: _Scan, plan: Plan) -> list[str]:
    words = []
    turned = orientation_of(scan.old.affine)
    if turned != original.orientation:
        words.append(f"reoriented from {original.orientation} to {turned}")
    if plan.spacing_mm is not None and not np.allclose(
        scan.old.spacing_mm, scan.new.spacing_mm, rtol=1e-5
    ):
        axis = coarse_axis(scan.old.spacing_mm, scan.new.spacing_mm)
        nearest = "" if axis is None else f", nearest across axis {'IJK'[axis]}"
        words.append(
            f"resampled from {_lengths(scan.old)} to {_lengths(scan.new)} mm, "
            f"{plan.interpolation}{nearest}"
        )
    if plan.crop is not None:
        words.append(f"cropped to the foreground and {plan.crop.margin_mm:g} mm")
    moved = [f"{old} to {new}" for old, new in plan.label_map.items() if old != new]
    if scan.label is not None and moved:
        words.append(f"labels {', '.join(moved)}")
    return words


def _lengths(grid: Grid) -> str:
    return " x ".join(f"{length:g}" for length in grid.spacing_mm)


def _facts(volume: Volume) -> GridFacts:
    i, j, k = volume.data.shape[1:]
    return _facts_of(Grid((i, j, k), volume.affine))


def _facts_of(grid: Grid) -> GridFacts:
    return GridFacts(
        shape=grid.shape,
        spacing_mm=grid.spacing_mm,
        orientation=orientation_of(grid.affine),
        affine=tuple(map(tuple, grid.affine.tolist())),
    )
