"""The members of a tar, to the last byte of its file: what ends early, or goes on behind its end, is never passed over.

members(file)      TarInfo of a.flac, a.txt, …; raises BrokenTar("… it breaks at byte 10,240 of 20,480") where the rest cannot be read

Python's tarfile takes a bad header behind the first member for the end of the tar.
"""

import os
import tarfile
from collections.abc import Iterator
from typing import BinaryIO, cast

LARGEST = 1 << 24  # bytes that a header may declare of itself, or of what belongs to it
_BLOCK = tarfile.BLOCKSIZE
_STRETCH = 1 << 16  # bytes read at a time of the zeros at the end
_END = 2  # blocks of zeros that end a tar
_PADDING = 2 * tarfile.RECORDSIZE  # bytes of zeros that may end the file; more are a copy that was not finished


class BrokenTar(Exception):
    """The rest of a tar cannot be read."""


class _Headers:
    """A tar whose headers alone are read. A header that declares more than LARGEST bytes is an error, so memory is bounded."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LARGEST:
            raise tarfile.ReadError(f"a header declares {size:,} bytes")
        return self._file.read(size)


def members(file: BinaryIO) -> Iterator[tarfile.TarInfo]:
    """Of all tars that were put end to end in the file. Raises BrokenTar behind the members before the damage."""
    size, begin = file.seek(0, os.SEEK_END), 0
    while begin < size or not begin:
        file.seek(begin)
        end = begin
        try:
            with tarfile.open(fileobj=cast(BinaryIO, _Headers(file)), mode="r:") as tar:
                for member in tar:
                    yield member
                    end = tar.offset
                end = tar.offset
        except (tarfile.TarError, EOFError, ValueError, OSError) as error:
            raise BrokenTar(f"{error}; {_broken(end, size)}") from None
        begin = _next_tar(file, end, size)


def _next_tar(file: BinaryIO, end: int, size: int) -> int:
    """Where another tar begins behind the zeros at `end`, or the file's size. Raises BrokenTar where no zeros end this one."""
    next_one = _first_content(file, end, size)
    zeros = (next_one - end) // _BLOCK
    if next_one == size and next_one - end > _PADDING:
        raise BrokenTar(f"nothing but zeros to its end; {_broken(end, size)}")
    if zeros >= _END or (zeros and next_one == size):  # some writers leave one block, and nothing is lost by that
        return next_one
    if end >= size:
        raise BrokenTar(f"it breaks off at byte {size:,}: no block of zeros ends it")
    raise BrokenTar(f"a bad header; {_broken(end, size)}")


def _broken(at: int, size: int) -> str:
    """Where in the file; `at` is the end of what was read, which may be declared to lie behind the end of the file."""
    if at > size:
        return f"it breaks off at byte {size:,}, the end of the file; its last member reaches to byte {at:,}"
    if at == size:
        return f"it breaks off at byte {size:,}, the end of the file"
    return f"it breaks at byte {at:,} of {size:,}"


def _first_content(file: BinaryIO, begin: int, size: int) -> int:
    """The first block, from `begin` on, that is not all zeros; the file's size where there is none."""
    file.seek(begin)
    place = begin
    while data := file.read(_STRETCH):
        if kept := data.lstrip(b"\0"):
            place += len(data) - len(kept)
            return place - (place - begin) % _BLOCK
        place += len(data)
    return size
