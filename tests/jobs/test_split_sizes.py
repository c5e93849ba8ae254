"""`weft plan` counts what a task draws: the records of its own split."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from weft.jobs.commands import make_pipeline, read_pipeline
from weft.jobs.forecast import Supply, source_sizes, supplies
from weft.jobs.sampled_sizes import sampled_size
from weft.jobs.source_sizes import SourceSize
from weft.jobs.split_sizes import with_splits
from weft.pipelines.audio.sound import flac
from weft.pipelines.parts.splits import Splits
from weft.pipelines.sources import folder, grammar, manifest, tars
from weft.schemas.item import Item
from weft.schemas.splits import HoldOut
from weft.schemas.text import Document

Weft = Callable[..., tuple[int, str, str]]
TALK = {"use": "dialogue", "turns": [{"role": "human", "say": "text"}, {"role": "assistant", "say": "text"}]}
MODEL = {"config": {"model_type": "llama"}}


def recipe(source: dict[str, Any], task: dict[str, Any], **mixture: Any) -> dict[str, Any]:
    stage = {
        "mixture": {"unit": "samples", "shares": {"t": 1}, **mixture},
        "context": 64,
        "model": MODEL,
        "optimiser": {"lr": 0.001, "batch_tokens": 64},
    }
    return {
        "name": "one",
        "sources": {"p": source},
        "tasks": {"t": {"sources": ["p"], **task}},
        "training": {"s": stage},
    }


def clip(path: Path) -> None:
    path.write_bytes(flac(np.zeros(16000, np.float32), 16000))


def test_dialogues_that_are_held_out_are_of_the_validation_split() -> None:
    source = grammar.Source(count=20)
    splits = Splits(space="p", hold_out=HoldOut(items=0.4))
    size = sampled_size("p", source, splits=splits)
    (train, held) = (size.of_split("train"), size.of_split("validation"))
    names = [splits.of(name) for item in source.items("p") for name in source.named(item, splits) or ()]
    assert (train.items, held.items) == (names.count("train"), names.count("validation")) and 0 < held.items < 20
    assert train.seconds + held.seconds == pytest.approx(size.seconds)
    assert size.of_split("test") == SourceSize()


def test_what_no_voice_can_speak_is_of_no_split(tmp_path: Path) -> None:
    lines = [
        {"turns": [{"role": "human", "text": f"Who are you, {n}?"}], "language": "xx" if n % 4 else ""}
        for n in range(60)
    ]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    source = {"use": "script", "path": str(tmp_path / "s.jsonl"), "hold_out": {"items": 0.4}}
    pipeline = make_pipeline({"name": "one", "sources": {"s": source}})
    splits, made = pipeline.splits("s"), pipeline.sources["s"]
    spoken = [item for item, line in zip(made.items("s"), lines, strict=True) if not line["language"]]
    names = [splits.of(name) for item in spoken for name in made.named(item, splits) or ()]
    size = source_sizes(pipeline, 100)["s"]
    expected = (60, names.count("train"), names.count("validation"))
    assert (size.items, size.of_split("train").items, size.of_split("validation").items) == expected and 0 < expected[
        2
    ] < 15


def test_without_splits_all_of_a_source_counts() -> None:
    size = SourceSize(items=4, records=4)
    assert size.of_split("train") is size


def test_speakers_of_a_manifest_are_held_out_with_what_they_say(tmp_path: Path) -> None:
    lines = [{"audio": f"{n}.flac", "speaker": f"reader-{n % 5}", "text": "a"} for n in range(20)]
    for n in range(20):
        clip(tmp_path / f"{n}.flac")
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    splits = Splits(space="p", hold_out=HoldOut(speakers=0.5))
    held = {f"reader-{n}" for n in range(5) if splits.selects(f"reader-{n}")}
    size = sampled_size("p", manifest.Source(path=str(tmp_path / "m.jsonl")), by_speaker=True, splits=splits)
    train, validation = size.of_split("train"), size.of_split("validation")
    assert (validation.seconds, train.seconds) == (4.0 * len(held), 20.0 - 4 * len(held))
    assert 0 < len(held) < 5 and set(validation.speakers) == held and set(train.speakers) == set(size.speakers) - held


def test_the_stretches_of_one_recording_may_lie_in_two_splits(tmp_path: Path) -> None:
    lines = [
        {
            "audio": "day.flac",
            "offset": n,
            "duration": 1,
            "text": "so",
            "split": "dev" if n > 2 else "train",
            "answer": "a" * 100,
        }
        for n in range(4)
    ]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "day.flac").write_bytes(flac(np.zeros(64000, np.float32), 16000))
    size = sampled_size("p", manifest.Source(path=str(tmp_path / "m.jsonl")), splits=Splits(space="p"))
    train, validation = size.of_split("train"), size.of_split("validation")
    assert (train.items, train.records, train.lengths, train.seconds) == (1, 3, {3: 1}, 3.0)
    assert (validation.items, validation.records, validation.lengths) == (1, 1, {1: 1})
    assert (train.fields["answer"], validation.fields["answer"]) == (300, 100)


def test_documents_are_held_out_by_their_text(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": f"number {n}"}) + "\n" for n in range(60)))
    source = {"use": "text", "path": str(tmp_path / "a.jsonl"), "hold_out": {"items": 0.3}}
    pipeline = make_pipeline({"name": "one", "sources": {"s": source}})
    (size,) = source_sizes(pipeline, 100).values()
    held = sum(pipeline.splits("s").selects(f"number {n}") for n in range(60))
    assert (size.records, size.of_split("train").records, size.of_split("validation").records) == (60, 60 - held, held)
    assert size.of_split("train").bytes + size.of_split("validation").bytes == size.bytes


def test_what_only_reading_shows_is_taken_by_the_share(tmp_path: Path) -> None:
    (tmp_path / "a.TextGrid").write_text("")
    item = Item(key="a", source="p", path="a.flac", uri="a.flac", stamp="", text_uri=str(tmp_path / "a.TextGrid"))
    splits = Splits(space="p", hold_out=HoldOut(speakers=0.25))
    size = with_splits(folder.Source(path="."), item, SourceSize(items=1, records=2, seconds=8.0), splits)
    assert (size.of_split("train").seconds, size.of_split("validation").seconds) == (6.0, 2.0)


def test_data_that_may_name_a_split_by_itself_are_not_called_too_little(tmp_path: Path) -> None:
    item = Item(key="a", source="p", path="a.tar", uri="a.tar", stamp="")
    size = with_splits(tars.Source(path="."), item, SourceSize(items=1, read=1, seconds=8.0), Splits(space="p"))
    assert size.of_split("train").seconds == 8.0 and size.of_split("test").readable == 0


@pytest.mark.parametrize(
    ("source", "task", "mixture", "code", "verdict"),
    [
        ({"hold_out": {"items": 0.4}}, {}, {"total": 20}, 1, "too little data"),
        ({"hold_out": {"items": 0.4}}, {}, {"total": 40, "exhausted": "repeat", "passes": 2}, 1, "too little data"),
        ({"hold_out": {"items": 0.4}}, {}, {"total": 20, "exhausted": "stop"}, 0, "the stage ends early"),
        ({"hold_out": {"items": 0.2}}, {"split": "validation"}, {"total": 20, "exhausted": "stop"}, 0, "the stage ends early"),
        ({"hold_out": {"items": 0.2}}, {"split": "validation"}, {"total": 2}, 0, "enough"),
        ({"split": "test"}, {"split": "test"}, {"total": 20}, 0, "enough"),
        ({"hold_out": {"items": 0.4}}, {}, {"total": 11}, 0, "enough"),
    ],
)  # fmt: skip
def test_the_verdict_is_that_of_the_split(
    source: dict[str, Any], task: dict[str, Any], mixture: dict[str, Any], code: int, verdict: str, weft: Weft, tmp_path: Path
) -> None:  # fmt: skip
    made = recipe({"use": "grammar", "count": 20, **source}, {**TALK, **task}, **mixture)
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(made))
    ended, output, _ = weft("plan", str(tmp_path / "r.yaml"))
    assert ended == code and verdict in output
    assert ("by split (a task counts its own alone): p train 87, validation 50" in output) == (
        source == {"hold_out": {"items": 0.4}}
    )
    assert ("one pass over the split train of p holds about 12;" in output) == (mixture == {"total": 20} and code == 1)


def test_bounded_speakers_are_those_of_the_split(tmp_path: Path) -> None:
    for n in range(20):
        clip(tmp_path / f"{n}.flac")
    lines = [{"audio": f"{n}.flac", "speaker": f"reader-{n % 5}", "text": "a"} for n in range(20)]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    source = {"use": "manifest", "path": str(tmp_path / "m.jsonl"), "hold_out": {"speakers": 0.5}}
    task = {"use": "continuation", "say": "text"}
    shares = {"t": {"weight": 1, "most": {"speaker": 0.4}}}
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe(source, task, total=4, shares=shares)))
    pipeline = read_pipeline(str(tmp_path / "r.yaml"))
    left = sum(not pipeline.splits("p").selects(f"reader-{n}") for n in range(5))
    supply: Supply = next(supplies(pipeline, "s", source_sizes(pipeline, 100)))
    assert supply.speakers and supply.speakers.demand.names == left
    assert 0 < left < 5


def test_a_plan_as_json_gives_the_sizes_by_split(weft: Weft, tmp_path: Path) -> None:
    made = recipe({"use": "grammar", "count": 20, "hold_out": {"items": 0.4}}, TALK, total=2)
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(made))
    size = json.loads(weft("plan", str(tmp_path / "r.yaml"), "--json")[1])["sources"]["p"]
    assert {split: part["items"] for split, part in size["by_split"].items()} == {"train": 12, "validation": 8}
    assert not {"turns", "fields", "texts"} & set(size)


def test_a_document_of_an_unknown_split_holds_nothing(tmp_path: Path) -> None:
    lines = [{"text": "one", "split": "no-such"}, {"text": "two"}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    source = make_pipeline(
        {"name": "one", "sources": {"s": {"use": "text", "path": str(tmp_path / "a.jsonl")}}}
    ).sources["s"]
    assert source.makes is Document and sampled_size("s", source, splits=Splits()).records == 1
