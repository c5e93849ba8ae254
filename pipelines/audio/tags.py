"""Tags that programs write before, between and behind the sound of files: ID3, APE and their like.

after(file, 16_344)      16_472      the byte behind an ID3v1 tag, which has 128 bytes
"""

from typing import BinaryIO

_ID3V1 = 128  # bytes of it
_APE = 32  # bytes of the header of an APE tag


def after(file: BinaryIO, at: int) -> int:
    """The byte behind the tags that begin at a byte, one after another; `at` where none does."""
    while size := _size(file, at):
        at += size
    return at


def _size(file: BinaryIO, at: int) -> int:
    """Bytes of the tag that begins here, 0 for none."""
    file.seek(at)
    head = file.read(16)
    if head[:3] == b"ID3" and len(head) >= 10:
        size = sum((byte & 127) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=False))
        return 10 + size + (10 if head[5] & 16 else 0)
    if head[:8] == b"APETAGEX" and len(head) == 16:
        return _APE + int.from_bytes(head[12:16], "little")
    return _ID3V1 if head[:3] == b"TAG" else 0
