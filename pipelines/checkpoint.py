"""The name of a checkpoint's content, so that other weights under its name are noticed."""

import hashlib
from functools import cache
from pathlib import Path

from weft.schemas.fingerprint import digest


@cache
def content(model: str) -> str:
    """16 hex digits over the files of a local checkpoint, a folder or a file. A hub name is itself."""
    root = Path(model)
    files = [root] if root.is_file() else sorted(file for file in root.glob("*") if file.is_file())
    sums = [(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files]
    return digest(sums)[:16] if sums else model
