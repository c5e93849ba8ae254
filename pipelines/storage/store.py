"""A corpus on disk: files written whole or not at all, at a local path or any fsspec url.

store = Store("corpus")
with store.writing("align/speech/part-00000.parquet") as file: ...

Files of a source are named by their place in it: `source://speech/a/clip.wav`. Where that source lies, its listing says, so that
no record changes when the source moves.
"""

import atexit
import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from weft.pipelines.storage.damage import InTheWay
from weft.pipelines.storage.fetching import open_url
from weft.pipelines.storage.footer import Footers
from weft.schemas.disk import to_disk
from weft.schemas.fingerprint import digest

SOURCE = "source://"
_SCRATCH = re.compile(r"\.tmp-[0-9a-f]{32}$")  # how the names end of files that are being written

READ_AHEAD = 1 << 16  # bytes fetched beyond what is asked for: a footer or a sample must not cost megabytes


def _location(location: str) -> bytes:
    return json.dumps({"location": location, "digest": digest(location)}).encode()


def is_scratch(name: str) -> bool:
    """Whether it is the name of a file that is being written, or was when its writer was killed."""
    return bool(_SCRATCH.search(name))


class Store:
    """Paths are relative to `url`, with forward slashes; a path with a root or a scheme is left as it is."""

    def __init__(self, url: str) -> None:
        self.fs, root = fsspec.core.url_to_fs(url)
        self.root = root.rstrip("/")
        self.local = isinstance(self.fs, LocalFileSystem)
        self.url = self.root if self.local else url.rstrip("/")
        self._locations: dict[str, str] = {}
        self.manifests: Footers | None = None  # where footers need not be read

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def exists(self, name: str) -> bool:
        return self.fs.isfile(self.path(name))

    def size(self, name: str) -> int:
        return self.fs.size(self.path(name))

    def names(self, folder: str, suffix: str = "") -> list[str]:
        """Files below `folder` that end in `suffix`, sorted."""
        root = self.path(folder)
        self.fs.invalidate_cache(root)
        paths = self.fs.find(root) if self.fs.exists(root) else []
        return sorted(
            f"{folder}/{path[len(root) + 1 :]}" for path in paths if path.endswith(suffix) and not _SCRATCH.search(path)
        )

    def remove(self, name: str) -> None:
        if self.exists(name):
            self.fs.rm_file(self.path(name))

    def prune(self, folder: str) -> None:
        """Removes a folder and those in it that hold nothing. Object stores have no empty folders."""
        root = Path(self.path(folder)) if self.local else None
        if root and root.is_dir():
            for path in (*sorted((p for p in root.rglob("*") if p.is_dir()), reverse=True), root):
                with suppress(OSError):  # it holds something
                    path.rmdir()

    def locate(self, source: str, location: str) -> None:
        """Records the folder or url that a source lies at."""
        name, record = _location_name(source), _location(location)
        if not self.exists(name) or self.read(name) != record:
            self.write(name, record)
        self._locations[source] = location

    def has_location(self, source: str) -> bool:
        """Whether the record of where a source lies is as it was written."""
        try:
            record = self.read(_location_name(source))
            return record == _location(json.loads(record)["location"])
        except (ValueError, TypeError, KeyError):
            return False

    def located(self, uri: str) -> str:
        """A file of a source where it lies now; every other name is itself. Raises FileNotFoundError for a source not listed."""
        if not uri.startswith(SOURCE):
            return uri
        source, _, rest = uri.removeprefix(SOURCE).partition("/")
        if source not in self._locations:
            self._locations[source] = json.loads(self.read(_location_name(source)))["location"]
        return f"{self._locations[source]}/{rest}"

    def open(self, name: str) -> BinaryIO:
        """For reading; absolute paths, urls of other stores and files of sources work too. Raises InTheWay."""
        name = self.located(name)
        if "://" in name:
            return open_url(name)
        if name.startswith("/"):
            return open(name, "rb")
        try:
            return self.fs.open(self.path(name), "rb", **({} if self.local else {"block_size": READ_AHEAD}))
        except (IsADirectoryError, NotADirectoryError):
            raise InTheWay.of(self.root, name) from None

    def read(self, name: str) -> bytes:
        with self.open(name) as file:
            return file.read()

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """A file that appears under its name only when the block ends well: temporary name, fsync, rename. Raises InTheWay."""
        target = Path(self.path(name)) if self.local else Path(tempfile.gettempdir()) / "weft" / uuid.uuid4().hex
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise InTheWay.of(self.root, name) from None
        scratch = target.with_name(f"{target.name}.tmp-{uuid.uuid4().hex}")
        try:
            with open(scratch, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            self._commit(scratch, target, name)
        finally:
            scratch.unlink(missing_ok=True)

    def _commit(self, scratch: Path, target: Path, name: str) -> None:
        if not self.local:
            self.fs.makedirs(self.path(name).rsplit("/", 1)[0], exist_ok=True)
            self.fs.put_file(str(scratch), self.path(name))
            return
        try:
            os.replace(scratch, target)
        except IsADirectoryError:
            raise InTheWay.of(self.root, name) from None
        try:
            to_disk(target.parent)
        except OSError:  # it may not be there after a power cut, so it does not count as written
            target.unlink(missing_ok=True)
            raise

    def write(self, name: str, data: bytes | bytearray) -> None:
        with self.writing(name) as file:
            file.write(data)

    def folder(self, name: str) -> Path:
        """A folder of the store as a local one; a remote one is fetched once a process, and again where it has changed."""
        if self.local:
            return Path(self.path(name))
        files = [self.path(file) for file in self.names(name)]
        version = [(file, self.fs.ukey(file)) for file in files]
        if (cached := _fetched.get((self.url, name))) and cached[0] == version:
            return cached[1]
        copy = _copies() / uuid.uuid4().hex
        copy.mkdir()
        for file in files:
            target = copy / file.removeprefix(self.path(name)).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            self.fs.get_file(file, str(target))
        _fetched[self.url, name] = version, copy
        return copy

    def put_folder(self, name: str, source: Path, last: str) -> None:
        """Copies a local folder in; the file `last` goes last, so it says that the others are whole."""
        files = sorted(p for p in source.rglob("*") if p.is_file())
        for file in sorted(files, key=lambda p: p.name == last):
            with self.writing(f"{name}/{file.relative_to(source).as_posix()}") as out, open(file, "rb") as data:
                shutil.copyfileobj(data, out)

    def sweep(self) -> None:
        """Removes what killed writers left behind."""
        if self.local:
            for left in Path(self.root).rglob("*.tmp-*"):
                if _SCRATCH.search(left.name):
                    left.unlink(missing_ok=True)


_fetched: dict[
    tuple[str, str], tuple[list[tuple[str, str]], Path]
] = {}  # by url and folder: of which version, and where


@cache
def _copies() -> Path:
    """Where this process keeps its copies of remote folders; it goes when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="weft-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _location_name(source: str) -> str:
    return f"list/{source}/location.json"
