"""What is written and must be there after a power cut."""

import os
from pathlib import Path


def to_disk(path: Path) -> None:
    """Returns once a file, or the names in a folder, are on disk. Raises OSError where they are not."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
