"""Label maps there and back again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from raw_sets import write_case, write_set

from medaug.errors import InputError
from medaug.io.volume import read_volume, write_volume
from medaug.preprocessing.config import PreprocessConfig
from medaug.preprocessing.preprocess import preprocess
from medaug.preprocessing.restore import restore

OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0] * [0.7, 0.7, 4]
OBLIQUE[:3, 3] = (30, -8, 12)


def there(source: Path, out: Path, **config) -> Path:
    preprocess(source, out, PreprocessConfig(**config), workers=1)
    return out


def back(done: Path, source: Path, out: Path, **options):
    settings = {"preprocessed": done, "workers": 1, **options}
    return restore(done / "labelsTr", source, out, PreprocessConfig(), **settings)


def dice(one: np.ndarray, other: np.ndarray) -> list[float]:
    return [
        2
        * ((one == value) & (other == value)).sum()
        / ((one == value).sum() + (other == value).sum())
        for value in np.unique(one)
        if value
    ]


@pytest.mark.parametrize("orientation", ["RAS", "PIL"])
def test_without_resampling_every_voxel_comes_back(tmp_path, orientation):
    source = tmp_path / "in"
    write_case(source, "oblique", affine=OBLIQUE, shape=(20, 22, 9))
    write_case(source, "straight")
    done = there(source, tmp_path / "out", spacing_mm="keep", orientation=orientation)
    restored = back(done, source, tmp_path / "back")
    assert restored.without_prediction == ()
    for name in ("oblique", "straight"):
        truth = read_volume(source / name / f"{name}_seg.nii.gz")
        found = read_volume(tmp_path / f"back/{name}.nii.gz")
        np.testing.assert_array_equal(found.data, truth.data)
        np.testing.assert_allclose(found.affine, truth.affine, atol=1e-5)
        assert found.data.dtype == np.uint8


def test_an_oblique_anisotropic_scan_comes_back_to_its_place(tmp_path):
    source = tmp_path / "in"
    write_case(source, "a", affine=OBLIQUE, shape=(24, 24, 10))
    done = there(source, tmp_path / "out", spacing_mm=(0.5, 0.5, 2.0))
    back(done, source, tmp_path / "back")
    truth = read_volume(source / "a/a_seg.nii.gz").data
    assert min(dice(truth, read_volume(tmp_path / "back/a.nii.gz").data)) > 0.97


def test_real_labels_survive_the_way_there_and_back(hippocampus, tmp_path):
    source = tmp_path / "in"
    for image in sorted((hippocampus / "imagesTr").glob("hippocampus_*.nii.gz"))[:3]:
        for folder in ("images", "labels"):
            (source / folder).mkdir(parents=True, exist_ok=True)
            shutil.copy(hippocampus / f"{folder}Tr" / image.name, source / folder)
    done = there(source, tmp_path / "out", spacing_mm=(0.8, 0.8, 0.8))
    back(done, source, tmp_path / "back")
    for path in (source / "labels").iterdir():
        truth, found = read_volume(path), read_volume(tmp_path / "back" / path.name)
        assert min(dice(truth.data, found.data)) > 0.97
        np.testing.assert_array_equal(found.affine, truth.affine)


def test_without_the_plan_values_stay_and_the_header_is_that_of_the_scan(tmp_path):
    source = write_set(tmp_path / "in", ["a"])
    scan = read_volume(source / "a/a_t1.nii.gz")
    scan.header["descrip"] = b"scanner 7"
    write_volume(source / "a/a_t1.nii.gz", scan.data, scan.affine, like=scan)
    done = there(source, tmp_path / "out")
    back(done, source, tmp_path / "back", preprocessed=None)
    found = read_volume(tmp_path / "back/a.nii.gz")
    assert np.unique(found.data).tolist() == [0, 1, 2, 3]
    assert found.header["descrip"].item() == b"scanner 7"


def test_what_is_missing_is_told(tmp_path):
    source = write_set(tmp_path / "in", ["a", "b"])
    done = there(source, tmp_path / "out")
    (done / "labelsTr/b.nii.gz").unlink()
    assert back(done, source, tmp_path / "back").without_prediction == ("b",)
    assert [path.name for path in (tmp_path / "back").iterdir()] == ["a.nii.gz"]


def test_a_prediction_of_no_case_is_refused_before_anything_is_written(tmp_path):
    source = write_set(tmp_path / "in", ["a"])
    done = there(source, tmp_path / "out")
    shutil.copy(done / "labelsTr/a.nii.gz", done / "labelsTr/z.nii.gz")
    with pytest.raises(InputError, match=r"z\.nii\.gz: no case z in"):
        back(done, source, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_a_prediction_of_another_place_is_refused(tmp_path):
    source = write_set(tmp_path / "in", ["a"])
    done = there(source, tmp_path / "out")
    label = read_volume(done / "labelsTr/a.nii.gz")
    write_volume(done / "labelsTr/a.nii.gz", label.data, label.affine + np.eye(4, k=3) * 500)
    with pytest.raises(InputError, match="lies in another place than its image"):
        back(done, source, tmp_path / "back")


def test_merged_labels_and_strange_values_are_refused(tmp_path):
    source = write_set(tmp_path / "in", ["a"])
    merged = there(source, tmp_path / "merged", remap_labels={2: 1})
    with pytest.raises(InputError, match="labels 1 and 2 were merged into 1"):
        back(merged, source, tmp_path / "back")
    done = there(source, tmp_path / "out")
    label = read_volume(done / "labelsTr/a.nii.gz")
    write_volume(done / "labelsTr/a.nii.gz", label.data + 4, label.affine)
    with pytest.raises(InputError, match=r"label value 4 is none of the .* \(0, 1, 2, 3\)"):
        back(done, source, tmp_path / "back")


def test_a_folder_that_holds_something_is_refused(tmp_path):
    source = write_set(tmp_path / "in", ["a"])
    done = there(source, tmp_path / "out")
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "note.txt").touch()
    with pytest.raises(InputError, match=r"back: is not empty; name a new folder\.$"):
        back(done, source, tmp_path / "back")


def test_a_folder_without_a_plan_is_refused(tmp_path):
    source = write_set(tmp_path / "in", ["a"])
    done = there(source, tmp_path / "out")
    (done / "plan.json").write_text('{"plan": {"dataset": 3}}')
    with pytest.raises(InputError, match=r"plan\.json: key plan\.dataset: .*valid string"):
        back(done, source, tmp_path / "back")
