"""Download one file with its checksum, going on where a cut connection left off."""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from medaug.errors import InputError
from medaug.extras import optional_import
from medaug.typing import StrPath

if TYPE_CHECKING:
    from requests import Response, Session

_DISK_CHUNK_BYTES = 1 << 20
# What is under way in a chunk when the connection is cut is lost.
_NETWORK_CHUNK_BYTES = 1 << 16
_CONNECT_TIMEOUT_S, _SILENCE_TIMEOUT_S = 15, 60

# Attempts in a row that bring nothing new before a download is given up.
_FRUITLESS_ATTEMPTS = 4

# After these another attempt may go better: the server is busy, or broken for the moment.
_PASSING_STATUSES = (408, 429, 500, 502, 503, 504)
_PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE = 206, 416


def fetch(url: str, path: StrPath, checksum: str, *, retry_wait_s: float = 1.0) -> Path:
    """Download a file unless it is there already, and check it.

    What has come so far is kept beside the file as ``<name>.part``; a later attempt or a later call
    goes on from there where the server can do that (HTTP ranges). The file gets its name once its
    checksum is right. A file of that name with another checksum is replaced.

    Parameters
    ----------
    url : str
        Starts with ``http://`` or ``https://``.
    path : path-like
        The file. Missing folders are made.
    checksum : str
        ``"sha256:"`` or ``"md5:"`` and the sum in hex.
    retry_wait_s : float, default: 1.0
        How long to wait after a cut connection; twice as long after each attempt that brought
        nothing new.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If pooch or requests is not installed, if the server cannot be reached or refuses, if the
        connection breaks time and again, if the checksum is wrong, or if the file cannot be
        written.
    """
    with optional_import("download", "a download"):
        import pooch  # noqa: PLC0415 - an optional dependency
        import requests  # noqa: F401, PLC0415 - pooch needs it for HTTP
    path = Path(path)
    downloader = _ResumingDownloader(path.with_name(f"{path.name}.part"), retry_wait_s)
    try:
        pooch.retrieve(url, checksum, fname=path.name, path=path.parent, downloader=downloader)
    except InputError:
        raise
    except OSError as error:
        raise InputError(
            f"{path}: cannot write ({error.strerror}); check the free space and the permissions."
        ) from None
    except ValueError as error:
        # pooch names both sums. It has removed the file, so that the next call starts anew.
        raise InputError(f"{path}: {error} Run the command again to download {url} anew.") from None
    return path


def verify(path: StrPath, checksum: str) -> None:
    """Check a file against its checksum.

    Parameters
    ----------
    path : path-like
        The file.
    checksum : str
        ``"sha256:"`` or ``"md5:"`` and the sum in hex.

    Raises
    ------
    InputError
        If the file cannot be read or has another checksum.
    """
    path = Path(path)
    algorithm, _, expected = checksum.partition(":")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_DISK_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise InputError(f"{path}: cannot read ({error.strerror}); check the path.") from None
    actual = digest.hexdigest()
    if actual != expected.lower():
        raise InputError(
            f"{path}: the {algorithm} checksum is {actual}, but {expected} is expected; the file "
            "is damaged or another version, download it again."
        )


class _InterruptedError(Exception):
    """An attempt ended early, and another one may do better."""


class _ResumingDownloader:
    """What `pooch.retrieve` downloads with: from a server to the part file, then to its place.

    Parameters
    ----------
    part : Path
        Holds what has come so far, from earlier calls too.
    retry_wait_s : float
        See `fetch`.
    """

    def __init__(self, part: Path, retry_wait_s: float) -> None:
        self.part = part
        self.retry_wait_s = retry_wait_s

    def __call__(self, url: str, output_file: str, _pooch: Any) -> None:
        """Download all of `url` to `output_file`."""
        import requests  # noqa: PLC0415 - an optional dependency

        fruitless = 0
        with requests.Session() as session, _progress_bar() as bar:
            while True:
                present_bytes = _size_bytes(self.part)
                try:
                    _go_on(session, url, self.part, bar)
                    break
                except (_InterruptedError, requests.RequestException) as error:
                    gained = _size_bytes(self.part) > present_bytes
                    fruitless = 0 if gained else fruitless + 1
                    _require_hope(url, error, fruitless)
                time.sleep(self.retry_wait_s * 2**fruitless)
        self.part.replace(output_file)


def _require_hope(url: str, error: Exception, fruitless: int) -> None:
    """Give up where another attempt would end as this one did."""
    if isinstance(error, ValueError):  # what requests raises for malformed URLs
        raise InputError(f"{url}: {error}; correct the URL.") from None
    if fruitless == _FRUITLESS_ATTEMPTS:
        raise InputError(
            f"{url}: cannot be downloaded ({_reason(error)}); check the connection and run the "
            "command again, it goes on from where it was."
        ) from None


def _reason(error: Exception) -> str:
    """Return a short reason: those of requests are nested representations of objects."""
    from requests import exceptions  # noqa: PLC0415 - an optional dependency

    if isinstance(error, exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, exceptions.SSLError):
        return "the certificate of the server is not accepted"
    if isinstance(error, exceptions.ConnectionError):
        return "no connection to the server"
    if isinstance(error, exceptions.ChunkedEncodingError):
        return "the connection is cut time and again"
    return str(error)


def _go_on(session: Session, url: str, part: Path, bar: Progress) -> None:
    """Append to the part file all that it lacks, or begin anew where the server cannot do that."""
    present_bytes = _size_bytes(part)
    # Compression on the way would make the lengths in the headers those of other bytes.
    headers = {"Accept-Encoding": "identity"}
    if present_bytes:
        headers["Range"] = f"bytes={present_bytes}-"
    timeout = (_CONNECT_TIMEOUT_S, _SILENCE_TIMEOUT_S)
    with session.get(url, headers=headers, stream=True, timeout=timeout) as response:
        start, total_bytes = _extent(response)
        if response.status_code == _RANGE_NOT_SATISFIABLE and total_bytes == present_bytes:
            return
        if response.status_code == _RANGE_NOT_SATISFIABLE or start not in (0, present_bytes):
            part.unlink(missing_ok=True)
            raise _InterruptedError("the server has another file than before")
        _require_success(url, response)
        _append(response, part, start, total_bytes, bar)
    if total_bytes not in (None, _size_bytes(part)):
        raise _InterruptedError(f"cut after {_size_bytes(part)} of {total_bytes} bytes")


def _extent(response: Response) -> tuple[int, int | None]:
    """Return where the content of an answer starts in the file, and the size of the file, if known.

    An answer to a range whose header makes no sense starts at -1.
    """
    if response.status_code in (_PARTIAL_CONTENT, _RANGE_NOT_SATISFIABLE):
        stated = response.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", stated)
        if match is None:
            return -1, None
        return int(match[1] or 0), None if match[2] == "*" else int(match[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _require_success(url: str, response: Response) -> None:
    if response.ok:
        return
    answer = f"the server answers {response.status_code} {response.reason}"
    if response.status_code in _PASSING_STATUSES:
        raise _InterruptedError(answer)
    raise InputError(f"{url}: {answer}; check the URL, or download the file by other means.")


def _append(
    response: Response, part: Path, start: int, total_bytes: int | None, bar: Progress
) -> None:
    (task,) = bar.task_ids or (bar.add_task(part.name.removesuffix(".part")),)
    bar.update(task, completed=start, total=total_bytes)
    with part.open("ab" if start else "wb") as file:
        for chunk in response.iter_content(_NETWORK_CHUNK_BYTES):
            file.write(chunk)
            bar.advance(task, len(chunk))


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _progress_bar() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
