"""A folder of DICOM series becomes cases: which series, under which name, with which label."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_makers import Grid, Study, write_segmentation, write_series

from medaug.errors import InputError
from medaug.io.cases import CaseFiles
from medaug.io.layouts import survey_dataset
from medaug.io.layouts.dicom import find_dicom
from medaug.io.layouts.rules import DicomRules, LayoutRules
from medaug.io.scan import read_image, read_label
from medaug.io.volume import write_volume

SHAPE = (4, 5, 3)
VOXELS = np.zeros(SHAPE, np.int16)
MASKS = np.zeros((3, 5, 4, 2), np.uint8)
MASKS[:, 1, 1, 0] = 1
MASKS[:, 2, 2, 1] = 1


def rules(**dicom: str) -> LayoutRules:
    return LayoutRules(dicom=DicomRules(**dicom))


def patient(name: str, **more: object) -> Study:
    """A patient with identifiers of its own."""
    return Study(patient=name, **{"study": name, "series": name, "frame": name, **more})


def mask(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(path, np.zeros(SHAPE, np.uint8), np.eye(4))


def labels(cases: tuple[CaseFiles, ...]) -> dict[str, Path | None]:
    return {case.name: case.label.path if case.label else None for case in cases}


def messages(found, severity: str) -> list[str]:
    return [problem.message for problem in found.problems if problem.severity == severity]


# --- cases --------------------------------------------------------------------------------------


def test_each_patient_is_a_case_named_by_the_id(tmp_path: Path) -> None:
    files = {}
    for name in ("P2", "P1"):
        files[name] = write_series(tmp_path / name / "ct", VOXELS, study=patient(name))
    found = find_dicom(tmp_path, rules())
    assert [(case.name, case.patient) for case in found.cases] == [("P1", "P1"), ("P2", "P2")]
    assert found.cases[0].images[0].slices == tuple(files["P1"])
    assert found.cases[0].images[0].path == tmp_path / "P1" / "ct"
    assert (found.name, found.layout, found.labels) == (tmp_path.name, "dicom", None)
    assert [problem.kind for problem in found.problems] == ["no_label", "no_label"]
    assert [problem.case for problem in found.problems] == ["P1", "P2"]
    assert "has no label" in messages(found, "error")[0]


def test_folder_stands_for_a_missing_id_and_names_fit_files(tmp_path: Path) -> None:
    write_series(tmp_path / "Müller 1" / "ct", VOXELS, study=patient("", study="a", series="a"))
    write_series(tmp_path / "x", VOXELS, study=patient("7/8 *b", study="b", series="b"))
    found = find_dicom(tmp_path, rules())
    assert [(case.name, case.patient) for case in found.cases] == [
        ("Müller_1", "Müller 1"),
        ("7_8_b", "7/8 *b"),
    ]


def test_names_take_date_and_number_only_where_needed(tmp_path: Path) -> None:
    write_series(tmp_path / "a", VOXELS, study=patient("P1", study="a", series="a"))
    write_series(
        tmp_path / "b", VOXELS, study=patient("P1", study="b", series="b", date="20240301")
    )
    write_series(tmp_path / "c", VOXELS, study=patient("P2", study="c", series="c"))
    write_series(tmp_path / "d", VOXELS, study=patient("P2", study="d", series="d", number=9))
    write_series(tmp_path / "e", VOXELS, study=patient("P3", study="e", series="e"))
    write_series(tmp_path / "f", VOXELS, study=patient("P4", study="f", series="f", date=""))
    write_series(tmp_path / "g", VOXELS, study=patient("P4", study="g", series="g", date=""))
    found = find_dicom(tmp_path, rules())
    assert {case.name for case in found.cases} == {
        "P1_20240131",
        "P1_20240301",
        "P2_20240131_3",
        "P2_20240131_9",
        "P3",
        "P4_3",
        "P4_3_2",
    }
    [first, *_] = messages(found, "note")
    assert "2 scans are of patient P1 (P1_20240131, P1_20240301)" in first
    assert len(messages(found, "note")) == 3


def test_patients_may_be_the_cases(tmp_path: Path) -> None:
    write_series(tmp_path / "a", VOXELS, study=patient("P1", study="a", series="a"))
    write_series(tmp_path / "b", VOXELS[..., :2], study=patient("P1", study="b", series="b"))
    found = find_dicom(tmp_path, rules(group="patient", pick="most_slices"))
    [case] = found.cases
    assert case.name == "P1"
    assert len(case.images[0].slices) == 3


# --- which series -------------------------------------------------------------------------------


@pytest.fixture
def three_series(tmp_path: Path) -> Path:
    """A study with two series of a CT, one of an MR and a localizer."""

    def localizer(image, place):
        image.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    thick = patient("P1", series="thick", number=5, description="Abdomen 5.0 B30f")
    thin = patient("P1", series="thin", number=4, description="Abdomen 1.0 B70f")
    mr = patient("P1", series="mr", number=2, description="T2 tse", modality="MR")
    scout = patient("P1", series="scout", number=1, description="Topogram")
    write_series(tmp_path / "1", VOXELS, study=thick)
    write_series(tmp_path / "2", VOXELS[..., :2], study=thin)
    write_series(tmp_path / "3", VOXELS, study=mr)
    write_series(tmp_path / "4", VOXELS, study=scout, edit=localizer)
    return tmp_path


def descriptions(root: Path, **dicom: str) -> list[str]:
    found = find_dicom(root, rules(**dicom))
    return [pydicom.dcmread(case.images[0].slices[0]).SeriesDescription for case in found.cases]


def test_several_that_fit_are_listed_with_the_remedy(three_series: Path) -> None:
    found = find_dicom(three_series, rules(modality="CT"))
    assert found.cases == ()
    [message] = messages(found, "error")
    assert "2 series of patient P1 fit" in message
    assert "CT 'Abdomen 1.0 B70f' (series 4, 2 slices)" in message
    assert "CT 'Abdomen 5.0 B30f' (series 5, 3 slices)" in message
    assert "layout: dicom: description:" in message
    assert "Topogram" not in message


@pytest.mark.parametrize(
    ("dicom", "expected"),
    [
        ({"modality": "mr"}, ["T2 tse"]),
        ({"description": "b30F"}, ["Abdomen 5.0 B30f"]),
        ({"description": r"^abdomen \d\.0", "pick": "first"}, ["Abdomen 1.0 B70f"]),
        ({"modality": "CT", "pick": "most_slices"}, ["Abdomen 5.0 B30f"]),
        ({"modality": "CT", "pick": "all"}, ["Abdomen 1.0 B70f", "Abdomen 5.0 B30f"]),
        ({"description": "Topogram"}, []),
    ],
)
def test_series_is_picked_by_the_rules(three_series: Path, dicom: dict, expected: list) -> None:
    assert descriptions(three_series, **dicom) == expected


def test_study_without_a_series_that_fits_is_a_warning_beside_those_that_have(
    three_series: Path,
) -> None:
    found = find_dicom(three_series, rules(modality="PT"))
    [message] = messages(found, "error")
    assert "none of the series of patient P1 fits" in message
    assert "T2 tse" in message
    write_series(three_series / "5", VOXELS, study=patient("P2", modality="PT"))
    found = find_dicom(three_series, rules(modality="PT"))
    assert [case.name for case in found.cases] == ["P2"]
    assert messages(found, "warning") == [message]


def test_description_that_is_no_expression_is_refused(three_series: Path) -> None:
    with pytest.raises(InputError, match="not a regular expression"):
        find_dicom(three_series, rules(description="(abdomen"))


# --- which label --------------------------------------------------------------------------------


def test_folder_of_labels_comes_first(tmp_path: Path) -> None:
    files = write_series(tmp_path / "P1", VOXELS, study=patient("P1"))
    write_segmentation(tmp_path / "P1" / "seg.dcm", files, MASKS)
    for name in ("labels/P1.nii.gz", "P1/other.nii.gz", "labels/P9.nrrd"):
        mask(tmp_path / "labels" / "P1.nii.gz")
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((tmp_path / "labels" / "P1.nii.gz").read_bytes())
    found = find_dicom(tmp_path, rules())
    assert labels(found.cases) == {"P1": tmp_path / "labels" / "P1.nii.gz"}
    unclaimed = messages(found, "warning")
    assert len(unclaimed) == 2
    assert "P9.nrrd: a mask that belongs to no case" in unclaimed[0]
    assert "seg.dcm" in unclaimed[1]


def test_segmentation_goes_to_the_series_it_was_drawn_on(tmp_path: Path) -> None:
    for name in ("P1", "P2"):
        # Both in one frame of reference: only the reference to the series tells them apart.
        study = patient(name, frame="common")
        files = write_series(tmp_path / "all" / name, VOXELS, study=study)
        write_segmentation(tmp_path / "segs" / f"{name}.dcm", files, MASKS)
    found = find_dicom(tmp_path, rules())
    assert labels(found.cases) == {name: tmp_path / "segs" / f"{name}.dcm" for name in ("P1", "P2")}
    assert found.labels == {0: "background", 1: "liver", 2: "spleen"}
    assert found.problems == ()


def test_segmentation_drawn_on_another_series_of_the_frame_is_taken(tmp_path: Path) -> None:
    t1 = patient("P1", series="t1", description="T1")
    files = write_series(tmp_path / "t1", VOXELS, study=t1)
    write_series(tmp_path / "t2", VOXELS, study=patient("P1", series="t2", description="T2"))
    write_segmentation(tmp_path / "seg.dcm", files, MASKS)
    found = find_dicom(tmp_path, rules(description="T2"))
    assert labels(found.cases) == {"P1": tmp_path / "seg.dcm"}


def test_several_segmentations_are_an_error(tmp_path: Path) -> None:
    files = write_series(tmp_path / "P1", VOXELS, study=patient("P1"))
    write_segmentation(tmp_path / "P1" / "a.dcm", files, MASKS)
    write_segmentation(tmp_path / "P1" / "b.dcm", files, MASKS)
    found = find_dicom(tmp_path, rules())
    assert found.cases == ()
    [message] = messages(found, "error")
    assert "2 masks fit case P1 (a.dcm, b.dcm)" in message


def test_segments_that_are_called_otherwise_elsewhere_are_noticed(tmp_path: Path) -> None:
    for name, called in (("P1", ["liver", "spleen"]), ("P2", ["spleen", "liver"])):
        files = write_series(tmp_path / name, VOXELS, study=patient(name))
        write_segmentation(tmp_path / name / "seg.dcm", files, MASKS, called)
    found = find_dicom(tmp_path, rules())
    assert found.labels is None
    [message] = messages(found, "warning")
    assert "segment 1 is called 'spleen', but 'liver' in another" in message


@pytest.mark.parametrize("place", ["P1/ct/mask.nii.gz", "P1/mask.mha", "P1/mask.nrrd"])
def test_only_mask_of_the_series_or_patient_is_its_label(tmp_path: Path, place: str) -> None:
    write_series(tmp_path / "P1" / "ct", VOXELS, study=patient("P1"))
    write_series(tmp_path / "P2" / "ct", VOXELS, study=patient("P2"))
    mask(tmp_path / "some.nii.gz")
    (tmp_path / place).write_bytes((tmp_path / "some.nii.gz").read_bytes())
    found = find_dicom(tmp_path, rules())
    # The mask in the root could be of either patient, and so is of none.
    assert labels(found.cases) == {"P1": tmp_path / place, "P2": None}


def test_mask_beside_two_studies_of_a_patient_is_of_none(tmp_path: Path) -> None:
    for study in ("a", "b"):
        write_series(
            tmp_path / "P1" / study, VOXELS, study=patient("P1", study=study, series=study)
        )
    mask(tmp_path / "P1" / "mask.nii.gz")
    found = find_dicom(tmp_path, rules())
    assert set(labels(found.cases).values()) == {None}


# --- what is never said, and how long it takes --------------------------------------------------


def test_no_message_shows_the_name_of_a_patient(three_series: Path) -> None:
    found = find_dicom(three_series, rules())
    assert "SECRET" in str(pydicom.dcmread(next(three_series.rglob("*.dcm"))).PatientName)
    assert found.problems
    assert "SECRET" not in repr(found)


def test_listing_takes_about_a_millisecond_a_file(tmp_path: Path) -> None:
    write_series(tmp_path, np.zeros((8, 8, 300), np.int16), Grid(spacing_mm=(1, 1, 1)))
    start = time.process_time()
    find_dicom(tmp_path, rules())
    # Generous, for machines that do other things as well; what it guards against is ten times it.
    assert time.process_time() - start < 300 * 0.01


def test_patient_may_be_read_from_the_name(tmp_path: Path) -> None:
    for name in ("A-1", "A-2"):
        write_series(tmp_path / name, VOXELS, study=patient(name))
    found = find_dicom(tmp_path, LayoutRules(patient="^[A-Z]"))
    assert [case.patient for case in found.cases] == ["A", "A"]
    assert "2 scans are of patient A" in messages(found, "note")[0]


def test_image_and_label_come_out_on_one_grid(tmp_path: Path) -> None:
    values = np.arange(VOXELS.size).reshape(SHAPE).astype(np.int16)
    files = write_series(tmp_path / "P1", values, study=patient("P1"))
    masks = MASKS.copy()
    masks[2] = 0  # an empty frame, which the file will not hold
    write_segmentation(tmp_path / "P1" / "seg.dcm", files, masks)
    [case] = survey_dataset(tmp_path).cases
    image = read_image(case)
    label = read_label(case, image)
    np.testing.assert_array_equal(image.data[0], values)
    np.testing.assert_array_equal(label.data[0], (masks * [1, 2]).sum(axis=-1).T)
    np.testing.assert_array_equal(label.affine, image.affine)
