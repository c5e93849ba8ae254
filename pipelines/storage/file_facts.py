"""What a store says of a file without reading it: its length, and when it last changed.

facts_in(store, "ingest/speech")      {"ingest/speech/part-00000.parquet": FileFacts(size=81233, changed=1731999000.25), …}

A local file has changed when its content or its inode has: a file that is put back with an old time of modification has not an old one.
Elsewhere it is what the store says of it.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from weft.pipelines.storage.store import Store

_TIMES = (
    "LastModified",
    "last_modified",
    "updated",
    "mtime",
    "created",
)  # as S3, Azure, Google, SFTP and memory say it


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Bytes, and the Unix time of the last change; None where the store does not say it."""

    size: int
    changed: float | None


def facts_in(store: Store, folder: str) -> dict[str, FileFacts]:
    """Of each file in a folder, by its name in the store; asked of the store anew, as one listing."""
    return dict(_local(store, folder) if store.local else _remote(store, folder))


def facts_of(store: Store, name: str) -> FileFacts | None:
    """Of one file, asked anew; None where there is none."""
    try:
        if store.local:
            return _facts(os.stat(store.path(name)))
        store.fs.invalidate_cache(store.path(name).rpartition("/")[0])
        return _facts_of_entry(store.fs.info(store.path(name)))
    except FileNotFoundError:
        return None


def written_at(store: Store, name: str) -> float | None:
    """When the content of a file was written, at the latest; None where there is none or the store does not say it.

    A copy that kept the time of its original counts as old as that.
    """
    try:
        if store.local:
            stat = os.stat(store.path(name))
            return min(stat.st_mtime, stat.st_ctime)
    except FileNotFoundError:
        return None
    facts = facts_of(store, name)
    return facts.changed if facts else None


def folders_changed(store: Store, folder: str) -> float:
    """When a folder of the corpus, or one above it, last changed: a file came or went, or the folder itself was moved there.

    0 where the store has no folders.
    """
    if not store.local:
        return 0.0
    names = folder.split("/")
    folders = ("/".join(names[: n + 1]) for n in range(len(names)))
    try:
        return max(_facts(os.stat(store.path(name))).changed or 0.0 for name in folders)
    except FileNotFoundError:
        return 0.0


def _local(store: Store, folder: str) -> Iterator[tuple[str, FileFacts]]:
    try:
        entries = list(os.scandir(store.path(folder)))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_file():
            yield f"{folder}/{entry.name}", _facts(entry.stat())


def _remote(store: Store, folder: str) -> Iterator[tuple[str, FileFacts]]:
    root = store.path(folder)
    store.fs.invalidate_cache(root)
    try:
        entries = store.fs.ls(root, detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.get("type") == "file":
            yield f"{folder}/{entry['name'].rpartition('/')[2]}", _facts_of_entry(entry)


def _facts(stat: os.stat_result) -> FileFacts:
    return FileFacts(size=stat.st_size, changed=max(stat.st_mtime, stat.st_ctime))


def _facts_of_entry(entry: Mapping[str, Any]) -> FileFacts:
    times = (_time(entry[name]) for name in _TIMES if entry.get(name))
    return FileFacts(size=int(entry.get("size") or 0), changed=next((time for time in times if time is not None), None))


def _time(value: Any) -> float | None:
    """A Unix time of what a store gives: a number, a datetime (UTC where it names no zone) or ISO 8601."""
    if isinstance(value, int | float):
        return float(value)
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
