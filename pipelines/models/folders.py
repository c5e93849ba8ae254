"""Folders of models in a corpus: committed whole, and checked against their checksums before they are loaded.

models/hubert/model.json    {"files": {"model.safetensors": "9f…", …}, "bytes": {"model.safetensors": 81233, …}}
models/hubert/fingerprint   {"made_from": {"use": "hubert", …}, "checksum": SHA-256 of `model.json`, "digest": of these two}

    load(verified_folder(store, "models/hubert"))       raises Damaged
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weft.pipelines.parts.committed import model_manifest, size_of
from weft.pipelines.storage.damage import Damaged, NotMade
from weft.pipelines.storage.store import Store
from weft.schemas.changes import MadeFrom
from weft.schemas.fingerprint import digest

_OTHER = "has another checksum than in model.json"
_PIECE = 1 << 22  # bytes read at a time
ALIGNER = "aligner"  # the folder of the aligner that was trained on this corpus
OWN = ("model.json", "fingerprint")  # what is in a model's folder beside the model's own files


@dataclass(frozen=True)
class ModelContents:
    """The content of `model.json`: SHA-256 and size in bytes of each file of a model."""

    files: dict[str, str]
    bytes: dict[str, int]


def commit_model(store: Store, folder: str, made: Path, made_from: MadeFrom, inputs: str = "") -> None:
    """Commits the files that lie in `made`, then `model.json`, then the fingerprint.

    `inputs` is the digest of all data that the training set was chosen from.
    An old fingerprint is removed first, so that it never describes the new files. Files of an older model are removed last.
    """
    older = _listed(store, folder)
    paths = {p.relative_to(made).as_posix(): p for p in sorted(made.rglob("*")) if p.is_file()}
    files = {name: path for name, path in paths.items() if name not in OWN}
    contents = {
        "files": {name: _checksum(path) for name, path in files.items()},
        "bytes": {name: path.stat().st_size for name, path in files.items()},
    }
    (made / "model.json").write_text(json.dumps(contents, indent=1) + "\n")
    store.remove(f"{folder}/fingerprint")
    store.put_folder(folder, made, last="model.json")
    for name in set(older) - set(files):
        store.remove(f"{folder}/{name}")
    checksum = _checksum(made / "model.json")
    record = {
        "made_from": dict(made_from),
        "checksum": checksum,
        "digest": digest([made_from, checksum]),
        "inputs": inputs,
    }
    store.write(f"{folder}/fingerprint", json.dumps(record, indent=0, ensure_ascii=True).encode())


def model_is_complete(store: Store, folder: str) -> bool:
    """Whether all files of a model are there with their sizes; checksums are not compared."""
    return next(damage_of_model(store, folder, deep=False), None) is None


def recorded(store: Store, folder: str) -> dict[str, str]:
    """What a model was made from, by name; empty where that is not recorded."""
    record = _record(store, folder)
    return dict(record["made_from"]) if record else {}


def recorded_inputs(store: Store, folder: str) -> str:
    """The digest of all data that a model's training set was chosen from; empty where that is not recorded."""
    return str((_record(store, folder) or {}).get("inputs", ""))


def _record(store: Store, folder: str) -> dict[str, Any] | None:
    """The content of the file `fingerprint`; None where it is missing or damaged."""
    try:
        record = json.loads(store.read(f"{folder}/fingerprint"))
        return record if record["digest"] == digest([record["made_from"], record["checksum"]]) else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def damage_of_model(store: Store, folder: str, deep: bool) -> Iterator[Damaged]:
    """The damage of a model's files; `deep` compares every checksum, otherwise only sizes. One without any of its files is missing."""
    contents = _read(store, folder)
    if isinstance(contents, Damaged):
        yield contents
        return
    for name, size in contents.bytes.items():
        present = size_of(store, f"{folder}/{name}")
        if present != size:
            what = f"holds {present} bytes where {size} were written"
            other = Damaged(store.url, f"{folder}/{name}", what)
            yield NotMade.missing(store.url, f"{folder}/{name}") if present < 0 else other
        elif deep and checksum_of(store, f"{folder}/{name}") != contents.files[name]:
            yield Damaged(store.url, f"{folder}/{name}", _OTHER)


def unknown_files_in(store: Store, folder: str) -> list[str]:
    """Other files in a model's folder, which a loader might read."""
    own = {f"{folder}/{name}" for name in (*OWN, *_listed(store, folder))}
    return [name for name in store.names(folder) if name not in own]


def verified_folder(store: Store, folder: str) -> Path:
    """A local copy of the folder, after each file was compared with its checksum. Raises FileNotFoundError, and Damaged."""
    if not store.exists(model_manifest(folder)):
        raise FileNotFoundError(model_manifest(folder))
    for damage in damage_of_model(store, folder, deep=store.local):
        raise damage
    copy = store.folder(folder)
    contents = _read(store, folder)
    if not store.local and isinstance(contents, ModelContents):  # it is the copy that is loaded
        for name, checksum in contents.files.items():
            if _checksum(copy / name) != checksum:
                raise Damaged(store.url, f"{folder}/{name}", _OTHER)
    return copy


def _read(store: Store, folder: str) -> ModelContents | Damaged:
    """The content of `model.json`; Damaged where it was not committed with the fingerprint beside it."""
    for name in OWN:
        if not store.exists(f"{folder}/{name}"):
            return NotMade.missing(store.url, f"{folder}/{name}")
    record = _record(store, folder)
    if record is None:
        return Damaged(store.url, f"{folder}/fingerprint", "is not as it was written")
    manifest = store.read(model_manifest(folder))
    if hashlib.sha256(manifest).hexdigest() != record["checksum"]:
        return Damaged(
            store.url, model_manifest(folder), "has another checksum than in the file `fingerprint` beside it"
        )
    return ModelContents(**json.loads(manifest))


def _listed(store: Store, folder: str) -> list[str]:
    """The names in `model.json`; none where it cannot be read."""
    try:
        return list(json.loads(store.read(model_manifest(folder)))["files"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []


def _checksum(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum_of(store: Store, name: str) -> str:
    """The SHA-256 of a file of the corpus."""
    hasher = hashlib.sha256()
    with store.open(name) as file:
        while piece := file.read(_PIECE):
            hasher.update(piece)
    return hasher.hexdigest()
