"""Walking a folder, locally or at an fsspec url.

for file in walk("/data/speech"): File(path="a/clip.wav", uri="/data/speech/a/clip.wav", stamp="91244:1731999")
"""

import errno
import os
import re
import stat as stat_module
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote

import fsspec

from weft.pipelines.audio.opening import regular
from weft.pipelines.storage.few_bytes import few_bytes
from weft.pipelines.storage.paths import absolute
from weft.pipelines.storage.retries import opened, read_with_retries, without_secrets
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.limits import SpeechLimits

T = TypeVar("T")
_LIMITS = SpeechLimits()
_TABLES = (".ctm", ".rttm")  # one may hold many recordings
ABSENT = "unreadable"  # the stamp of a missing file


@dataclass(frozen=True, slots=True)
class File:
    """`path` is relative and printable; `uri` opens it, and is empty when its name is not UTF-8."""

    path: str
    uri: str
    stamp: str
    size: int = 0


def ending_of(file: File) -> str:
    """In lower case; "" where there is none."""
    return os.path.splitext(file.path)[1].lower()


def walk(root: str) -> Iterator[File]:
    """Every file below `root`, sorted; links to folders are followed once. Raises FileNotFoundError, and Unavailable."""
    if "://" in root:
        yield from _walk_web(root) if root.startswith(("http://", "https://")) else _walk_url(root)
        return
    root = absolute(root)
    if not os.path.exists(root):
        raise FileNotFoundError(errno.ENOENT, "no such file or folder", root)
    if not os.path.isdir(root):
        yield local_file(root, os.path.basename(root))
        return
    yield from _walk_folder(root, "", {os.path.realpath(root)})


def _walk_folder(root: str, below: str, seen: set[str]) -> Iterator[File]:
    folder = os.path.join(root, below)
    for entry in sorted(read_with_retries(lambda: list(os.scandir(folder)), folder), key=lambda e: e.name):
        path = os.path.join(below, entry.name)
        if not _is_folder(entry.path):
            yield local_file(entry.path, path)
        elif (real := os.path.realpath(entry.path)) not in seen:
            yield from _walk_folder(root, path, seen | {real})


def _is_folder(path: str) -> bool:
    """Raises Unavailable where a mount does not answer: all that lies below it would go from the listing without a word."""

    def asked() -> bool:
        try:
            return stat_module.S_ISDIR(os.stat(path).st_mode)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ELOOP, errno.EACCES):
                raise
            return False  # a dangling link, or one to itself, is no folder, and no error

    return read_with_retries(asked, path)


def local_file(uri: str, path: str) -> File:
    try:
        path.encode()
    except UnicodeEncodeError:
        return File(os.fsencode(path).decode("utf-8", "backslashreplace"), "", "")
    return File(path=path, uri=uri, stamp=stamp(uri), size=os.path.getsize(uri) if os.path.isfile(uri) else 0)


def stamp(uri: str) -> str:
    """Size and time of change, used in place of a digest until the file is read."""
    try:
        facts = os.stat(uri)
    except OSError:
        return ABSENT
    return f"{facts.st_size}:{facts.st_mtime_ns}"


def _walk_web(root: str) -> Iterator[File]:
    """A url that ends in a file's name is that file; of any other the server lists what lies below it, as a page of links."""
    fs, _ = _file_system(root)
    name = unquote(root.partition("?")[0].rpartition("/")[2])
    if "." in name and root.count("/") > 2:
        yield File(path=name, uri=root, stamp="url")
        return
    home = root.rstrip("/") + "/"
    files = list(_linked(fs, home, {home}))
    if not files:
        raise FileNotFoundError(root)
    for url in sorted(files):
        yield File(path=unquote(url[len(home) :]), uri=url, stamp="url")


def _linked(fs: Any, folder: str, seen: set[str]) -> Iterator[str]:
    """Urls of the files below a folder's. Raises Unavailable where a listing cannot be had, and FileNotFoundError."""
    for url in _listing(partial(fs.ls, folder, detail=False), folder):
        if "?" in url or "#" in url or "/../" in url or url in seen or not url.startswith(folder):
            continue  # links that sort the listing, or lead up
        seen.add(url)
        if url.endswith("/"):
            yield from _linked(fs, url, seen)
        else:
            yield url


def _walk_url(root: str) -> Iterator[File]:
    fs, below = _file_system(root)
    scheme = root.split("://", 1)[0]
    files = _listing(partial(fs.find, below, detail=True), root)
    if not files:
        raise FileNotFoundError(root)
    for path in sorted(files):
        relative = path[len(below.rstrip("/")) + 1 :] or path.rsplit("/", 1)[-1]
        yield File(path=relative, uri=f"{scheme}://{path}", stamp=str(fs.ukey(path)), size=files[path]["size"])


def _listing(ask: Callable[[], T], url: str) -> T:
    """What a server or a store answers. Raises FileNotFoundError where there is nothing, Unavailable where it cannot be had."""
    try:
        return read_with_retries(ask, url)
    except Unavailable as fault:
        if fault.absent:
            raise FileNotFoundError(url) from None
        raise


def _file_system(url: str) -> tuple[Any, str]:
    """Raises RecipeError where the package of its scheme is not installed."""
    try:
        return fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        scheme = url.partition("://")[0]
        raise RecipeError(f"{without_secrets(url)}: {scheme}:// cannot be read here ({error})") from None


def read_bytes(store: Store, uri: str, limits: SpeechLimits = _LIMITS) -> bytes:
    """A transcript, or a table of them. Raises Unusable: bad_transcript; and Unavailable for one that is gone."""
    uri = store.located(uri)
    largest = limits.table if uri.lower().endswith(_TABLES) else limits.transcript
    try:
        if uri.startswith("/"):
            regular(uri)
        data = opened(partial(few_bytes, store, uri, largest + 1), uri)
        if len(data) > largest:
            raise Unusable("bad_transcript", f"it has more than {largest:,} bytes")
        return data
    except Unusable as fault:
        raise Unusable("bad_transcript", f"{uri.rsplit('/', 1)[-1]}: {fault.detail}") from None


def read_text(store: Store, uri: str, limits: SpeechLimits = _LIMITS) -> str:
    """A small text file as clean text. Raises Unusable when it is no file, not UTF-8, or labels instead of text."""
    try:
        text = read_bytes(store, uri, limits).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable("bad_transcript", f"{uri.rsplit('/', 1)[-1]} is not UTF-8 (byte {error.start})") from None
    if uri.lower().endswith(".lab") and _LABELS.search(text):
        raise Unusable("bad_transcript", f"{uri.rsplit('/', 1)[-1]} holds labels and times; convert it to a TextGrid")
    return clean(text)


# an ESPS header ends in a line of "#"; HTK writes start, end and label
_LABELS = re.compile(r"^#\s*$|\A\s*\d+ +\d+ +\S+\s*$", re.MULTILINE)


def clean(text: str) -> str:
    """One line of composed characters, without control characters or lone surrogates."""
    kept = "".join(c if unicodedata.category(c) not in ("Cc", "Cs", "Co") else " " for c in text)
    return " ".join(unicodedata.normalize("NFC", kept).split())
