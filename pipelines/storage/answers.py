"""One answer of a web server as a stream: what is no whole file, or not the stretch that was asked for, is the server's fault.

with answer_of(url) as answer:                        the whole file
with answer_of(url, (4096, 8192)) as answer:          a stretch of it, by first byte and end

It is asked for without compression. An answer that is compressed all the same is unpacked here, as aiohttp does not notice that gzip
ends early.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import fsspec

from weft.pipelines.storage.retries import settings

_WHOLE = (200, 203)
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class BadAnswer(OSError):
    """The server's fault: it is asked again."""


class Answer:
    """`read` raises BadAnswer, or an error of aiohttp or the operating system, where the answer breaks off."""

    def __init__(self, stream: Any) -> None:
        self.status: int = stream.r.status
        self.headers: Mapping[str, str] = stream.r.headers
        coding = self.headers.get("Content-Encoding", "identity").strip().lower()
        if coding not in ("identity", "gzip", "x-gzip", ""):
            raise BadAnswer(f"its answer cannot be unpacked ({coding}, which was not asked for)")
        self._file: Any = gzip.GzipFile(fileobj=stream, mode="rb") if "gzip" in coding else stream

    def read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise BadAnswer("its answer cannot be unpacked") from None
        except RuntimeError as error:  # what aiohttp makes of a connection that it closed itself
            raise BadAnswer("its answer breaks off") from error


@contextmanager
def answer_of(url: str, stretch: tuple[int, int] | None = None) -> Iterator[Answer]:
    """Raises BadAnswer, and whatever fsspec raises."""
    fs, path = fsspec.core.url_to_fs(url, client_kwargs={"timeout": _timeout(), "auto_decompress": False})
    headers = {"Accept-Encoding": "identity"}
    if stretch:
        headers["Range"] = f"bytes={stretch[0]}-{stretch[1] - 1}"
    # as a stream; with a size, so that it does not ask for one first
    with fs.open(path, block_size=0, size=1, headers=headers) as stream:
        answer = Answer(stream)
        if not stretch and answer.status not in _WHOLE:
            raise BadAnswer(f"the server answers {answer.status} in place of the file")
        yield answer


def read_stretch(url: str, begin: int, end: int, length: int) -> bytes:
    """Bytes of a file of `length`, which a server may send a piece at a time. Raises BadAnswer."""
    data = bytearray()  # a stretch may be a recording of hours, and bytes would be copied for every piece
    while len(data) < end - begin:
        data += _piece(url, begin + len(data), end, length)
    return bytes(data)


def _piece(url: str, begin: int, end: int, length: int) -> bytearray:
    with answer_of(url, (begin, end)) as answer:
        sent = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
        if answer.status != 206 or not sent or int(sent[1]) != begin or not begin <= int(sent[2]) < end:
            raise BadAnswer(f"the server answers {answer.status} with another stretch than bytes {begin:,} to {end:,}")
        if sent[3] not in ("*", str(length)):
            raise BadAnswer(f"the server says {length} bytes of the file, and then {sent[3]}")
        data, wanted = bytearray(), int(sent[2]) + 1 - begin
        while len(data) < wanted and (chunk := answer.read(wanted - len(data))):
            data += chunk
        if len(data) < wanted:
            raise BadAnswer("its answer breaks off")
        return data


def _timeout() -> Any:
    import aiohttp

    at = settings()
    return aiohttp.ClientTimeout(total=at.whole, connect=at.connect, sock_connect=at.connect, sock_read=at.silence)
