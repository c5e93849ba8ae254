"""Files behind urls, from a real server that misbehaves, and what no url may open."""

import gzip
import io
import os
import re
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pipelines.servers import Server, serving
from weft.pipelines.audio.scan import scan
from weft.pipelines.audio.sound import flac, load
from weft.pipelines.sources.common.files import walk
from weft.pipelines.sources.folder import Source as Folder
from weft.pipelines.sources.tars import Source
from weft.pipelines.storage import fetching
from weft.pipelines.storage.answers import read_stretch
from weft.pipelines.storage.fetching import open_url
from weft.pipelines.storage.retries import opened, reading_as
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Recording
from weft.schemas.faults import RecipeError
from weft.schemas.item import Item
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.reading import ReadSettings

CLIP = flac((np.sin(np.arange(32000) / 20) * 0.5).astype(np.float32), 16000)


@pytest.fixture(autouse=True)
def short_limits() -> Iterator[None]:
    with reading_as(ReadSettings(silence=0.3, largest=1e6)):
        yield


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(CLIP) as one:
        yield one


@pytest.mark.parametrize("answer", ["whole", "no length"])
def test_it_is_read_whole_with_and_without_a_length(store: Store, server: Server, answer: str) -> None:
    server.answers = [answer]
    assert scan(store, Audio(server.url())).seconds == 2.0


@pytest.mark.parametrize("fault", ["503", "429", "early", "nothing", "text/html", "application/octet-stream"])
def test_a_bad_answer_is_asked_for_again(store: Store, server: Server, fault: str) -> None:
    server.answers = [fault, "whole"]
    assert scan(store, Audio(server.url())).seconds == 2.0


@pytest.mark.parametrize(
    ("fault", "reason", "absent"),
    [("503", "503", False), ("403", "403", False), ("early", "its answer breaks off", False), ("nothing", "no answer", False),
     ("404", "no such file", True), ("410", "410", True)],
)  # fmt: skip
def test_a_server_that_stays_bad_fails_the_work_and_shows_no_secret(
    store: Store, server: Server, fault: str, reason: str, absent: bool
) -> None:
    server.answers = [fault]
    with pytest.raises(Unavailable, match=reason) as caught:
        scan(store, Audio(f"{server.url()}?signature=secret"))
    assert caught.value.absent is absent and "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.flac", "day.tar", "clip?id=3"])
def test_a_page_in_place_of_a_file_is_the_servers_fault(store: Store, server: Server, name: str) -> None:
    server.answers = ["text/html; charset=utf-8"]
    with pytest.raises(Unavailable, match=r"answers with a page \(text/html\) in place of the file"):
        opened(lambda: open_url(server.url(name)), server.url(name))
    assert not fetching.is_there(server.url(name))


def test_audio_that_a_script_sends_as_text_is_read(store: Store, server: Server) -> None:
    server.answers, server.page = ["text/html"], CLIP
    assert scan(store, Audio(server.url("clip.php?id=3"))).seconds == 2.0


def test_an_endless_answer_is_cut_off_and_rejected(store: Store, server: Server) -> None:
    server.answers = ["endless"]
    with pytest.raises(Unusable) as caught:
        scan(store, Audio(server.url()))
    assert caught.value.reason == "too_large"


def test_stretches_of_one_file_are_one_request(store: Store, server: Server) -> None:
    server.answers = ["whole", "500"]
    whole = load(store, Audio(server.url()), 0.0, 2.0)
    assert np.array_equal(load(store, Audio(server.url()), 1.0, 2.0), whole[16000:])


@pytest.mark.parametrize("write", ["file://{}", "local://{}", "zip://a.wav::file://{}", "zip://a.wav::{}"])
def test_what_never_ends_is_not_opened(tmp_path: Path, write: str, pipe_guard: None) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", str(tmp_path / "pipe")):
        with pytest.raises(Unusable) as caught:
            open_url(write.format(path))
        assert caught.value.reason == "not_a_file"


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def wanting(*_: object) -> Callable[..., None]:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fetching.fsspec, "open", wanting)
    with pytest.raises(RecipeError, match="s3fs"):
        open_url("s3://bucket/a.wav")


def test_whether_it_is_there_costs_no_download(server: Server) -> None:
    server.answers = ["endless", "503"]
    assert [fetching.is_there(server.url()), fetching.is_there(server.url())] == [True, False]


@pytest.mark.parametrize("answer", ["ranges", "whole"])
def test_a_tar_is_read_where_it_lies_if_the_server_sends_stretches(store: Store, answer: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in (("a.flac", CLIP), ("large.bin", bytes(20_000_000)), ("b.flac", CLIP)):
            (entry := tarfile.TarInfo(name)).size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    with serving(buffer.getvalue()) as server, reading_as(ReadSettings(largest=1e6 if answer == "ranges" else 1e8)):
        server.answers = [answer]
        source = Source(path=server.url("web.tar"))
        item = Item(key="web", source="web", path="web.tar", uri=source.path, stamp="")
        made = [r for r in source.read(item, store) if isinstance(r, Recording)]
        assert [(r.path, r.seconds) for r in made] == [("web.tar/a", 2.0), ("web.tar/b", 2.0)]
        assert len(load(store, made[1].audio, 0.5, 1.5)) == 16000
        assert server.sent < 1_000_000, "of 20 MB; an answer that is fetched whole counts nothing"
        assert (server.sent > 0) == (answer == "ranges")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nxx", "its answer is no HTTP"),
        (b"nonsense\r\n\r\n", "its answer is no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx", "its answer cannot be unpacked"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(CLIP)[:-100],
            "its answer cannot be unpacked",
        ),
        (
            b"HTTP/1.1 206 OK\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nxx",
            "answers 206 in place of the file",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "answers 204 in place of the file"),
        (b"HTTP/1.1 300 Multiple\r\nContent-Length: 0\r\n\r\n", "answers 300 in place of the file"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "an empty answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbusy", r"a page \(text/plain\)"),
        (b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n", "sends it on to what is no web address"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + CLIP[:2000] + b"\r\nZZ\r\n",
            "its answer breaks off|no HTTP",
        ),
    ],
)
def test_an_answer_that_cannot_be_read_is_named_without_the_url(answer: bytes, reason: str) -> None:
    """aiohttp makes up a status for it, and shows the whole url with its query."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.recv(4096)
                    client.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/clip.wav?key=secret"
        with pytest.raises(Unavailable) as fault:
            opened(lambda: open_url(url), url).close()
    assert re.search(reason, fault.value.reason) and "secret" not in str(fault.value)


@pytest.mark.parametrize("wrong", ["a page", "zeros", "shifted", "416", "another length"])
def test_a_wrong_stretch_of_a_tar_leaves_it_unread(
    store: Store, monkeypatch: pytest.MonkeyPatch, wrong: str, tmp_path: Path
) -> None:
    tar = _tar_of(CLIP, 20)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            begin, _, end = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
            first, last = int(begin or 0), int(end or len(tar) - 1)
            data, status, length = tar[first : last + 1], 206 if begin else 200, len(tar)
            if first > 20_000:
                data = {"zeros": bytes(len(data)), "a page": b"<html>"}.get(wrong, data)
                status = {"a page": 200, "416": 416}.get(wrong, status)
                first -= 512 * (wrong == "shifted")
                length += 512 * (wrong == "another length")
            self.send_response(status)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Range", f"bytes {first}-{last}/{length}")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setattr(fetching, "_AHEAD", 0)
    with _served(Handler) as url:
        source = Source(path=f"{url}/web.tar")
        (item,) = source.items("web")
        with pytest.raises(Unavailable):
            list(source.read(item, store))


def test_a_server_may_send_a_stretch_a_piece_at_a_time() -> None:
    whole = np.random.default_rng(0).bytes(50_000)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            begin, _, end = self.headers["Range"].removeprefix("bytes=").partition("-")
            data = whole[int(begin) : min(int(end) + 1, int(begin) + 7_000)]
            self.send_response(206)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Range", f"bytes {begin}-{int(begin) + len(data) - 1}/*")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with _served(Handler) as url:
        assert read_stretch(f"{url}/web.tar", 100, 40_000, len(whole)) == whole[100:40_000]


@pytest.mark.parametrize("kind", ["tar", "folder of tars", "folder"])
def test_a_source_at_a_url_is_listed_and_read(store: Store, tmp_path: Path, kind: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "web one.tar").write_bytes(_tar_of(CLIP, 2))
    (tmp_path / "in" / "a b.flac").write_bytes(CLIP)
    (tmp_path / "in" / "a b.txt").write_text("and then")

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *_: object) -> None:
            pass

    with _served(Handler) as url:
        path = f"{url}/in/web%20one.tar" if kind == "tar" else f"{url}/"
        source = Folder(path=path) if kind == "folder" else Source(path=path)
        made = [r for item in source.items("web") for r in source.read(item, store)]
    below = "" if kind == "tar" else "in/"
    if kind == "folder":
        assert [(r.path, r.text, r.seconds) for r in made] == [("in/a b.flac", "and then", 2.0)]
    else:
        assert [r.path for r in made] == [f"{below}web one.tar/0", f"{below}web one.tar/1"]


def test_a_folder_whose_listing_fails_is_no_empty_folder(server: Server) -> None:
    server.answers = ["503"]
    with pytest.raises(Unavailable):
        list(walk(server.url("in/")))


def _tar_of(clip: bytes, count: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for number in range(count):
            (entry := tarfile.TarInfo(f"{number}.flac")).size = len(clip)
            tar.addfile(entry, io.BytesIO(clip))
    return buffer.getvalue()


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_address[1]}"
        finally:
            http.shutdown()
            thread.join()
