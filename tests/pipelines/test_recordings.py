"""Samples of whole recordings: every utterance and second is accounted for, whichever split it is of."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from weft.pipelines.compose import Compose
from weft.pipelines.models.folders import commit_model
from weft.pipelines.parts.runner import Runner
from weft.pipelines.parts.stage_work import Input, PartWork
from weft.pipelines.parts.tables import part_name, read_part, write_part
from weft.pipelines.storage.store import Store
from weft.pipelines.tasks.continuation import Task as Continuation
from weft.pipelines.tasks.utterances import Task as Utterances
from weft.schemas.audio import Audio, Codes, Utterance
from weft.schemas.ledger import LedgerRow, Reject
from weft.schemas.sample import ShardSample
from weft.schemas.vocabulary import Entry
from weft.tokenizers import bpe
from weft.tokenizers.unified import save, unify

# recording, split, seconds; the codes of the last one are lost
SAID = (
    ("a", "train", 1.0), ("a", "train", 2.5), ("a", "validation", 4.0), ("b", "validation", 8.0),
    ("c", "train", 16.0), ("d", "train", 0.25), ("d", "train", 0.5), ("a", "train", 64.0),
)  # fmt: skip


@pytest.fixture
def ready(store: Store, tmp_path: Path) -> Store:
    """A vocabulary, and the utterances of four recordings with their codes."""
    text = bpe.Tokenizer(size=300).train(["and so my fellow americans ask not what"])
    entries = [Entry("speech", "[Speech]", modality="speech"), Entry("hubert", "[Hu{}]", size=50)]
    (tmp_path / "made").mkdir()
    save(tmp_path / "made", text, unify(text, entries))
    commit_model(store, "vocabulary", tmp_path / "made", {"use": "by hand"})
    utterances = [
        Utterance(
            key=f"{recording}-{n}", recording=recording, source="talks", audio=Audio("/a"), sha256="", start=10.0 * n,
            end=10.0 * n + seconds, text=f"ask {n}", split=split, path=f"{recording}.wav", speaker=f"s{n % 2}", language="en",
        )
        for n, (recording, split, seconds) in enumerate(SAID)
    ]  # fmt: skip
    codes = [
        Codes(
            key=u.key, seconds=u.seconds, tokenizers=("hubert",), models=("m",), rate=25.0, ticks=2, which=(0, 0), ids=(n, n),
            starts=(0, 1),
        )
        for n, u in enumerate(utterances[:-1])
    ]  # fmt: skip
    write_part(store, part_name("segment/talks", 0), utterances[::-1], Utterance, "one")
    write_part(store, part_name("encode/hubert/talks", 0), codes, Codes, "one")
    return store


@pytest.fixture
def run(ready: Store) -> Callable[..., tuple[list[ShardSample], list[Reject], LedgerRow]]:
    def made(task: Any, split: str = "train", context: int = 0) -> tuple[list[ShardSample], list[Reject], LedgerRow]:
        stage = Compose(name="t", task=task, pass_number=0, seed=1, split=split, context=context)  # type: ignore[arg-type]
        inputs = (Input("segment/talks", Utterance), Input("encode/hubert/talks", Codes))
        work = PartWork(
            node="compose/t/pass-0/talks",
            stage=stage,
            part=0,
            inputs=inputs,
            models=("vocabulary",),
            group_by="recording",
        )
        Runner(ready).run(work)
        return (
            sorted(read_part(ready, work.makes, ShardSample), key=lambda sample: sample.key),
            read_part(ready, work.rejects, Reject),
            read_part(ready, work.ledger, LedgerRow)[0],
        )

    return made


CONTINUATION = Continuation(sources=("talks",), say=("hubert",), open="speech")
INTERLEAVED = Utterances.model_validate({"sources": ("talks",), "speech": {"say": "hubert"}, "first": "speech"})


def test_a_sample_is_as_long_as_the_utterances_of_its_split(run: Callable[..., Any]) -> None:
    samples, rejects, row = run(CONTINUATION)
    assert [(s.parent, s.recording, s.seconds, s.speech_tokens) for s in samples] == [
        ("a", "a", 3.5, 5), ("c", "c", 16.0, 3), ("d", "d", 0.75, 5),
    ]  # fmt: skip
    assert [(s.speaker, s.language) for s in samples] == [("", "en"), ("s0", "en"), ("", "en")] and not rejects
    assert (row.items_in, row.items_made, row.items_out, row.items_held, row.items_absent) == (7, -2, 3, 2, 1)
    assert (row.seconds_in, row.seconds_out, row.seconds_held, row.seconds_absent) == (32.25, 20.25, 12.0, 64.0)


def test_a_recording_has_the_level_of_its_emotion_where_all_its_utterances_do(
    ready: Store, run: Callable[..., Any]
) -> None:
    name = part_name("segment/talks", 0)
    felt = {"a": ("sad", 2), "c": ("sad", 3), "d": ("sad", 1)}
    rows = [replace(u, emotion=felt[u.recording][0], level=felt[u.recording][1]) if u.recording in felt else u
            for u in read_part(ready, name, Utterance)]  # fmt: skip
    rows = [replace(u, level=5) if u.key == "a-0" else u for u in rows]
    write_part(ready, name, rows, Utterance, "two")
    samples, _, _ = run(CONTINUATION)
    assert [(s.parent, s.emotion, s.level) for s in samples] == [("a", "sad", 0), ("c", "sad", 3), ("d", "sad", 1)]


def test_of_the_other_split_the_rest_is_drawn(run: Callable[..., Any]) -> None:
    samples, _, row = run(CONTINUATION, split="validation")
    assert [(s.parent, s.seconds, s.split) for s in samples] == [("a", 4.0, "validation"), ("b", 8.0, "validation")]
    assert (row.seconds_in, row.seconds_out, row.seconds_held) == (32.25, 12.0, 20.25)


def test_what_a_task_refuses_is_rejected_with_its_seconds(run: Callable[..., Any]) -> None:
    samples, rejects, row = run(INTERLEAVED)
    assert [s.parent for s in samples] == ["a", "d"]
    assert [(r.key, r.reason, r.path, r.seconds) for r in rejects] == [("c", "too_few_utterances", "c.wav", 16.0)]
    assert (row.seconds_out, row.seconds_rejected, row.seconds_held) == (4.25, 16.0, 12.0)


def test_a_sample_that_must_not_be_cut_and_is_longer_than_the_context_is_rejected(run: Callable[..., Any]) -> None:
    samples, rejects, _ = run(CONTINUATION.model_copy(update={"cut": "never"}), context=4)
    assert [s.parent for s in samples] == ["c"]
    assert sorted((r.key, r.reason) for r in rejects) == [("a", "too_long"), ("d", "too_long")]
    assert all(
        r.detail == "6 tokens are more than the context of 4, and `cut: never` forbids to cut it" for r in rejects
    )
