"""Reads that fail for a moment: tried again after a while, and then a failure of the work, never a reject.

    read_with_retries(partial(store.open, uri), uri)  # raises Unavailable after the last try
    with retrying(file, uri) as reader: …             # raises Unavailable where a read failed in between
    with reading_as(recipe.reading): …                # how often is tried, and how long a server may take

What a file holds is another matter: content that was read and is wrong is a reject (Unusable).

Waiting for each of a million files of a mount that is gone would take months. So of one piece of work only the first failure of a
kind is waited for in full. Where `IN_A_ROW` reads of a server (or of local files) in a row found no answer, the others are not tried.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import sleep
from typing import Any, BinaryIO, TypeVar, cast

from weft.pipelines.storage.read_errors import NO_NAME, is_absent, is_environment, is_of_machine, reason_of
from weft.schemas.faults import RecipeError
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.reading import ReadSettings

T = TypeVar("T")
IN_A_ROW = 8  # reads without an answer, after which a place is not tried any more


@dataclass
class Reads:
    """What this process knows of the places it reads: a server, or the local files.

    `waited` holds the kinds of failure that this piece of work has waited for, `failed` counts failures in a row by place, `tried` the
    places that this piece of work has tried.
    """

    settings: ReadSettings = ReadSettings()
    waited: set[tuple[str, bool]] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)
    failed: Counter[str] = field(default_factory=Counter)

    def begin(self, settings: ReadSettings) -> None:
        self.settings = settings
        self.waited.clear()
        self.tried.clear()

    def is_given_up(self, place: str) -> bool:
        """Each piece of work tries once whether the place is back."""
        return self.failed[place] >= IN_A_ROW and place in self.tried

    def waits(self, place: str, error: Exception) -> tuple[float, ...]:
        """Seconds before each further try. Where others failed before, a server that is busy for a moment gets one more."""
        if self.failed[place] >= IN_A_ROW:
            return ()
        if (place, is_absent(error)) in self.waited:
            return () if is_absent(error) else self.settings.waits[:1]
        return self.settings.waits

    def note_failure(self, place: str, error: Exception) -> None:
        self.tried.add(place)
        self.waited.add((place, is_absent(error)))
        self.failed[place] += not is_absent(error)

    def note_answer(self, place: str) -> None:
        self.tried.add(place)
        self.failed[place] = 0


reads = Reads()


def settings() -> ReadSettings:
    """How this process reads now."""
    return reads.settings


@contextmanager
def reading_as(wanted: ReadSettings) -> Iterator[None]:
    """Reads of one piece of work."""
    before = reads.settings
    reads.begin(wanted)
    try:
        yield
    finally:
        reads.begin(before)


class RetryingFile(io.RawIOBase):
    """A file that remembers that it could not be read, and ends there for whoever reads it."""

    def __init__(self, file: BinaryIO, what: str) -> None:
        self._file, self._what = file, what
        self.name = getattr(file, "name", "")
        self.failure: Unavailable | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        if self.failure:
            return b""
        place = self._file.tell()
        try:
            return read_with_retries(lambda: self._read_at(place, size), self._what)
        except Unavailable as failure:  # a decoder's library could not pass it on
            self.failure = failure
            return b""

    def _read_at(self, place: int, size: int) -> bytes:
        self._file.seek(place)
        return self._file.read(size)

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def retrying(file: BinaryIO, what: str) -> Iterator[BinaryIO]:
    """The file, closed at the end. Raises Unavailable where it could not be read, whatever was made of that."""
    with RetryingFile(file, what) as reader:
        try:
            yield cast(BinaryIO, reader)
        except Exception:
            if reader.failure:
                raise reader.failure from None
            raise
        if reader.failure:
            raise reader.failure


def read_with_retries(read: Callable[[], T], what: str) -> T:
    """What `read` returns. Raises Unavailable where the file, the mount or the server is gone; ValueError for what is no name."""
    place = _place(what)
    if reads.is_given_up(place):
        raise Unavailable(without_secrets(what), f"not tried: {IN_A_ROW} reads in a row before it found no answer")
    tries = 0
    while True:
        try:
            value = read()
        except Exception as error:
            if not is_environment(error):
                raise
            if isinstance(error, OSError) and error.errno in NO_NAME:
                raise ValueError(reason_of(error)) from None
            waits = reads.waits(place, error)
            if tries >= len(waits) or ("://" in what and is_absent(error)):
                reads.note_failure(place, error)
                raise Unavailable(
                    without_secrets(what),
                    _redacted(reason_of(error), what),
                    absent=is_absent(error),
                    of_machine=is_of_machine(error),
                ) from None
            sleep(waits[tries])
            tries += 1
        else:
            reads.note_answer(place)
            return value


def opened(read: Callable[[], T], what: str) -> T:
    """The same where a file is opened. Raises Unusable, too, for what is no name, and RecipeError where a package is wanting."""
    try:
        return read_with_retries(read, what)
    except RecipeError:
        raise
    except ValueError as error:
        raise Unusable("unreadable", _redacted(str(error), what)) from None


def _redacted(sentence: str, url: str) -> str:
    """A library's sentence about a url without the url's secrets: some show it without its scheme, or encode its query otherwise."""
    if "://" not in url:
        return sentence
    user = url.partition("://")[2].partition("/")[0].rpartition("@")[0]
    shown = sentence.replace(url, without_secrets(url)).replace(f"{user}@", "" if user else "@")
    return shown.partition("?")[0] if "?" in url else shown


def _place(what: str) -> str:
    """The server of a url; "" for local files."""
    scheme, separator, rest = what.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}" if separator else ""


def without_secrets(url: str) -> str:
    """What may be shown of it: a signed url's query and a name before the host are secrets."""
    if "://" not in url:
        return url
    scheme, _, rest = url.partition("?")[0].partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
