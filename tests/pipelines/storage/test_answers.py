"""What a server sends is read as a stream, and what breaks off or cannot be unpacked is the server's fault."""

import gzip
import io
from types import SimpleNamespace
from typing import Any

import pytest

from weft.pipelines.storage.answers import Answer, BadAnswer

PACKED = gzip.compress(bytes(range(256)) * 40)


def stream(data: bytes, coding: str = "identity", fault: Exception | None = None) -> Any:
    """As fsspec gives it: the answer is in `r`."""

    def read(size: int) -> bytes:
        if fault:
            raise fault
        return file.read(size)

    file = io.BytesIO(data)
    return SimpleNamespace(read=read, r=SimpleNamespace(status=200, headers={"Content-Encoding": coding}))


@pytest.mark.parametrize(("coding", "data"), [("identity", b"abc"), ("", b"abc"), ("gzip", PACKED), ("X-GZIP", PACKED)])
def test_a_packed_answer_is_unpacked(coding: str, data: bytes) -> None:
    assert Answer(stream(data, coding)).read(10_000)[:2] in (b"ab", b"\0\1")


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, br"])
def test_a_coding_that_was_not_asked_for_is_refused(coding: str) -> None:
    with pytest.raises(BadAnswer, match=f"cannot be unpacked .{coding}"):
        Answer(stream(b"abc", coding))


def test_a_connection_that_was_closed_is_an_answer_that_breaks_off() -> None:
    with pytest.raises(BadAnswer, match="breaks off"):
        Answer(stream(b"", fault=RuntimeError("Connection closed."))).read(10)


@pytest.mark.parametrize("data", [PACKED[:-20], b"no gzip at all", PACKED[:30] + b"\xff" * 30 + PACKED[60:]])
def test_a_packed_answer_that_is_not_whole_is_refused(data: bytes) -> None:
    answer = Answer(stream(data, "gzip"))
    with pytest.raises(BadAnswer, match="cannot be unpacked"):
        while answer.read(10_000):
            pass
