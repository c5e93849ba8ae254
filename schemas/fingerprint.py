"""Short names for content: the same things give the same hex digits on every machine.

digest({"use": "sphinx", "min_score": -3.0})  ->  "a1f0…" (32 digits)
"""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any


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


@cache
def content(model: str) -> str:
    """16 hex digits over the files of a local checkpoint, a folder or a file. A hub name is itself."""
    root = Path(model)
    if root.is_file():
        return _sum(root)[:16]
    files = sorted(file for file in root.glob("*") if file.is_file())
    sums = [(file.name, _sum(file)) for file in files]
    return digest(sums)[:16] if sums else model


def _sum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
