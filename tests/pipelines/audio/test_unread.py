"""Bytes behind a file that are of no use, and those that are."""

import io

import pytest

from weft.pipelines.audio.unread import is_zero, unread


@pytest.mark.parametrize("rest", [b"", bytes(100_000), b"\n" * 63, b"TAG" + bytes(125), b"TAG" + bytes(125 + 3000)])
def test_tags_and_padding_are_not_told(rest: bytes) -> None:
    assert unread(io.BytesIO(b"12345" + rest), 5, "FLV") == ""


def test_other_bytes_are_told_with_the_place_behind_the_tags() -> None:
    file = io.BytesIO(b"12345TAG" + bytes(125) + b"x" * 64)
    assert unread(file, 5, "FLV") == "bytes that are no FLV begin at byte 133 of 197: split the file there"
    assert file.tell() == 0


def test_zeros_to_the_end() -> None:
    file = io.BytesIO(b"1" + bytes(2_000_000))
    assert is_zero(file, 1) and not is_zero(file, 0) and file.tell() == 0
