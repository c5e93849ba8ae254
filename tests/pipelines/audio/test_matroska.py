"""Elements of Matroska that cannot be: larger than the one that holds them, unknown, or with a wrong checksum."""

import io
import zlib

import pytest

from weft.pipelines.audio.matroska import MARK, damage

SEGMENT, CLUSTER, INFO = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75", b"\x15\x49\xa9\x66"
BLOCK, CRC, NONE = b"\xa3", b"\xbf", b"\xaa"
UNKNOWN = (1 << 56) - 1  # a size that says none
BEFORE = 4 + 8 + 4 + 8  # bytes of the header and of the segment's head


def element(name: bytes, content: bytes = b"", size: int = -1) -> bytes:
    """`size` is what it declares; -1: as many bytes as it has."""
    return name + ((1 << 56) + (len(content) if size < 0 else size)).to_bytes(8, "big") + content


def file(*inside: bytes, size: int = -1) -> io.BytesIO:
    return io.BytesIO(element(MARK) + element(SEGMENT, b"".join(inside), size))


LARGE = element(CLUSTER, element(BLOCK, bytes(70_000)))
PLAIN = element(BLOCK, bytes(40))


def summed(content: bytes, change: int = 0) -> bytes:
    return element(CRC, (zlib.crc32(content) ^ change).to_bytes(4, "little")) + content


@pytest.mark.parametrize(
    "one",
    [
        file(element(INFO, bytes(9)), LARGE, LARGE),
        file(LARGE, LARGE, size=UNKNOWN),
        file(element(CLUSTER, element(BLOCK, bytes(40)), UNKNOWN), LARGE),
        file(element(CLUSTER, summed(PLAIN))),
        file(LARGE, element(CLUSTER, element(BLOCK, bytes(40), 4000), 4009), size=UNKNOWN),
    ],
    ids=["sound", "segment of no size", "cluster of no size", "checksum", "cut off while it was written"],
)
def test_a_sound_or_unfinished_file_has_no_damage(one: io.BytesIO) -> None:
    assert damage(one) == ""


SOUND = file(LARGE).getvalue()


@pytest.mark.parametrize(
    ("first", "place"),
    [
        (SOUND, len(SOUND)),
        (file(LARGE, size=UNKNOWN).getvalue(), len(SOUND)),
        (SOUND + element(b"\xec", bytes(90)), len(SOUND) + 99),
    ],
    ids=["segment", "segment of no size", "padding"],
)
def test_a_second_file_is_named_with_its_place(first: bytes, place: int) -> None:
    assert damage(io.BytesIO(first + SOUND)).startswith(f"a second file begins at byte {place:,} of ")


def test_other_bytes_behind_a_segment_are_named_with_their_place() -> None:
    assert damage(io.BytesIO(SOUND + b"?" * 64)).startswith(
        f"bytes that are no Matroska begin at byte {len(SOUND):,} of "
    )
    for padding in (b"\n", bytes(4000), b"TAG" + bytes(125)):
        assert damage(io.BytesIO(SOUND + padding)) == ""


@pytest.mark.parametrize(
    ("one", "place", "fault"),
    [
        (file(element(CLUSTER, element(BLOCK, bytes(40), 60)), LARGE), BEFORE + 12, "declares more bytes than the one"),
        (file(element(INFO, bytes(9), 30), LARGE, size=30), BEFORE, "declares more bytes than the one"),
        (
            file(element(CLUSTER, PLAIN + element(NONE, bytes(40))), LARGE),
            BEFORE + 12 + 49,
            "nothing that Matroska has",
        ),
        (file(element(b"\x15\x49\xa9\x67"), LARGE), BEFORE, "nothing that Matroska has"),
        (file(element(CLUSTER, summed(PLAIN, change=1)), LARGE), BEFORE + 12 + 13, "the checksum of bytes"),
        (file(element(INFO, summed(PLAIN, change=1)), LARGE), BEFORE + 12 + 13, "the checksum of bytes"),
    ],
    ids=["block", "section", "unknown in a cluster", "unknown section", "checksum of a cluster", "of a section"],
)
def test_damage_is_named_with_its_place(one: io.BytesIO, place: int, fault: str) -> None:
    assert fault in damage(one) and f" {place:,} " in damage(one)
