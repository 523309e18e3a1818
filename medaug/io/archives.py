"""Unpack archives of scans: every member is checked before anything is written."""

from __future__ import annotations

import gzip
import lzma
import posixpath
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, TypeAlias

from medaug.errors import InputError
from medaug.io.folders import new_folder
from medaug.typing import StrPath

_Archive: TypeAlias = tarfile.TarFile | zipfile.ZipFile

_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_ZIP_ENCRYPTED = 0x1

# What the standard library raises on damaged archives.
_DAMAGE = (
    EOFError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class _Member:
    """A file in an archive.

    Attributes
    ----------
    name : str
        As the archive states it.
    size_bytes : int
        Once unpacked, as declared.
    open : callable
        Returns its content as a binary stream.
    """

    name: str
    size_bytes: int
    open: Callable[[], IO[bytes]]


def unpack(
    archive: StrPath,
    folder: StrPath,
    *,
    strip_top: bool = False,
    on_member: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Unpack a ``.tar``, ``.tar.gz``, ``.tgz`` or ``.zip`` archive into a new folder.

    The kind is recognised by content. Only regular files are written, with the permissions of any
    new file; a link in a tar archive to another of its files becomes a copy of that file. What
    macOS adds (``__MACOSX``, ``._*``, ``.DS_Store``) is left out. The folder gets its name once it
    is whole, see `medaug.io.folders.new_folder`.

    Parameters
    ----------
    archive : path-like
        The archive.
    folder : path-like
        The folder to make. It may exist if it is empty.
    strip_top : bool, default: False
        If all files lie in one folder of the archive, leave that folder out.
    on_member : callable, optional
        Called after each file with how many files are written and how many there are in all.

    Returns
    -------
    list of Path
        The files, in the order of the archive.

    Raises
    ------
    InputError
        Before anything is written: if the archive is missing, of another kind, truncated,
        encrypted or without files; if a member would climb out of the folder, by its name or as a
        link, or is a device; if two members have one name; or if the disk has no room for the
        declared sizes. Later, with no folder left behind: if the data turn out to be damaged or
        cannot be written.
    """
    archive, folder = Path(archive), Path(folder)
    with _open(archive) as source:
        with _damage_translated(archive):
            members = _members(archive, source)
        paths = _relative_paths(archive, members, strip_top=strip_top)
        with new_folder(folder) as temporary:
            _require_space(archive, members, temporary)
            for done, (member, path) in enumerate(zip(members, paths, strict=True), start=1):
                _write(archive, member, temporary / path)
                if on_member is not None:
                    on_member(done, len(members))
    return [folder / path for path in paths]


def _open(archive: Path) -> _Archive:
    try:
        with archive.open("rb") as file:
            is_zip = file.read(4) in _ZIP_MAGICS
        # By its beginning: the end of a tar file may be the end of a zip file inside it.
        return zipfile.ZipFile(archive) if is_zip else tarfile.open(archive)
    except FileNotFoundError:
        raise InputError(f"{archive}: no such file; check the path.") from None
    except _DAMAGE:
        raise InputError(
            f"{archive}: not a .tar, .tar.gz or .zip archive, or a truncated one; "
            "get the archive again."
        ) from None
    except OSError as error:
        raise InputError(f"{archive}: cannot read ({error.strerror}); check the file.") from None


@contextmanager
def _damage_translated(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise InputError(
            f"{archive}: the archive is truncated or damaged ({error}); get it again."
        ) from None


def _members(archive: Path, source: _Archive) -> list[_Member]:
    """Return the files of an archive, or refuse it for the first member that is not harmless."""
    if isinstance(source, tarfile.TarFile):
        return _tar_members(archive, source)
    return _zip_members(archive, source)


def _tar_members(archive: Path, source: tarfile.TarFile) -> list[_Member]:
    entries = source.getmembers()
    _require_end(source)
    files = {posixpath.normpath(entry.name): entry for entry in entries if entry.isreg()}
    members = []
    for entry in entries:
        _require_inside(archive, entry.name)
        if entry.isdir() or _is_junk(entry.name):
            continue
        if entry.isreg():
            content = entry
        elif entry.issym() or entry.islnk():
            content = _link_target(archive, entry, files)
        else:
            raise _refusal(archive, entry.name, "is a device or a pipe, not a file")
        members.append(_Member(entry.name, content.size, _tar_opener(source, content)))
    return members


def _tar_opener(source: tarfile.TarFile, entry: tarfile.TarInfo) -> Callable[[], IO[bytes]]:
    def open_entry() -> IO[bytes]:
        stream = source.extractfile(entry)
        assert stream is not None, "a regular file has content"
        return stream

    return open_entry


def _require_end(source: tarfile.TarFile) -> None:
    """Find the block of zeros that ends a tar file: one cut between two members is valid else."""
    assert source.fileobj is not None, "the file is open"
    source.fileobj.seek(source.offset)
    if source.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("no end-of-archive mark")


def _link_target(
    archive: Path, link: tarfile.TarInfo, files: dict[str, tarfile.TarInfo]
) -> tarfile.TarInfo:
    """Return the file of the archive that a link leads to."""
    # A symbolic link starts from its own folder, a hard link from the top of the archive.
    start = posixpath.dirname(link.name) if link.issym() else ""
    target = posixpath.normpath(posixpath.join(start, link.linkname))
    if _climbs(target):
        raise _refusal(archive, link.name, f"is a link that leads out of it, to {link.linkname}")
    if target not in files:
        raise _refusal(archive, link.name, f"is a link to {link.linkname}, no file of the archive")
    return files[target]


def _zip_members(archive: Path, source: zipfile.ZipFile) -> list[_Member]:
    members = []
    for entry in source.infolist():
        name = entry.filename
        _require_inside(archive, name)
        if entry.is_dir() or _is_junk(name):
            continue
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise _refusal(archive, name, "is a symbolic link")
        if entry.flag_bits & _ZIP_ENCRYPTED:
            raise InputError(f"{archive}: member {name} is encrypted; unpack it with its password.")
        if entry.compress_type not in _ZIP_METHODS:
            raise InputError(
                f"{archive}: member {name} is compressed by method {entry.compress_type}, which "
                "Python cannot read; unpack the archive with another program."
            )
        members.append(_Member(name, entry.file_size, _zip_opener(source, entry)))
    return members


def _zip_opener(source: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: source.open(entry)


def _refusal(archive: Path, name: str, problem: str) -> InputError:
    return InputError(
        f"{archive}: member {name!r} {problem}; nothing was unpacked, get the archive from its "
        "source."
    )


def _climbs(name: str) -> bool:
    """Tell whether a path leads out of the folder that it starts from, on any system."""
    absolute = name.startswith(("/", "\\")) or PureWindowsPath(name).drive != ""
    return absolute or ".." in re.split(r"[/\\]", name)


def _require_inside(archive: Path, name: str) -> None:
    if _climbs(name):
        raise _refusal(archive, name, "would be written outside of the folder")


def _is_junk(name: str) -> bool:
    path = PurePosixPath(name)
    return "__MACOSX" in path.parts or path.name.startswith("._") or path.name == ".DS_Store"


def _relative_paths(
    archive: Path, members: Sequence[_Member], *, strip_top: bool
) -> list[PurePosixPath]:
    """Return where each file goes, below the folder."""
    if not members:
        raise InputError(
            f"{archive}: there are no files in it; check that it is the right archive."
        )
    paths = [PurePosixPath(member.name) for member in members]
    seen = set[PurePosixPath]()
    for path in paths:
        if path in seen:
            raise InputError(
                f"{archive}: two members are called {str(path)!r}; repack it without one of them."
            )
        seen.add(path)
    tops = {path.parts[:1] for path in paths}
    if strip_top and len(tops) == 1 and all(len(path.parts) > 1 for path in paths):
        paths = [path.relative_to(path.parts[0]) for path in paths]
    return paths


def _require_space(archive: Path, members: Sequence[_Member], folder: Path) -> None:
    needed_bytes = sum(member.size_bytes for member in members)
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        raise InputError(
            f"{archive}: {needed_bytes / 1e9:.1f} GB once unpacked, but {folder.parent} has "
            f"{free_bytes / 1e9:.1f} GB of free space; make room or name a folder on another disk."
        )


def _write(archive: Path, member: _Member, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _damage_translated(archive), member.open() as content, path.open("xb") as file:
        shutil.copyfileobj(content, file, _CHUNK_BYTES)
