"""Files behind urls, from a real server that misbehaves, and what no url may open."""

import io
import os
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.pipelines.servers import Server, serving
from weft.pipelines.audio.sound import flac, load, scan
from weft.pipelines.sources.tars import Source
from weft.pipelines.storage import fetching
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
    assert fault.value.reason == reason and "secret" not in str(fault.value)
