"""The SHA-256 of every file of a checkpoint, written last and compared before the checkpoint is used.

sums.json  {"config.json": "9f2c…", "model.safetensors": "04ab…", "optimiser.safetensors": "77e1…", …}
"""

import hashlib
import json
from pathlib import Path

NAME = "sums.json"
OPTIMISER = "optimiser.safetensors"


def write(folder: Path) -> None:
    """Writes the checksums of all files in `folder`."""
    (folder / NAME).write_text(json.dumps(_sums(folder), indent=1) + "\n", encoding="utf-8")


def fault(folder: Path) -> str:
    """The first difference of the files from their checksums; empty when there is none."""
    try:
        expected = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return f"{NAME} is missing"
    except ValueError:
        return f"{NAME} cannot be read"
    if not isinstance(expected, dict):
        return f"{NAME} cannot be read"
    actual = _sums(folder)
    for name in sorted(expected.keys() | actual.keys()):
        if name not in actual:
            return f"{name} is missing"
        if name not in expected:
            return f"{name} does not belong to it"
        if expected[name] != actual[name]:
            return f"{name} has changed"
    return ""


def recorded(folder: Path) -> dict[str, str]:
    """The checksums that a checkpoint was written with, by path."""
    named: dict[str, str] = json.loads((folder / NAME).read_text(encoding="utf-8"))
    return named


def weights(folder: Path) -> dict[str, str]:
    """The checksums of a checkpoint's weights, adaptors and heads included, by file: what another network can start from."""
    files = sorted(recorded(folder).items())
    return {name: checksum for name, checksum in files if name.endswith(".safetensors") and name != OPTIMISER}


def _sums(folder: Path) -> dict[str, str]:
    """The checksums by path, without hidden files, which a desktop may have left."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".") and p.name != NAME)
    return {p.relative_to(folder).as_posix(): _sha256(p) for p in files}


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
