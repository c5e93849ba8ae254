"""Short names for content: the same things give the same hex digits on every machine.

digest({"use": "sphinx", "min_score": -3.0})  ->  "a1f0…" (32 digits)
content("checkpoints/mhubert")                ->  "7a03…" (16 digits)
content("hf://org/mhubert")                     ->  "org/mhubert@5a13…", the commit that the hub's cache holds
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from weft.schemas.hub import HUB, commit_of, is_hub_name


def digest(value: Any) -> str:
    """128 bits of BLAKE2b over the canonical JSON of `value`, as hex."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@cache
def version_of(package: str) -> str:
    """The installed version; asked of the package's metadata once, as reading it takes a millisecond."""
    return version(package)


def hash64(*words: str | int) -> int:
    """A number in [0, 2**64) drawn from the words: the seed of everything that must not depend on order or worker."""
    text = "\0".join(map(str, words)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def content(model: str, ignore: Sequence[str] = ()) -> str:
    """16 hex digits over the files of a local checkpoint, a folder with its subfolders or a file; a hub name with its commit.

    Any other name is itself, such as `large-v3` or what neither the cache nor the hub knows: a corpus can be looked at without
    what it was made from (a build asks for the commits first). Hidden files do not count, nor those that match a pattern of `ignore`.
    """
    root = Path(model)
    if root.is_file():
        return _sum(root)[:16]
    if not root.is_dir():
        return _with_commit(model) if is_hub_name(model) else model
    files = sorted(f for f in _walk(root, ()) if not any(fnmatch(os.path.basename(f), p) for p in ignore))
    sums = [(file, _sum(root / file)) for file in files]
    return digest(sums)[:16] if sums else model


def _with_commit(name: str) -> str:
    try:
        return f"{name.removeprefix(HUB)}@{commit_of(name)}"
    except ValueError:
        return name.removeprefix(HUB)


def _walk(root: Path, seen: tuple[str, ...]) -> Iterator[str]:
    """Files below `root` by their paths in it; a link to a folder is followed, but not in a circle."""
    seen = (*seen, os.path.realpath(root))
    for entry in os.scandir(root):
        if entry.name.startswith("."):  # such as .cache, in which a download keeps when it was made
            continue
        if entry.is_file():
            yield entry.name
        elif entry.is_dir() and os.path.realpath(entry.path) not in seen:
            yield from (f"{entry.name}/{file}" for file in _walk(Path(entry.path), seen))


def _sum(file: Path) -> str:
    """SHA-256; read again only when the file's size or times say that it may have changed."""
    facts = file.stat()
    return _read_sum(os.path.realpath(file), (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino))


@lru_cache(maxsize=4096)
def _read_sum(file: str, facts: tuple[int, ...]) -> str:
    with open(file, "rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
