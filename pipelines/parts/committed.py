"""What was committed with a part, as its footer says it, and whether the files are still there.

companions_of(footer)   ->   {"rejects/align/speech/part-00003.parquet": (5120, ""), "ingest/….bin": (81233, "9f…")}
"""

import hashlib
import json

from weft.pipelines.parts.node_manifest import manifest_footer
from weft.pipelines.storage.footer import Footer
from weft.pipelines.storage.store import Store

NOTHING = hashlib.sha256(b"").hexdigest()  # the checksum of no audio


def companions_of(footer: Footer) -> dict[str, tuple[int, str]]:
    """The files that were committed with a part: bytes, and the SHA-256 of those that do not carry checksums themselves."""
    return {
        name: (size, checksum) for name, (size, checksum) in json.loads(footer.notes.get("companions", "{}")).items()
    }


def inputs_of(footer: Footer) -> dict[str, str]:
    """What a part was made from: the digests of its inputs by their names."""
    return json.loads(footer.notes.get("inputs", "{}"))


def size_of(store: Store, name: str) -> int:
    """In bytes; -1 for a file that is not there."""
    try:
        return store.size(name)
    except FileNotFoundError:
        return -1


def listed_size(store: Store, name: str) -> int:
    """The same of what was committed with a part, from one listing of its folder where the store has manifests."""
    return store.manifests.size_of(name) if store.manifests else size_of(store, name)


def model_manifest(folder: str) -> str:
    """The file whose presence says that a model folder is whole."""
    return f"{folder}/model.json"


def digest_of(store: Store, name: str) -> str:
    """The digest of a part or a model. Raises FileNotFoundError while it is not made."""
    if not name.endswith(".parquet"):
        return hashlib.sha256(store.read(name)).hexdigest()
    footer = manifest_footer(store, name)
    if footer is None:
        raise FileNotFoundError(name)
    return footer.digest
