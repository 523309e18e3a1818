"""One case from its files to the preprocessed ones: places, values, and memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from raw_sets import LPS, SHAPE, write_case

from medaug.errors import InputError
from medaug.io.cached import map_cached_case
from medaug.io.cases import CaseFiles, ScanFiles
from medaug.io.volume import Volume, read_volume, write_volume
from medaug.preprocessing.case import CaseJob, process_case
from medaug.preprocessing.config import Crop, Fixed, Intensity
from medaug.preprocessing.plan import ChannelPlan, Plan

PLAIN = Intensity(clip_percentiles=None, normalise="none")
CHANNELS = ("t1", "t2")

#: Prints the bytes that a case takes at most beyond what the imports do.
MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np
from test_process_case import case_of, plan_of
from medaug.io.volume import write_volume
from medaug.preprocessing.case import CaseJob, process_case
from medaug.preprocessing.config import Intensity

root = Path(sys.argv[1])
job = CaseJob(case_of(root, "big"), {}, plan_of(Intensity(), spacing_mm=eval(sys.argv[2])),
              root / "out", ("nifti", "cache"))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
process_case(job)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def case_of(root: Path, name: str = "a", channels=CHANNELS) -> CaseFiles:
    images = tuple(ScanFiles(root / name / f"{name}_{each}.nii.gz") for each in channels)
    return CaseFiles(name, images, ScanFiles(root / name / f"{name}_seg.nii.gz"), "patient")


def plan_of(*intensities: Intensity, **changes) -> Plan:
    settings = {
        "dataset": "Set",
        "geometry": None,
        "orientation": "RAS",
        "spacing_mm": None,
        "interpolation": "cubic",
        "crop": None,
        "channels": tuple(
            ChannelPlan(name=name, intensity=intensity)
            for name, intensity in zip(CHANNELS, intensities * 2, strict=False)
        ),
        "label_map": {0: 0, 1: 1, 2: 2, 4: 3},
        "labels": {0: "background", 1: "one", 2: "two", 3: "four"},
        "label_dtype": "uint8",
        "image_dtype": "float32",
    }
    return Plan(**{**settings, **changes})


def run(tmp_path: Path, plan: Plan, **job):
    write_case(tmp_path, "a")
    out = tmp_path / "out"
    record = process_case(CaseJob(case_of(tmp_path), {"file": "sum"}, plan, out, **job))
    image = [read_volume(out / f"imagesTr/a_000{channel}.nii.gz") for channel in range(2)]
    return record, image, read_volume(out / "labelsTr/a.nii.gz")


def test_only_the_axes_are_turned_if_nothing_else_is_asked_for(tmp_path):
    record, image, label = run(tmp_path, plan_of(PLAIN))
    before = read_volume(tmp_path / "a/a_t1.nii.gz")
    np.testing.assert_array_equal(image[0].data, before.data[:, ::-1, ::-1])
    np.testing.assert_allclose(image[0].affine[:3, :3], np.diag([1, 1, 2]))
    seg = read_volume(tmp_path / "a/a_seg.nii.gz").data[:, ::-1, ::-1]
    np.testing.assert_array_equal(label.data, np.where(seg == 4, 3, seg))
    np.testing.assert_array_equal(label.affine, image[0].affine)
    assert record.steps == ("reoriented from LPS to RAS", "labels 4 to 3")
    assert (record.original.shape, record.original.orientation) == (SHAPE, "LPS")
    assert record.written.orientation == "RAS"


def test_a_ramp_stays_that_ramp_through_all_steps_of_geometry(tmp_path):
    write_case(tmp_path, "a")
    (tmp_path / "out").mkdir()
    places = np.moveaxis(np.indices(SHAPE), 0, -1) @ LPS[:3, :3].T + LPS[:3, 3]
    ramp = (places @ [1.0, 2.0, -3.0]).astype(np.float32)
    write_volume(tmp_path / "a/a_t1.nii.gz", ramp, LPS)
    above = float(np.median(ramp))
    plan = plan_of(PLAIN, spacing_mm=(0.8, 1.3, 1.5), interpolation="linear",
                   crop=Crop(above=above, margin_mm=2), orientation="IPL")  # fmt: skip
    process_case(CaseJob(case_of(tmp_path), {}, plan, tmp_path / "out"))
    after = read_volume(tmp_path / "out/imagesTr/a_0000.nii.gz")
    where = np.moveaxis(np.indices(after.data.shape[1:]), 0, -1) @ after.affine[:3, :3].T
    truth = (where + after.affine[:3, 3]) @ [1.0, 2.0, -3.0]
    inner = (slice(1, -1),) * 3  # at the border voxels are continued
    np.testing.assert_allclose(after.data[0][inner], truth[inner], atol=1e-3)
    np.testing.assert_allclose(after.spacing_mm, (0.8, 1.3, 1.5), rtol=1e-6)


def test_the_crop_keeps_the_foreground_the_label_and_the_margin(tmp_path):
    record, image, _ = run(tmp_path, plan_of(PLAIN, crop=Crop(margin_mm=2)))
    # A sixth on each side is background: 3 of 18, 2 of 16, 2 of 12; the margin is 2, 2, 1 voxels.
    assert record.crop == ((1, 17), (0, 16), (1, 11))
    whole = read_volume(tmp_path / "a/a_t1.nii.gz").data[:, ::-1, ::-1]
    np.testing.assert_array_equal(image[0].data, whole[:, 1:17, :, 1:11])
    record, image, _ = run(tmp_path / "2", plan_of(PLAIN, crop=Crop(above=5000, margin_mm=0)))
    # Nothing is so bright; what is labelled is kept.
    assert image[0].data.shape[1:] == (8, 8, 6)


def test_scores_are_of_the_foreground_that_was_there_before_interpolation(tmp_path):
    plan = plan_of(Intensity(), crop=Crop(), spacing_mm=(1.5, 1.5, 1.5))
    record, image, _ = run(tmp_path, plan)
    for volume in image:
        inside = volume.data[volume.data != 0]
        assert inside.mean() == pytest.approx(0, abs=1e-3)
        assert inside.std() == pytest.approx(1, abs=1e-3)
        assert 0.2 < inside.size / volume.data.size < 0.4  # the background is exactly 0
    assert [step.partition(",")[0] for step in record.steps if "z-scored" in step] == [
        "t1: z-scored",
        "t2: z-scored",
    ]


def test_channels_have_intensities_of_their_own(tmp_path):
    window = Intensity(
        window=(0, 400), clip_percentiles=None, normalise=Fixed(subtract=100, divide=200)
    )
    _, image, _ = run(tmp_path, plan_of(window, PLAIN, image_dtype="float32"))
    before = [read_volume(tmp_path / f"a/a_{name}.nii.gz").data for name in CHANNELS]
    expected = (np.clip(before[0], 0, 400)[:, ::-1, ::-1] - 100) / 200
    np.testing.assert_allclose(image[0].data, expected, rtol=1e-6)
    np.testing.assert_array_equal(image[1].data, before[1][:, ::-1, ::-1])


def test_int16_stays_int16(tmp_path):
    _, image, _ = run(tmp_path, plan_of(PLAIN, image_dtype="int16"))
    assert image[0].data.dtype == np.int16


def test_the_header_of_the_original_is_kept(tmp_path):
    write_case(tmp_path, "a")
    first = tmp_path / "a/a_t1.nii.gz"
    scan = read_volume(first)
    scan.header["descrip"] = b"scanner 7"
    write_volume(first, scan.data, scan.affine, like=Volume(scan.data, scan.affine, scan.header))
    process_case(CaseJob(case_of(tmp_path), {}, plan_of(PLAIN), tmp_path / "out"))
    after = read_volume(tmp_path / "out/imagesTr/a_0000.nii.gz")
    assert after.header["descrip"].item() == b"scanner 7"


def test_the_cached_arrays_are_those_of_the_files(tmp_path):
    record, image, label = run(tmp_path, plan_of(Intensity()), formats=("nifti", "cache"))
    cached = map_cached_case(tmp_path / "out/cache/a")
    np.testing.assert_allclose(
        cached.image, np.concatenate([volume.data for volume in image]), atol=2e-3
    )
    np.testing.assert_array_equal(cached.label, label.data[0])
    assert (cached.facts.channels, cached.facts.patient) == (CHANNELS, "patient")
    assert "cache/a/image.npy" in record.outputs


def test_a_channel_that_cannot_be_normalised_is_named(tmp_path):
    write_case(tmp_path, "a")
    write_volume(tmp_path / "a/a_t2.nii.gz", np.full(SHAPE, 3, np.int16), LPS)
    with pytest.raises(InputError, match=r"a_t2.nii.gz: channel 't2': the foreground is constant"):
        process_case(CaseJob(case_of(tmp_path), {}, plan_of(Intensity()), tmp_path / "out"))


@pytest.mark.parametrize("spacing", ["None", "(2.0, 2.0, 2.0)"])
def test_memory_stays_below_six_times_the_raw_size(tmp_path, spacing):
    shape = (160, 160, 160)
    ramp = np.add.outer(np.add.outer(np.arange(160), np.arange(160)), np.arange(160))
    (tmp_path / "big").mkdir()
    for channel in CHANNELS:
        write_volume(tmp_path / f"big/big_{channel}.nii.gz", ramp.astype(np.int16), LPS)
    write_volume(tmp_path / "big/big_seg.nii.gz", (ramp > 300).astype(np.uint8), LPS)
    raw_bytes = np.prod(shape) * (2 * len(CHANNELS) + 1)
    command = [sys.executable, "-c", MEMORY, str(tmp_path), spacing]
    done = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 6 * raw_bytes
