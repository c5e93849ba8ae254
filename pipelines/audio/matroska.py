"""Matroska and WebM as rows of elements: where one is not what the format knows, or a checksum is wrong.

damage(file)      "an element that Matroska does not have begins at byte 45,812 of 91,621"

WebM has no checksums, so what is changed within a frame of sound is left to its decoder.
"""

import os
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from weft.pipelines.audio import tags
from weft.pipelines.audio.unread import second, unread

MARK = b"\x1a\x45\xdf\xa3"  # of the header
_HEADER, _SEGMENT, _CLUSTER, _CRC, _VOID = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0xBF, 0xEC
_SECTIONS = {  # of a segment: seek head, info, tracks, cues, attachments, chapters, tags, signature
    _CLUSTER, _CRC, _VOID, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367,
    0x1B538667,
}  # fmt: skip
# of a cluster: time, silent tracks, position, size of the one before, simple block, block group, encrypted block
_OF_CLUSTER = {_CRC, _VOID, 0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF}
_LARGEST_BLOCK = 1 << 26  # bytes
_UNKNOWN = 1 << 62  # the end of a segment that does not say its size
_CUT = 1 << 16  # bytes of a block that was being written when a recorder was killed


@dataclass(frozen=True, slots=True)
class _Element:
    """`begin` is the byte of its content; `end` the byte after it, the parent's where it does not say its size."""

    id: int
    begin: int
    end: int


def damage(file: BinaryIO) -> str:
    """In words, with its place; "" for none. What the end of the file cuts off is not damage."""
    length = file.seek(0, os.SEEK_END)
    at = start = tags.after(file, 0)
    while at + 12 <= length:
        element = _element(file, at, _UNKNOWN)
        if element is not None and element.id == _HEADER and at > start:
            return second(at, length)
        if element is None or element.id not in (_HEADER, _SEGMENT, _VOID):
            return unread(file, at, "Matroska")
        if element.id == _SEGMENT and (fault := _in_segment(file, element, length)):
            return fault
        at = element.end
    return ""


def _in_segment(file: BinaryIO, segment: _Element, length: int) -> str:
    at = segment.begin
    while at < min(segment.end, length):
        element = _element(file, at, segment.end)
        if element is None:
            return _cut_or_damaged(at, length)
        if element.id not in _SECTIONS:
            return second(at, length) if element.id == _HEADER else _unknown(at, length)
        if element.end > segment.end and segment.end <= length:
            return _too_large(at, length)
        if element.id == _CLUSTER:
            at, fault = _in_cluster(file, element, length)
        else:
            at, fault = element.end, _checked(file, element, length)
        if fault:
            return fault
    return ""


def _in_cluster(file: BinaryIO, cluster: _Element, length: int) -> tuple[int, str]:
    """Where what follows it begins, and what is wrong in it."""
    at = cluster.begin
    if fault := _checked(file, cluster, length):
        return at, fault
    while at < min(cluster.end, length):
        element = _element(file, at, cluster.end)
        if element is None:
            return length, _cut_or_damaged(at, length)
        if element.id not in _OF_CLUSTER:
            is_next = element.id in _SECTIONS  # of a cluster that does not say its size
            return at, "" if is_next else _unknown(at, length)
        if element.end > length and length - at <= _CUT and element.end - at < _LARGEST_BLOCK:
            return length, ""
        if element.end > min(cluster.end, length):
            return at, _too_large(at, length)
        at = element.end
    return at, ""


def _checked(file: BinaryIO, parent: _Element, length: int) -> str:
    """Whether its content has the checksum that it begins with, if it does."""
    first = _element(file, parent.begin, parent.end)
    if first is None or first.id != _CRC or first.end - first.begin != 4 or parent.end > length:
        return ""
    file.seek(first.begin)
    expected = int.from_bytes(file.read(4), "little")
    if zlib.crc32(file.read(parent.end - first.end)) == expected:
        return ""
    return f"the checksum of bytes {first.end:,} to {parent.end:,} of {length:,} is wrong"


def _element(file: BinaryIO, at: int, parent_end: int) -> _Element | None:
    """None where no element begins, or the file ends in its head."""
    file.seek(at)
    head = file.read(12)
    name_width = 9 - head[0].bit_length() if head else 9
    if name_width > 4 or len(head) <= name_width:
        return None
    size_width = 9 - head[name_width].bit_length()
    begin = name_width + size_width
    if size_width > 8 or len(head) < begin:
        return None
    marker = 1 << (7 * size_width)
    size = int.from_bytes(head[name_width:begin], "big") ^ marker
    is_unknown = size == marker - 1
    return _Element(
        id=int.from_bytes(head[:name_width], "big"),
        begin=at + begin,
        end=parent_end if is_unknown else at + begin + size,
    )


def _cut_or_damaged(at: int, length: int) -> str:
    return "" if at + 12 > length else _unknown(at, length)


def _unknown(at: int, length: int) -> str:
    return f"what begins at byte {at:,} of {length:,} is nothing that Matroska has"


def _too_large(at: int, length: int) -> str:
    return f"the element at byte {at:,} of {length:,} declares more bytes than the one that holds it"
