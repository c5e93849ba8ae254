"""USTAR written plainly: the same members give the same bytes, whoever writes them and when.

member("clip-words-0.json", b"{…}")  ->  a header of 512 bytes (mode 0644, no owner, time 0), the data, zeros
"""

BLOCK = 512
END = bytes(2 * BLOCK)
LONGEST_NAME = 100
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


def member(name: str, data: bytes) -> bytes:
    """A file as it lies in a tar: header, data, zeros up to the next block."""
    return header(name.encode("ascii"), len(data)) + data + _PADDING[len(data) % BLOCK]
