"""`weft plan` counts for a task the records that may give it a sample, where a source has others too."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weft.jobs.commands import make_pipeline
from weft.jobs.estimates import Use
from weft.jobs.forecast import Supply, source_sizes, supplies
from weft.jobs.shortages import certain_shortages, shortages, unknown_amounts
from weft.jobs.source_sizes import SourceSize
from weft.jobs.split_sizes import with_unread
from weft.pipelines.audio.sound import flac
from weft.pipelines.graph import Pipeline

Weft = Callable[..., tuple[int, str, str]]
HUMAN, REPLY = {"role": "human", "say": "text"}, {"role": "assistant", "say": "text"}
ASKED, ANSWERED = {"role": "human", "text": "Who?"}, {"role": "assistant", "text": "Me."}
PAIR = [{**ANSWERED, "text": text, "answer": text} for text in ("chosen", "rejected")]
CHOSEN = {"use": "pairs", "turns": [HUMAN, {"role": "assistant", "say": {"field": "chosen"}}]}


def recipe(source: dict[str, Any], task: dict[str, Any], **mixture: Any) -> dict[str, Any]:
    stage = {
        "mixture": {"unit": "samples", "shares": {"t": 1}, "total": 9, **mixture},
        "context": 64,
        "model": {"config": {"model_type": "llama"}},
        "optimiser": {"lr": 0.001, "batch_tokens": 64},
    }
    return {
        "name": "one",
        "sources": {"s": source},
        "tasks": {"t": {"sources": ["s"], **task}},
        "training": {"s": stage},
    }


def pipeline(folder: Path, use: str, lines: Sequence[dict[str, Any]], task: dict[str, Any], **mixture: Any) -> Pipeline:
    (folder / "lines.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return make_pipeline(recipe({"use": use, "path": str(folder / "lines.jsonl")}, task, **mixture))


def supply(made: Pipeline) -> Supply:
    return next(supplies(made, "s", source_sizes(made, 1000)))


def clips(folder: Path, count: int) -> list[dict[str, Any]]:
    for n in range(count):
        (folder / f"{n}.flac").write_bytes(flac(np.zeros(16000, np.float32), 16000))
    return [{"audio": f"{n}.flac"} for n in range(count)]


def test_lines_of_a_manifest_without_a_transcript(tmp_path: Path) -> None:
    lines = [{**line, **({"text": "two"} if n % 3 else {})} for n, line in enumerate(clips(tmp_path, 6))]
    made = pipeline(tmp_path, "manifest", lines, {"use": "turns", "turns": [HUMAN, REPLY]})
    assert (supply(made).has, supply(made).at_most) == (4, 4)


def test_dialogues_without_two_answers(tmp_path: Path) -> None:
    lines = [{"turns": [ASKED, *PAIR]}, {"turns": [ASKED, ANSWERED]}, {"turns": [ASKED, *PAIR]}, {"turns": "none"}]
    assert supply(pipeline(tmp_path, "script", lines, {"use": "pairs", "turns": [HUMAN, REPLY]})).has == 2


@pytest.mark.parametrize(
    ("use", "line", "task"),
    [
        ("manifest", {"audio": "0.flac", "text": 5}, {"use": "turns", "turns": [HUMAN, REPLY]}),
        ("script", {"turns": "none"}, {"use": "dialogue", "turns": [HUMAN, REPLY]}),
        ("text", {"text": 5}, {"use": "text"}),
    ],
)
def test_lines_that_the_build_rejects_give_nothing(use: str, line: Any, task: dict[str, Any], tmp_path: Path) -> None:
    clips(tmp_path, 1)
    made = pipeline(tmp_path, use, [line, line], {**task, **({"open": ""} if use == "text" else {})}, exhausted="stop")
    assert (supply(made).has, len(shortages(made, source_sizes(made, 1000)))) == (0, 1)


def test_documents_without_a_field(tmp_path: Path) -> None:
    lines = [{"text": "How?", "chosen": "So.", "rejected": "No."}, {"text": "A text."}, {"text": "Another."}]
    made = pipeline(tmp_path, "text", lines, CHOSEN)
    assert supply(made).has == 1
    size = source_sizes(made, 1000)["s"]
    assert Use(made, "t", "s").drawn(size).fields == size.fields  # only the first line has any


FIELD = {"use": "turns", "turns": [HUMAN, {"role": "assistant", "say": {"field": "answer"}}]}


def test_turns_without_the_field_that_another_turn_has(tmp_path: Path) -> None:
    lines = [{"turns": [{**ASKED, "fields": {"answer": "Nine."}}, ANSWERED, ASKED]}, {"turns": [ASKED, ANSWERED]}]
    made = pipeline(tmp_path, "script", lines, FIELD)
    size = source_sizes(made, 1000)["s"]
    assert (size.records, supply(made).has, size.compared, size.fits) == (5, 1, {"t": 5}, {"t": 1})
    assert size.fitting("t").fields == {"answer": 5}


def test_a_field_of_the_dialogue_is_said_by_each_of_its_turns(tmp_path: Path) -> None:
    made = pipeline(tmp_path, "script", [{"turns": [ASKED, ANSWERED], "answer": "Nine."}], FIELD)
    size = source_sizes(made, 1000)["s"]
    assert (supply(made).has, size.fitting("t").fields) == (2, {"answer": 10})


def test_a_dialogue_that_the_voice_cannot_speak_gives_nothing(tmp_path: Path) -> None:
    odd = [{"turns": [ASKED, {**ANSWERED, "language": "xx"}]}, {"turns": [ASKED, {**ANSWERED, "style": "rap"}]}]
    lines = [{"turns": [ASKED, ANSWERED]}, *odd, {"turns": [ASKED, {**ANSWERED, "language": "de"}]}]
    for task, count in (
        ({"use": "turns", "turns": [HUMAN, REPLY]}, 4),
        ({"use": "dialogue", "turns": [HUMAN, REPLY]}, 2),
    ):
        made = pipeline(tmp_path, "script", lines, task)
        assert (supply(made).has, source_sizes(made, 1000)["s"].records) == (count, 4)


def test_short_recordings_are_left_out_once(tmp_path: Path) -> None:
    lines = [{"turns": [ASKED, ANSWERED] * n} for n in (1, 2, 3)]
    made = pipeline(
        tmp_path, "script", lines, {"use": "continuation", "say": "text", "prompt": {"say": "text", "utterances": 3}}
    )
    assert supply(made).has == 2


def test_what_was_not_read_may_fit() -> None:
    size = SourceSize(items=1000, read=10, records=1000, by_task={"t": SourceSize(read=10)}, is_sample=True)
    assert (size.fitting("t").records, size.fitting("t").is_sample) == (0, True)
    assert size.fitting("t").fitting("t") == size.fitting("t")


NOT_KNOWN = (
    "not known: none of the 10 items that were read of s gives t a sample; what the others give only the build shows"
)


def test_a_plan_as_json_says_what_is_not_known(weft: Weft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.jobs.first_look.MOST_READ", 10)
    lines = [{**line, "text": 5} for line in clips(tmp_path, 20)]
    (tmp_path / "lines.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    task = {"use": "turns", "turns": [HUMAN, REPLY]}
    made = recipe({"use": "manifest", "path": str(tmp_path / "lines.jsonl")}, task, unit="tokens")
    (tmp_path / "r.yaml").write_text(json.dumps(made))
    code, output, _ = weft("plan", str(tmp_path / "r.yaml"), "--json")
    assert (code, json.loads(output)["not_known"]) == (0, [NOT_KNOWN])


@pytest.mark.parametrize("kind", ["no transcript", "rejected", "no field"])
def test_a_sample_in_which_nothing_fits_shows_no_shortage(kind: str, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = clips(tmp_path, 1) * 40
    task: dict[str, Any] = {"use": "turns", "turns": [HUMAN, REPLY]}
    if kind == "no field":
        task = {"use": "turns", "turns": [HUMAN, {"role": "assistant", "say": {"field": "caption"}}]}
        lines = [{**line, "text": "two"} for line in lines]
    if kind == "rejected":
        lines = [{**line, "text": 5} for line in lines]
    for n in range(40):
        (tmp_path / f"{n}.flac").write_bytes((tmp_path / "0.flac").read_bytes())
    lines = [{**line, "audio": f"{n}.flac"} for n, line in enumerate(lines)]
    made = pipeline(tmp_path, "manifest", lines, task, unit="tokens", total=100_000)
    sizes = source_sizes(made, 10)
    assert (certain_shortages(made, sizes), shortages(made, sizes), unknown_amounts(made, sizes)) == (
        [],
        [],
        [NOT_KNOWN],
    )
    sizes = source_sizes(made, 40)
    assert len(shortages(made, sizes)) == 1 and not unknown_amounts(made, sizes)


def test_a_sample_makes_no_shortage_certain(tmp_path: Path) -> None:
    """What was not read may be longer than all that was."""
    lines = [{**line, "text": "two"} for line in clips(tmp_path, 40)]
    made = pipeline(tmp_path, "manifest", lines, {"use": "turns", "turns": [HUMAN, REPLY]}, unit="seconds", total=900)
    sample, whole = source_sizes(made, 10), source_sizes(made, 40)
    assert (len(shortages(made, sample)), certain_shortages(made, sample)) == (1, [])
    assert (len(shortages(made, whole)), len(certain_shortages(made, whole))) == (1, 1)


@pytest.mark.parametrize("held_out", [{}, {"hold_out": {"items": 0.2}}])
def test_documents_that_were_not_read_may_have_the_field(held_out: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    for n in range(40):
        (tmp_path / "many" / f"{n}.jsonl").write_text(json.dumps({"text": f"A text, {n}."}) + "\n")
    task = {"use": "turns", "turns": [HUMAN, {"role": "assistant", "say": {"field": "answer"}}]}
    source = {"use": "text", "path": str(tmp_path / "many"), **held_out}
    made = make_pipeline(recipe(source, task, unit="tokens", total=100_000))
    sizes = source_sizes(made, 10)
    assert (certain_shortages(made, sizes), shortages(made, sizes), len(unknown_amounts(made, sizes))) == ([], [], 1)
    assert sum(part.read for part in sizes["s"].by_split.values()) == 10 == sizes["s"].read
    assert shortages(made, source_sizes(made, 40))


def test_recordings_that_were_not_read_may_be_long_enough(tmp_path: Path) -> None:
    task = {"use": "continuation", "say": "text", "prompt": {"say": "text", "utterances": 3}}
    made = pipeline(tmp_path, "script", [{"turns": [ASKED, ANSWERED]}] * 40, task)
    assert shortages(made, source_sizes(made, 10)) == [] and unknown_amounts(made, source_sizes(made, 10)) == [
        NOT_KNOWN
    ]
    assert len(shortages(made, source_sizes(made, 40))) == 1


def test_what_is_held_out_of_a_sample_is_a_sample(tmp_path: Path) -> None:
    """A small share of all items may be fewer than were read."""
    made = pipeline(tmp_path, "manifest", [], {"use": "turns", "turns": [HUMAN, REPLY]})
    size = SourceSize(items=100, read=50, by_split={"validation": SourceSize(items=10, read=50)})
    assert with_unread(made.sources["s"], size, made.splits("s")).of_split("validation").is_sample


def test_a_task_with_nothing_is_short_even_where_its_stage_may_end_early(tmp_path: Path) -> None:
    lines = [{**line, "text": "two", "split": "train"} for line in clips(tmp_path, 3)]
    task = {"use": "turns", "turns": [HUMAN, REPLY]}
    made = pipeline(tmp_path, "manifest", lines, {**task, "split": "test"}, exhausted="stop")
    (sentence,) = shortages(made, source_sizes(made, 1000))
    assert sentence == "too little data: stage s: nothing in the split test of s gives t a sample"
    assert shortages(pipeline(tmp_path, "manifest", lines, task, exhausted="stop"), source_sizes(made, 1000)) == []


def test_a_split_that_may_be_in_the_rest_is_not_called_empty(tmp_path: Path) -> None:
    lines = [{"audio": f"{n}.wav", "text": "two"} for n in range(30)]
    made = pipeline(
        tmp_path, "manifest", lines, {"use": "turns", "turns": [HUMAN, REPLY], "split": "test"}, exhausted="stop"
    )
    assert shortages(made, source_sizes(made, 10)) == []


@pytest.mark.parametrize("as_json", [False, True])
def test_a_plan_says_how_many_give_nothing(as_json: bool, weft: Weft, tmp_path: Path) -> None:
    lines = [{**line, **({"text": "two"} if n % 3 else {})} for n, line in enumerate(clips(tmp_path, 6))]
    (tmp_path / "lines.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    task = {"use": "turns", "turns": [HUMAN, REPLY]}
    made = recipe({"use": "manifest", "path": str(tmp_path / "lines.jsonl")}, task, total=5)
    (tmp_path / "r.yaml").write_text(json.dumps(made))
    code, output, _ = weft("plan", str(tmp_path / "r.yaml"), *(["--json"] if as_json else []))
    assert code == 1 and "one pass over s holds about 4;" in output
    if as_json:
        size = json.loads(output)["sources"]["s"]
        assert (size["compared"], size["fits"]) == ({"t": 6}, {"t": 4})
    else:
        assert "s: 2 of 6 records give t nothing, and are not counted for it" in output
