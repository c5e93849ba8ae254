"""What is said of bytes behind a file that its decoder never reads: a second file, or anything but tags and padding.

unread(file, 16_240, "FLV")      "bytes that are no FLV begin at byte 16,240 of 48,720: split the file there"
second(33_878, 67_756)           "a second file begins at byte 33,878 of 67,756, and would not be read: split them"
"""

from typing import BinaryIO

from weft.pipelines.audio import tags
from weft.pipelines.audio.headers import length_of

_LEAST = 64  # bytes; fewer are padding, or the end of a line


def unread(file: BinaryIO, at: int, kind: str) -> str:
    """In words; "" where nothing but tags and padding lies from a byte on. The file is rewound."""
    at, length = tags.after(file, at), length_of(file)
    if at + _LEAST > length or is_zero(file, at):
        return ""
    return f"bytes that are no {kind} begin at byte {at:,} of {length:,}: split the file there"


def second(at: int, length: int) -> str:
    return f"a second file begins at byte {at:,} of {length:,}, and would not be read: split them"


def is_zero(file: BinaryIO, at: int) -> bool:
    """Whether nothing but zeros follows: padding, or silence that nobody misses. The file is rewound."""
    file.seek(at)
    while block := file.read(1 << 20):
        if block.strip(b"\0"):
            break
    file.seek(0)
    return not block
