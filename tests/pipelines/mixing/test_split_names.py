"""Names by split are those of all that was read: what nothing draws counts too, and no name is read off a key."""

from pathlib import Path

import pytest
import yaml

from weft.jobs.commands import read_pipeline
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.audit import audit
from weft.pipelines.mixing.leaks import leak
from weft.pipelines.mixing.split_names import speakers_by_split, texts_by_split
from weft.pipelines.parts.tables import part_name, write_part
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Utterance
from weft.schemas.text import Document

STAGE = {
    "mixture": {"total": 10, "shares": {"text": 1}}, "context": 64, "model": {"base": "none"},
    "optimiser": {"lr": 1.0, "batch_tokens": 64},
}  # fmt: skip


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    recipe = {
        "name": "r",
        "sources": {
            "read": {"use": "folder", "path": str(tmp_path)},
            "calls": {"use": "folder", "path": str(tmp_path)},
            "books": {"use": "text", "path": str(tmp_path)},
            "talks": {"use": "grammar", "count": 2},
        },
        "align": {"use": "none"},
        "text": {"use": "bpe", "size": 300},
        "tasks": {"text": {"use": "text", "sources": ["books"]}},
        "training": {"pre": STAGE},
    }
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    return read_pipeline(str(tmp_path / "r.yaml"))


def spoken(store: Store, source: str, *utterances: tuple[str, str, str, str, str], part: int = 0) -> None:
    """A part of utterances: key, speaker, dialogue, text and split of each."""
    rows = [
        Utterance(
            key=key, recording="r", source=source, audio=Audio(""), sha256="", start=0.0, end=1.0, text=text,
            speaker=speaker, dialogue=dialogue, split=split,
        )
        for key, speaker, dialogue, text, split in utterances
    ]  # fmt: skip
    for node, some, record in ((f"ingest/{source}", [], Document), (f"segment/{source}", rows, Utterance)):
        write_part(store, part_name(node, part), some, record, "made by hand")


def test_speakers_in_training_and_in_a_test_set_that_nothing_draws_are_named(store: Store, pipeline: Pipeline) -> None:
    spoken(store, "read", ("a", "s1", "", "one", "train"), ("b", "s2", "", "two", "train"))
    spoken(store, "read", ("c", "s1", "", "three", "test"), ("d", "", "", "four", "test"), part=1)
    spoken(store, "calls", ("e", "s2", "", "five", "test"))
    found = leak("speaker", lambda: speakers_by_split(store, pipeline))
    assert (found.names, found.examples) == (1, ("read/s1: test (c), train (a)",))
    assert next(found for found in audit(store, pipeline).leaks if found.kind == "speaker").names == 1


def test_a_role_is_told_apart_by_the_dialogue_that_the_utterance_names(store: Store, pipeline: Pipeline) -> None:
    """Its key says nothing of it: sources may give keys of any form."""
    spoken(store, "talks", ("x-0", "caller", "x", "a", "train"), ("y-0", "caller", "y", "b", "test"))
    assert leak("speaker", lambda: speakers_by_split(store, pipeline)).names == 0
    spoken(store, "talks", ("p", "caller", "z", "c", "train"), ("q", "caller", "z", "d", "test"), part=1)
    found = leak("speaker", lambda: speakers_by_split(store, pipeline))
    assert found.examples == ("z/caller: test (q), train (p)",)


def test_texts_that_are_spoken_and_written_are_compared(store: Store, pipeline: Pipeline) -> None:
    spoken(store, "read", ("a", "s1", "", "one", "train"), ("b", "s1", "", "", "train"))
    books = [Document(key=f"d-{text}", source="books", text=text, split="test") for text in ("one", "two")]
    write_part(store, part_name("ingest/books", 0), books, Document, "made by hand")
    found = leak("text", lambda: texts_by_split(store, pipeline))
    assert found.names == 1 and found.examples[0].endswith(": test (d-one), train (a)")
