"""USTAR written plainly: the same members give the same bytes, whoever writes them and when.

member("clip-words-0.json", b"{…}")  ->  a header of 512 bytes (mode 0644, no owner, time 0), the data, zeros
"""

from typing import TypeVar

import numpy as np

BLOCK = 512
# the endings of a sample's members, in their order; the last two only where there is any
MEMBERS = ("json", "npy", "flac", "png")
END = bytes(2 * BLOCK)
LONGEST_NAME = 100
Number = TypeVar("Number", int, np.ndarray)
_AFTER_NAME = b"0000644\0" + b"0000000\0" * 2
_AFTER_SIZE = b"00000000000\0"
_AFTER_CHECKSUM = b"0" + bytes(100) + b"ustar\x0000" + bytes(247)
_FIXED = sum(_AFTER_NAME) + sum(_AFTER_SIZE) + 8 * ord(" ") + sum(_AFTER_CHECKSUM)
_PADDING = [bytes(-n % BLOCK) for n in range(BLOCK)]


def header(name: bytes, size: int) -> bytes:
    """The header of a plain file. `name` is ASCII of at most 100 bytes."""
    assert len(name) <= LONGEST_NAME and size < 1 << 33
    octal = b"%011o\0" % size
    checksum = _FIXED + sum(name) + sum(octal)
    return b"%b%b%b%b%06o\0 %b" % (name.ljust(100, b"\0"), _AFTER_NAME, octal, _AFTER_SIZE, checksum, _AFTER_CHECKSUM)


def space(length: Number) -> Number:
    """Bytes of a member whose data have `length` bytes: its header, and whole blocks. 0 for a member that is not there.

    >>> space(600), space(0)
    (1536, 0)
    """
    return (BLOCK + -(-length // BLOCK) * BLOCK) * (length > 0)


def member(name: str, data: bytes) -> bytes:
    """A file as it lies in a tar: header, data, zeros up to the next block."""
    return header(name.encode("ascii"), len(data)) + data + _PADDING[len(data) % BLOCK]
