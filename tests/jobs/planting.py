"""What tests of planted faults share: a small corpus with everything in it, copies of it to harm, and ways to do harm."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from weft.jobs.build import build
from weft.jobs.commands import open_corpus, read_pipeline
from weft.jobs.engine import LocalEngine
from weft.pipelines.aligners.adapted import Aligner
from weft.pipelines.corpus.corpus_folder import locked_corpus
from weft.pipelines.mixing.audit import audit
from weft.pipelines.models.folders import OWN
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.tokenizers.pitch import Tokenizer as Pitch


def recipe(root: Path) -> dict:
    mixture = {"total": 600, "shares": {"words": 1, "text": 1}, "exhausted": "repeat", "passes": 9}
    speech = ["speech", "dialogues", "broken", "heldout"]
    return {
        "name": "planted",
        "part_size": 3,
        "sources": {
            "speech": {"use": "folder", "path": str(root / "raw")},
            "broken": {"use": "folder", "path": str(root / "broken")},
            "heldout": {"use": "folder", "path": str(root / "heldout"), "split": "validation"},
            "dialogues": {"use": "grammar", "count": 1},
            "books": {"use": "text", "path": str(root / "books"), "documents": "paragraph"},
        },
        "tokenizers": {"pitch": {"use": "pitch", "sources": ["speech"], "training": {"seconds": 5, "steps": 1, "width": 4}}},
        "text": {"use": "bpe", "size": 300, "sources": ["books"]},
        "tasks": {
            "words": {"use": "words", "sources": speech, "text_words": [1, 3], "speech_words": [1, 3]},
            "text": {"use": "text", "sources": ["books"]},
        },
        "training": {
            "pretrain": {
                "mixture": mixture, "context": 64, "model": {"base": "none"}, "optimiser": {"lr": 1e-3, "batch_tokens": 64},
            },
        },
    }  # fmt: skip


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory, material: Path) -> Path:
    """A folder with `recipe.yaml` and the corpus built of it."""
    root = tmp_path_factory.mktemp("planted")
    for folder in ("raw", "books", "broken", "heldout"):
        (root / folder).mkdir()
    for number in range(5):
        for kind in ("flac", "txt"):
            shutil.copy(material / "raw" / f"{number:02d}.{kind}", root / "raw")
    shutil.copy(material / "raw" / "06.flac", root / "broken" / "whole.flac")
    for number in (7, 8):
        for kind in ("flac", "txt"):
            shutil.copy(material / "raw" / f"{number:02d}.{kind}", root / "heldout")
    (root / "broken" / "bad.flac").write_bytes(b"no audio")
    shutil.copy(material / "books" / "text.txt", root / "books")
    (root / "recipe.yaml").write_text(yaml.safe_dump(recipe(root)))
    run(root / "recipe.yaml", root / "corpus")
    return root


@pytest.fixture
def trained(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training hands back what it made before."""

    def again(folder: str) -> Callable[..., None]:
        def train(self: object, heard: object, out: Path, seed: int) -> None:
            for file in (good / "corpus" / folder).iterdir():
                if file.name not in OWN:
                    shutil.copy(file, out)
            self.load(out)  # type: ignore[attr-defined]

        return train

    monkeypatch.setattr(Aligner, "train", again("aligner"))
    monkeypatch.setattr(Pitch, "train", again("models/pitch"))


@pytest.fixture
def corpus(good: Path, tmp_path: Path) -> Store:
    """The good corpus again, by hard links: a fault is a new file under the old name."""
    shutil.copytree(good / "corpus", tmp_path / "corpus", copy_function=os.link)
    return Store(str(tmp_path / "corpus"))


def run(recipe_at: Path, out: Path, verify: bool = False) -> list[Damaged]:
    """A local build, and what it found damaged."""
    pipeline, store, found = read_pipeline(str(recipe_at)), Store(str(out)), list[Damaged]()
    with locked_corpus(store):
        build(pipeline, store, LocalEngine(store), lambda _: None, lambda _: None, found.append if verify else None)
    return found


def content(root: Path | str) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(Path(root).rglob("*")) if p.is_file()}


def audit_faults(store: Store, deep: bool) -> list[str]:
    return list(audit(*open_corpus(store.url), deep).faults)


# What is done to the bytes of any file.


def emptied(data: bytes) -> bytes:
    return b""


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def shorter(data: bytes) -> bytes:
    return data[:-1]


def longer(data: bytes) -> bytes:
    return data + b"\0"


def flipped(data: bytes, place: int | None = None) -> bytes:
    place = len(data) // 2 if place is None else place
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def flipped_first(data: bytes) -> bytes:
    return flipped(data, 0)


def backwards(data: bytes) -> bytes:
    return data[::-1]


def flipped_page(data: bytes) -> bytes:
    return flipped(data, (len(data) - footer_length(data)) // 2)


def flipped_footer(data: bytes) -> bytes:
    return flipped(data, len(data) - footer_length(data) // 2)


def flipped_fingerprint(data: bytes) -> bytes:
    return flipped(data, data.index(b"weft.fingerprint") + 20)


def flipped_magic(data: bytes) -> bytes:
    return flipped(data, len(data) - 1)


def footer_length(data: bytes) -> int:
    return int.from_bytes(data[-8:-4], "little") + 8


def garbage(data: bytes) -> bytes:
    return b"garbage" * 100


def replace_bytes(store: Store, name: str, change: Callable[[bytes], bytes]) -> None:
    store.write(name, change(store.read(name)))
