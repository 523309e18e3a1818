"""Downloads from a real server that cuts, lacks ranges, lies about them or is not there."""

from __future__ import annotations

import hashlib
import re
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from medaug.errors import InputError
from medaug.io.downloads import fetch, verify

CONTENT = np.random.default_rng(5).bytes(3_000_000)
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Server(ThreadingHTTPServer):
    """Serves `content` at ``/file`` with the manners that a test gives it, and keeps a log."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = CONTENT
        self.ranges = True  # answer requests for a part
        self.lengths = True  # say how long the content is
        self.cuts = 0  # how many answers end half way
        self.busy = 0  # how many answers are 503
        self.shift = 0  # by how many bytes parts are beside what was asked for
        self.asked: list[str | None] = []  # the range of each request

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers["Range"]
        server.asked.append(wanted)
        if self.path != "/file":
            self.send_error(404)
        elif server.busy:
            server.busy -= 1
            self.send_error(503)
        else:
            self.answer(wanted if server.ranges else None)

    def answer(self, wanted: str | None) -> None:
        content, total = self.server.content, len(self.server.content)
        if wanted is None:
            self.send_response(200)
        else:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) + self.server.shift
            if start >= total:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self.end_headers()
                return
            content = content[start:]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if self.server.lengths:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.server.cuts:
            self.server.cuts -= 1
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def get(server: Server, folder: Path, checksum: str = CHECKSUM) -> Path:
    return fetch(server.url, folder / "a.tar", checksum, retry_wait_s=0)


def assert_only(folder: Path, content: bytes = CONTENT) -> None:
    assert [path.name for path in folder.iterdir()] == ["a.tar"]
    assert (folder / "a.tar").read_bytes() == content


def test_a_file_comes_whole_and_once(server: Server, tmp_path: Path) -> None:
    assert get(server, tmp_path / "new" / "folder") == tmp_path / "new" / "folder" / "a.tar"
    assert_only(tmp_path / "new" / "folder")
    get(server, tmp_path / "new" / "folder")
    assert server.asked == [None]


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_both_kinds_of_checksum_are_known(server: Server, tmp_path: Path, algorithm: str) -> None:
    get(server, tmp_path, f"{algorithm}:{hashlib.new(algorithm, CONTENT).hexdigest()}")
    assert_only(tmp_path)


def test_a_file_of_another_version_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"old")
    get(server, tmp_path)
    assert_only(tmp_path)


# --- cut connections --------------------------------------------------------------------------


def test_a_cut_download_goes_on_where_it_was(server: Server, tmp_path: Path) -> None:
    server.cuts = 5  # more often than fruitless attempts are allowed
    get(server, tmp_path)
    assert_only(tmp_path)
    assert server.asked[0] is None
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in server.asked[1:]]
    assert starts == sorted(set(starts))
    assert len(starts) == 5
    assert starts[0] == pytest.approx(len(CONTENT) / 2, rel=0.05)


def test_a_later_call_goes_on_where_an_earlier_one_was(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.tar.part").write_bytes(CONTENT[:123_456])
    get(server, tmp_path)
    assert_only(tmp_path)
    assert server.asked == ["bytes=123456-"]


def test_a_complete_part_needs_no_more_bytes(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.tar.part").write_bytes(CONTENT)
    get(server, tmp_path)
    assert_only(tmp_path)
    assert server.asked == ["bytes=3000000-"]


@pytest.mark.parametrize("lengths", [True, False])
def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path, lengths: bool) -> None:
    server.ranges, server.lengths = False, lengths
    (tmp_path / "a.tar.part").write_bytes(b"x" * 1000)
    get(server, tmp_path)
    assert_only(tmp_path)
    assert server.asked == ["bytes=1000-"]


def test_cuts_by_a_server_without_ranges_end(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cuts = False, 100
    with pytest.raises(InputError, match=r"/file: .* \(the connection is cut .* again"):
        get(server, tmp_path)
    assert 4 <= len(server.asked) <= 6
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.part"]


def test_a_part_of_another_place_is_not_taken(server: Server, tmp_path: Path) -> None:
    server.shift = 10
    (tmp_path / "a.tar.part").write_bytes(CONTENT[:1000])
    get(server, tmp_path)
    assert_only(tmp_path)
    assert server.asked == ["bytes=1000-", None]


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.tar.part").write_bytes(CONTENT + b"more")
    get(server, tmp_path)
    assert_only(tmp_path)
    assert server.asked == ["bytes=3000004-", None]


def test_a_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.busy = 2
    get(server, tmp_path)
    assert_only(tmp_path)
    assert len(server.asked) == 3


# --- refusals ---------------------------------------------------------------------------------


def assert_refused(server_or_url: Server | str, folder: Path, *words: str) -> None:
    url = server_or_url if isinstance(server_or_url, str) else server_or_url.url
    with pytest.raises(InputError) as caught:
        fetch(url, folder / "a.tar", CHECKSUM, retry_wait_s=0)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    assert not (folder / "a.tar").exists()


def test_a_wrong_checksum_names_both_and_starts_anew(server: Server, tmp_path: Path) -> None:
    server.content = b"x" * 1000
    actual = hashlib.sha256(server.content).hexdigest()
    expected = CHECKSUM.removeprefix("sha256:")
    assert_refused(server, tmp_path, str(tmp_path / "a.tar"), expected, actual, "again")
    assert list(tmp_path.iterdir()) == []
    server.content = CONTENT
    get(server, tmp_path)
    assert server.asked == [None, None]


def test_what_the_server_does_not_have_is_not_asked_for_again(server, tmp_path: Path) -> None:
    assert_refused(f"{server.url}s", tmp_path, "/files", "404 Not Found", "check the URL")
    assert server.asked == [None]


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file"
    assert_refused(url, tmp_path, url, "(no connection to the server); check the connection")


def test_a_server_that_stays_busy_is_given_up(server: Server, tmp_path: Path) -> None:
    server.busy = 100
    assert_refused(server, tmp_path, server.url, "503 Service Unavailable", "run the command again")
    assert len(server.asked) == 4


@pytest.mark.parametrize("url", ["file", "ftp://host/file", "http://"])
def test_what_is_no_url_is_refused_at_once(tmp_path: Path, url: str) -> None:
    assert_refused(url, tmp_path, "correct the URL")


def test_a_folder_that_cannot_be_written_is_one_line(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"a\.tar: cannot write \(Not a directory\)"):
        get(server, tmp_path / "file")


@pytest.mark.parametrize("missing", ["pooch", "requests"])
def test_missing_libraries_say_how_to_get_them(tmp_path: Path, monkeypatch, missing: str) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert_refused("http://127.0.0.1/file", tmp_path, missing, 'pip install "medaug[download]"')


# --- files at hand ----------------------------------------------------------------------------


def test_a_file_at_hand_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "a.tar"
    with pytest.raises(InputError, match=r"a\.tar: cannot read \(No such file"):
        verify(file, CHECKSUM)
    file.write_bytes(CONTENT)
    verify(file, CHECKSUM)
    verify(file, f"md5:{hashlib.md5(CONTENT).hexdigest().upper()}")
    file.write_bytes(CONTENT[1:])
    with pytest.raises(InputError) as caught:
        verify(file, CHECKSUM)
    for word in (str(file), CHECKSUM.partition(":")[2], hashlib.sha256(CONTENT[1:]).hexdigest()):
        assert word in str(caught.value)
