"""Files behind urls: what a web server sends, whole and within limits, and whatever else fsspec opens.

    with open_url("https://host/a/clip.flac") as file: ...

A server may have no ranges, not say how long a file is, send without end, or send nothing: an answer is fetched whole, to disk where it
is long, and the last one is kept. Of a tar only what is asked for is fetched, where the server has ranges.
"""

import os
import stat
from tarfile import TarError
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast
from zipfile import BadZipFile

import fsspec
from fsspec.caching import ReadAheadCache
from fsspec.implementations.local import LocalFileSystem

from weft.pipelines.storage.answers import Answer, answer_of, read_stretch
from weft.pipelines.storage.pages import HEAD, check_page
from weft.pipelines.storage.retries import settings, without_secrets
from weft.schemas.faults import RecipeError
from weft.schemas.ledger import Unusable

_IN_MEMORY = 1 << 24  # bytes that are not yet put on disk
_CHUNK = 1 << 20
_AHEAD = 1 << 16  # bytes fetched beyond what is asked for of a tar: its headers lie far apart


def open_url(url: str) -> BinaryIO:
    """For reading, from any place in it.

    Raises Unusable for a pipe, a device and an answer that is too large, RecipeError where a package is wanting, and whatever
    fsspec raises.
    """
    if not _is_web(url):
        return _opened(url)
    length = _length_of_ranged(url) if url.partition("?")[0].lower().endswith(".tar") else 0
    return _ranged(url, length) if length else _fetched(url)


def ask_for(url: str) -> None:
    """Opens it and fetches no more than the beginning of an answer. Raises as `open_url` does."""
    if not _is_web(url):
        _opened(url).close()
        return
    with answer_of(url) as answer:
        _beginning(answer, url)


def is_there(url: str) -> bool:
    """Whether it can be opened now."""
    try:
        ask_for(url)
    except Exception:  # noqa: BLE001  # each file system has its own
        return False
    return True


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _opened(url: str) -> BinaryIO:
    for part in url.split("::"):  # of a chain such as zip://a.wav::/data/a.zip
        _check_regular(part)
    try:
        return fsspec.open(url, "rb").open()
    except (BadZipFile, TarError) as error:
        raise Unusable("unreadable", f"the archive that it lies in cannot be read ({error})") from None
    except ImportError as error:
        raise RecipeError(
            f"{without_secrets(url)}: {url.partition('://')[0]}:// cannot be read here ({error})"
        ) from None


_lengths: dict[str, int] = {}  # of the last tar by its url


def _length_of_ranged(url: str) -> int:
    """Bytes of a file of which the server sends any stretch; 0 where it does not, or says no length. Raises WebPage."""
    if url not in _lengths:
        with answer_of(url) as answer:
            headers = answer.headers
            _beginning(answer, url)
        has_ranges = headers.get("Accept-Ranges") == "bytes" and "Content-Encoding" not in headers
        _lengths.clear()
        _lengths[url] = int(headers.get("Content-Length", 0)) if has_ranges else 0
    return _lengths[url]


def _ranged(url: str, length: int) -> BinaryIO:
    cache = ReadAheadCache(_AHEAD, lambda begin, end: read_stretch(url, begin, end, length), length)
    return cast(BinaryIO, _View(cast(BinaryIO, _Stretches(cache, length))))


class _Stretches:
    """A file of which a server sends stretches."""

    def __init__(self, cache: ReadAheadCache, length: int) -> None:
        self._cache, self._length, self._place = cache, length, 0

    def read(self, size: int = -1) -> bytes:
        end = self._length if size < 0 else min(self._length, self._place + size)
        return self._cache._fetch(self._place, end) if end > self._place else b""

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        self._place = place + (self._length if whence == os.SEEK_END else 0)
        return self._place


def _check_regular(url: str) -> None:
    """A pipe or a device would block the run for ever."""
    local = url.startswith("/") or url.partition(":")[0] in LocalFileSystem.protocol
    if not local:
        return
    path = LocalFileSystem._strip_protocol(url)
    if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
        raise Unusable("not_a_file", "it is a folder, a pipe or a device")


_kept: dict[str, SpooledTemporaryFile[bytes]] = {}  # the last answer by its url; a url stands for its content


def _fetched(url: str) -> BinaryIO:
    if url not in _kept:
        spool = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - kept, and copied for each reader
        _copy(url, cast(BinaryIO, spool))
        for old in _kept.values():
            old.close()
        _kept.clear()
        _kept[url] = spool
    return cast(BinaryIO, _View(cast(BinaryIO, _kept[url])))


def _copy(url: str, out: BinaryIO) -> None:
    length = 0
    with answer_of(url) as answer:
        chunk = _beginning(answer, url)
        while chunk:
            length += len(chunk)
            if length > settings().largest:
                raise Unusable("too_large", f"it has more than {settings().largest:,.0f} bytes (`reading.largest`)")
            out.write(chunk)
            chunk = answer.read(_CHUNK)


def _beginning(answer: Answer, url: str) -> bytes:
    """The first bytes of an answer. Raises WebPage."""
    head = b""
    while len(head) < HEAD and (chunk := answer.read(HEAD - len(head))):
        head += chunk
    check_page(url, answer.headers.get("Content-Type", ""), head)
    return head


class _View:
    """A place of its own in a file that stays open when this is closed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._place = file, 0

    def read(self, size: int = -1) -> bytes:
        self._file.seek(self._place)
        data = self._file.read(size)
        self._place += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place}.get(whence)
        self._place = place + (self._file.seek(0, os.SEEK_END) if base is None else base)
        return self._place

    def tell(self) -> int:
        return self._place

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """The file is another reader's too."""

    def __enter__(self) -> "_View":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
