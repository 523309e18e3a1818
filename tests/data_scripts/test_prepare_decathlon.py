"""The Decathlon tasks: downloaded or at hand, checked, unpacked, counted."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from monai.apps import DecathlonDataset
from prepare_scripts import assert_refused, load_script, readme, run_script

from medaug.errors import InputError
from medaug.io.volume import write_volume

decathlon = load_script("decathlon")

NAME = "Task04_Hippocampus"


def make_task(folder: Path, training: int, test: int) -> Path:
    """Write a folder as the archives of the Decathlon have it, with tiny scans."""
    names = [f"hippocampus_{index:03d}.nii.gz" for index in range(training + test)]
    for part in ("imagesTr", "labelsTr", "imagesTs"):
        (folder / part).mkdir(parents=True)
    for index, name in enumerate(names):
        voxels = np.full((2, 3, 4), index, np.uint8)
        part = "imagesTr" if index < training else "imagesTs"
        write_volume(folder / part / name, voxels, np.eye(4))
        if index < training:
            write_volume(folder / "labelsTr" / name, voxels % 3, np.eye(4))
    pairs = [{"image": f"./imagesTr/{n}", "label": f"./labelsTr/{n}"} for n in names[:training]]
    listing = {
        "name": "Hippocampus",
        "tensorImageSize": "3D",
        "modality": {"0": "MRI"},
        "labels": {"0": "background", "1": "Anterior", "2": "Posterior"},
        "numTraining": training,
        "numTest": test,
        "training": pairs,
        "test": [f"./imagesTs/{name}" for name in names[training:]],
    }
    (folder / "dataset.json").write_text(json.dumps(listing))
    return folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of three training and two test scans, with what macOS adds."""
    folder = make_task(tmp_path / "served" / NAME, training=3, test=2)
    path = tmp_path / "served" / f"{NAME}.tar"
    with tarfile.open(path, "w") as file:
        file.add(folder, NAME)
        file.addfile(tarfile.TarInfo(f"{NAME}/imagesTr/._hippocampus_000.nii.gz"), io.BytesIO())
    return path


@pytest.fixture
def task(archive: Path):
    """What a table would say of that archive."""
    checksum = f"md5:{hashlib.md5(archive.read_bytes()).hexdigest()}"
    return decathlon.Task(checksum, 3, 2, ("MRI",), ("Anterior", "Posterior"))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url(archive: Path, monkeypatch) -> Iterator[str]:
    """The archive on a local server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = partial(_Quiet, directory=str(archive.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{archive.name}"
        server.shutdown()
        thread.join()


EXPECTED = """\
Task04_Hippocampus: {folder}
  training cases  3
  test scans      2
  channels        MRI
  labels          0 background, 1 Anterior, 2 Posterior
"""


def test_a_task_is_downloaded_checked_and_unpacked(tmp_path, archive, task, url, capsys) -> None:
    folder = decathlon.prepare(NAME, task, tmp_path / "out", url=url)
    assert folder == tmp_path / "out" / NAME
    assert capsys.readouterr().out == EXPECTED.format(folder=folder)
    assert (tmp_path / "out" / f"{NAME}.tar").read_bytes() == archive.read_bytes()
    source = archive.parent / NAME
    files = {path.relative_to(source) for path in source.rglob("*")}
    assert {path.relative_to(folder) for path in folder.rglob("*")} == files


def test_a_task_that_is_there_is_only_counted(tmp_path, archive, task, capsys) -> None:
    decathlon.prepare(NAME, task, tmp_path / "out", url="none", archive=archive)
    archive.unlink()
    folder = decathlon.prepare(NAME, task, tmp_path / "out", url="none")
    assert capsys.readouterr().out == 2 * EXPECTED.format(folder=folder)
    (folder / "imagesTs" / "hippocampus_004.nii.gz").unlink()
    with pytest.raises(InputError, match=r"Task04_Hippocampus: it has 1 test scans instead of 2;"):
        decathlon.prepare(NAME, task, tmp_path / "out", url="none")


def test_a_download_with_another_checksum_is_refused(tmp_path, archive, task, url) -> None:
    archive.write_bytes(archive.read_bytes() + b"\0")
    with pytest.raises(InputError, match=task.checksum.removeprefix("md5:")):
        decathlon.prepare(NAME, task, tmp_path / "out", url=url)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_archive_at_hand_that_is_not_the_published_one(tmp_path: Path, archive: Path) -> None:
    command = partial(run_script, "decathlon", NAME, "--archive", archive, cwd=tmp_path)
    checksum = decathlon.TASKS[NAME].checksum.removeprefix("md5:")
    assert_refused(command("--out", "out"), str(archive), checksum)
    assert not (tmp_path / "out").exists()
    taken = command("--out", "out", "--no-verify")
    assert (taken.returncode, taken.stderr) == (0, "")
    assert taken.stdout == EXPECTED.format(folder=f"out/{NAME}") + (
        "  not as published: 3 training cases instead of 260\n"
        "  not as published: 2 test scans instead of 130\n"
    )
    assert_refused(command("--out", "out"), f"out/{NAME}: it has 3 training cases instead of 260")


def test_a_hostile_archive_writes_nothing(tmp_path: Path, archive: Path) -> None:
    with tarfile.open(archive, "a") as file:
        file.addfile(tarfile.TarInfo("../../evil"), io.BytesIO())
    arguments = [NAME, "--archive", archive, "--out", "out", "--no-verify"]
    assert_refused(run_script("decathlon", *arguments, cwd=tmp_path), str(archive), "../../evil")
    assert not (tmp_path / "out").exists()


def test_a_task_that_does_not_exist_is_refused(tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        decathlon.main(["Task11_Knee", "--out", str(tmp_path)])
    assert caught.value.code == 2
    assert "Task04_Hippocampus" in capsys.readouterr().err


def test_the_table_has_the_urls_and_checksums_that_monai_has() -> None:
    urls = {name: f"{decathlon.MIRROR}/{name}.tar" for name in decathlon.TASKS}
    assert urls == DecathlonDataset.resource
    sums = {name: task.checksum for name, task in decathlon.TASKS.items()}
    assert sums == {name: f"md5:{value}" for name, value in DecathlonDataset.md5.items()}


def test_the_readme_has_the_table() -> None:
    for name, task in decathlon.TASKS.items():
        cells = [
            name,
            str(task.training),
            str(task.test),
            ", ".join(task.channels),
            ", ".join(task.labels),
            f"`{task.checksum.removeprefix('md5:')}`",
        ]
        assert f"| {' | '.join(cells)} |" in readme("decathlon")


def test_real_scans_are_counted(hippocampus: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / NAME).symlink_to(hippocampus)
    decathlon.prepare(NAME, decathlon.TASKS[NAME], tmp_path, url="none", verified=False)
    assert "not as published: 200 training cases instead of 260" in capsys.readouterr().out
