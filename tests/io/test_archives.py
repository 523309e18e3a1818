"""Archives: good ones come out whole, and none writes outside of its folder."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from medaug.errors import InputError
from medaug.io import archives
from medaug.io.archives import unpack

GOOD = {
    "Task/dataset.json": b"{}",
    "Task/imagesTr/Größe 1, 海馬.nii.gz": b"voxels" * 5000,
    "Task/imagesTr/empty": b"",
}


def tar_entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.size = kind, target, size
    return entry


def write_tar(path: Path, files: dict[str, bytes], *extra: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        archive.addfile(tar_entry("Task", tarfile.DIRTYPE))
        for name, content in files.items():
            archive.addfile(tar_entry(name, size=len(content)), io.BytesIO(content))
        for entry in extra:
            archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    return path


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Task/", b"")
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write(path: Path, files: dict[str, bytes]) -> Path:
    return write_zip(path, files) if path.suffix == ".zip" else write_tar(path, files)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def assert_refused(archive: Path, *words: str) -> None:
    """One line names the archive and the words, and nothing at all was left anywhere."""
    before = contents(archive.parent)
    folder = archive.parent / "new" / "out"
    with pytest.raises(InputError) as caught:
        unpack(archive, folder)
    message = str(caught.value)
    assert "\n" not in message
    for word in (archive.name, *words):
        assert word in message
    assert contents(archive.parent) == before
    assert not folder.exists()
    assert list(archive.parent.glob("new/*")) == list(archive.parent.glob("new/.*")) == []


# --- what is meant to be unpacked -------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tgz", "a.zip"])
def test_every_file_comes_out_with_its_bytes(tmp_path: Path, name: str) -> None:
    steps = []
    archive = write(tmp_path / name, GOOD)
    paths = unpack(archive, tmp_path / "out", on_member=lambda *step: steps.append(step))
    assert contents(tmp_path / "out") == GOOD
    assert paths == [tmp_path / "out" / name for name in GOOD]
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, "out"]


def test_the_kind_is_seen_by_content_and_not_by_name(tmp_path: Path) -> None:
    inner = write_zip(tmp_path / "inner.zip", GOOD).read_bytes()
    # A tar file that ends with the end of a zip file, and is called one.
    archive = write_tar(tmp_path / "a.tar", {"inner": inner}).rename(tmp_path / "a.zip")
    unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == {"inner": inner}


def test_the_only_top_folder_can_be_left_out(tmp_path: Path) -> None:
    unpack(write_tar(tmp_path / "a.tar", GOOD), tmp_path / "out", strip_top=True)
    assert contents(tmp_path / "out") == {k.removeprefix("Task/"): v for k, v in GOOD.items()}
    several = {"a/1": b"1", "b/2": b"2"}
    unpack(write_tar(tmp_path / "b.tar", several), tmp_path / "two", strip_top=True)
    assert contents(tmp_path / "two") == several


@pytest.mark.parametrize("name", ["a.tar", "a.zip"])
def test_what_macos_adds_is_left_out(tmp_path: Path, name: str) -> None:
    junk = {"__MACOSX/Task/._x": b"j", "Task/imagesTr/._a.nii.gz": b"j", "Task/.DS_Store": b"j"}
    unpack(write(tmp_path / name, GOOD | junk), tmp_path / "out")
    assert contents(tmp_path / "out") == GOOD


def test_links_within_a_tar_become_copies(tmp_path: Path) -> None:
    symbolic = tar_entry("Task/imagesTr/soft", tarfile.SYMTYPE, "../dataset.json")
    hard = tar_entry("Task/imagesTr/hard", tarfile.LNKTYPE, "Task/dataset.json")
    unpack(write_tar(tmp_path / "a.tar", GOOD, symbolic, hard), tmp_path / "out")
    for name in ("soft", "hard"):
        copy = tmp_path / "out/Task/imagesTr" / name
        assert not copy.is_symlink()
        assert copy.stat().st_nlink == 1
        assert copy.read_bytes() == b"{}"


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    entry = tar_entry("Task/tool", size=3)
    entry.mode = 0o6777
    (path,) = unpack(write_tar(tmp_path / "a.tar", {}, entry), tmp_path / "out")
    (tmp_path / "plain").touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


# --- what tries to get out --------------------------------------------------------------------

CLIMBING = ["../evil", "/abs/evil", "Task/../../evil", "..\\evil", "C:\\evil", "a/../evil"]


@pytest.mark.parametrize("member", CLIMBING)
@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.zip"])
def test_a_member_that_climbs_out_is_refused(tmp_path: Path, name: str, member: str) -> None:
    assert_refused(write(tmp_path / name, GOOD | {member: b"evil"}), repr(member), "outside")


def test_a_folder_that_climbs_out_is_refused(tmp_path: Path) -> None:
    folder = tar_entry("../evil", tarfile.DIRTYPE)
    assert_refused(write_tar(tmp_path / "a.tar", GOOD, folder), "'../evil'")
    assert_refused(write_zip(tmp_path / "a.zip", GOOD | {"../evil/": b""}), "'../evil/'")


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.SYMTYPE, "../../secret"),
        (tarfile.LNKTYPE, "../secret"),
        (tarfile.LNKTYPE, "/etc/passwd"),
    ],
)
def test_a_link_that_leads_out_is_refused(tmp_path: Path, kind: bytes, target: str) -> None:
    (tmp_path / "secret").write_text("secret")
    link = tar_entry("Task/link", kind, target)
    assert_refused(write_tar(tmp_path / "a.tar", GOOD, link), "'Task/link'", "leads out", target)


def test_links_to_folders_and_to_links_are_refused(tmp_path: Path) -> None:
    to_folder = tar_entry("Task/link", tarfile.SYMTYPE, "imagesTr")
    assert_refused(write_tar(tmp_path / "a.tar", GOOD, to_folder), "'Task/link'", "no file of")
    loop = [tar_entry(f"Task/{a}", tarfile.SYMTYPE, b) for a, b in ("xy", "yx")]
    assert_refused(write_tar(tmp_path / "b.tar", GOOD, *loop), "'Task/x'", "no file of")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    device = tar_entry("Task/device", kind)
    assert_refused(write_tar(tmp_path / "a.tar", GOOD, device), "'Task/device'", "device")


def test_a_symbolic_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("Task/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive = write_zip(tmp_path / "a.zip", GOOD)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(link, "/etc/passwd")
    assert_refused(archive, "'Task/link'", "symbolic link")


# --- what is damaged --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.zip"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.97])
def test_a_truncated_archive_is_refused(tmp_path: Path, name: str, share: float) -> None:
    files = {f"Task/{index}": os.urandom(20_000) for index in range(3)}
    archive = write(tmp_path / name, files)
    content = archive.read_bytes()
    if name == "a.tar":  # without the zeros at its end, of which one block would do
        content = content.rstrip(bytes(1))
    archive.write_bytes(content[: int(share * len(content))])
    assert_refused(archive, "truncated")


def test_a_tar_cut_between_two_members_is_refused(tmp_path: Path) -> None:
    archive = write_tar(tmp_path / "a.tar", {"one": bytes(512), "two": bytes(512)})
    # Three headers and the content of the first file.
    archive.write_bytes(archive.read_bytes()[: 3 * 512])
    assert_refused(archive, "truncated", "no end-of-archive mark")


def test_flipped_bits_in_a_zip_are_noticed(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {"Task/x": os.urandom(5000)})
    content = bytearray(archive.read_bytes())
    content[2000] ^= 0xFF
    archive.write_bytes(content)
    assert_refused(archive, "damaged")


@pytest.mark.parametrize("content", [b"", b"no archive at all", b"\x1f\x8bnor gzip"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "a.tar"
    archive.write_bytes(content)
    assert_refused(archive, "not a .tar, .tar.gz or .zip archive")


def test_a_missing_archive_is_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path / "a.tar", "no such file")


def test_an_archive_without_files_is_refused(tmp_path: Path) -> None:
    assert_refused(write_tar(tmp_path / "a.tar", {"__MACOSX/x": b""}), "no files")


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    again = tar_entry("./Task/dataset.json")
    assert_refused(write_tar(tmp_path / "a.tar", GOOD, again), "'Task/dataset.json'", "two members")


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [(8, 0x1, ["encrypted"]), (10, 9, ["method 9", "another program"])],
)
def test_a_zip_that_python_cannot_read_is_refused(tmp_path: Path, offset, value, words) -> None:
    archive = write_zip(tmp_path / "a.zip", GOOD)
    content = bytearray(archive.read_bytes())
    # A field of the last entry of the central directory.
    content[content.rindex(b"PK\x01\x02") + offset] |= value
    archive.write_bytes(content)
    assert_refused(archive, "Task/imagesTr/empty", *words)


def test_an_archive_larger_than_the_free_space_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", allowZip64=True) as file:
        file.writestr("Task/huge", b"")
        file.infolist()[0].file_size = 10**18
    assert_refused(archive, "1000000000.0 GB", "free space")


# --- folders ----------------------------------------------------------------------------------


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    archive = write_tar(tmp_path / "a.tar", GOOD)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("mine")
    with pytest.raises(InputError, match="already there"):
        unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == {"mine": b"mine"}


def test_the_current_folder_is_not_replaced(tmp_path: Path, monkeypatch) -> None:
    archive = write_tar(tmp_path / "a.tar", GOOD)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match=r"^\.: cannot be made \(Device or resource busy"):
        unpack(archive, ".")
    Path("mine").write_text("mine")
    with pytest.raises(InputError, match=r"^\.: already there"):
        unpack(archive, ".")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "here"]


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    archive = write_tar(tmp_path / "a.tar", GOOD)
    monkeypatch.setattr(archives.shutil, "copyfileobj", full)
    with pytest.raises(InputError, match=r"out: cannot be made \(No space left on device\)"):
        unpack(archive, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


KILLED = """
import sys
from medaug.io.archives import unpack
unpack(sys.argv[1], sys.argv[2], on_member=lambda done, _: done < 2 or input())
"""


def test_a_killed_unpack_leaves_no_folder_and_the_next_one_succeeds(tmp_path: Path) -> None:
    archive = write_tar(tmp_path / "a.tar", GOOD)
    command = [sys.executable, "-c", KILLED, str(archive), str(tmp_path / "out")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        wait_for(lambda: len(contents(tmp_path)) == 3)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert not (tmp_path / "out").exists()
    unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == GOOD
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "out"]


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
