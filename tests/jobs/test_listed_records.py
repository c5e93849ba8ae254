"""`weft plan` counts the records that the build makes of a recording, where its listing names stretches."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weft.jobs.commands import make_pipeline
from weft.jobs.forecast import Supply, source_sizes, supplies
from weft.jobs.known_rejects import known_rejects
from weft.jobs.listed_records import listed_records
from weft.jobs.shortages import certain_shortages
from weft.pipelines.audio.sound import flac
from weft.pipelines.graph import Pipeline
from weft.pipelines.segment import Segment
from weft.pipelines.segmenters.base import Segmenter
from weft.pipelines.sources import kaldi, lhotse, manifest
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Supervision, Utterance
from weft.schemas.facts import Facts

TEXT = {
    "use": "turns",
    "turns": [{"role": "human", "say": {"literal": "Write."}}, {"role": "assistant", "say": "text"}],
}
STRETCHES = [
    (0.0, 2.0, "one"),
    (3.0, 4.5, "two"),
    (5.0, 5.1, "short"),
    (19.0, 25.0, "outside"),
    (6.0, 7.0, ""),
    (7.5, 9.0, ""),
]
MADE = [
    Facts(fields=frozenset(), has_text=True, stretch=Supervision(0.0, 2.0, "one")),
    Facts(fields=frozenset(), has_text=True, stretch=Supervision(3.0, 4.5, "two")),
    Facts(fields=frozenset(), has_text=False, stretch=Supervision(6.0, 9.0)),
]  # two bare ones are merged, one is too short, one lies outside


def of_kaldi(folder: Path) -> Source:
    (folder / "wav.scp").write_text(f"day {folder}/day.flac\n")
    rows = list(enumerate(STRETCHES))
    (folder / "segments").write_text("".join(f"u{n} day {begin} {end}\n" for n, (begin, end, _) in rows))
    (folder / "text").write_text("".join(f"u{n} {text}\n" for n, (_, _, text) in rows if text))
    return kaldi.Source(path=str(folder))


def of_manifest(folder: Path) -> Source:
    lines = [
        {"audio": "day.flac", "offset": begin, "duration": end - begin, "text": text} for begin, end, text in STRETCHES
    ]
    (folder / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return manifest.Source(path=str(folder / "m.jsonl"))


def of_cuts(folder: Path) -> Source:
    supervisions = [
        {"id": str(n), "start": begin, "duration": end - begin, "text": text or None}
        for n, (begin, end, text) in enumerate(STRETCHES)
        if text != "outside"  # which a cut would trim to its own length
    ]
    file = {"type": "file", "channels": [0], "source": str(folder / "day.flac")}
    recording = {"id": "day", "sources": [file], "sampling_rate": 16000, "num_samples": 320000, "duration": 20}
    cut = {"id": "c", "start": 0, "duration": 20, "channel": 0, "recording": recording, "supervisions": supervisions}
    (folder / "cuts.jsonl").write_text(json.dumps(cut))
    return lhotse.Source(path=str(folder / "cuts.jsonl"))


KINDS = [of_kaldi, of_manifest, of_cuts]
TIMED = [(0.1, 0.4, "and"), (0.4, 0.9, "then")]  # words of the stretch from 6.0 to 7.0 s, which has no text


def of_manifest_with_words(folder: Path) -> Source:
    stretches = [
        {"offset": 6.0, "duration": 1.0, "words": [(word, start, end) for start, end, word in TIMED]},
        {"offset": 7.5, "duration": 1.5},
    ]
    lines = "".join(json.dumps({"audio": "day.flac", **one}) + "\n" for one in stretches)
    (folder / "m.jsonl").write_text(lines)
    return manifest.Source(path=str(folder / "m.jsonl"))


def of_cuts_with_words(folder: Path) -> Source:
    of_cuts(folder)
    cut = json.loads((folder / "cuts.jsonl").read_text())
    words = [[word, 6.0 + start, end - start] for start, end, word in TIMED]
    cut["supervisions"] = [
        {"id": "0", "start": 6.0, "duration": 1.0, "alignment": {"word": words}},
        {"id": "1", "start": 7.5, "duration": 1.5},
    ]
    (folder / "cuts.jsonl").write_text(json.dumps(cut))
    return lhotse.Source(path=str(folder / "cuts.jsonl"))


@pytest.fixture
def day(tmp_path: Path) -> Path:
    (tmp_path / "day.flac").write_bytes(flac(np.zeros(320_000, np.float32), 16_000))
    return tmp_path


def planned(source: Source, **mixture: Any) -> tuple[Pipeline, Supply]:
    name = type(source).__module__.rpartition(".")[2]
    stage = {
        "mixture": {"unit": "samples", "total": 9, "shares": {"t": 1}, **mixture},
        "context": 64,
        "model": {"config": {"model_type": "llama"}},
        "optimiser": {"lr": 0.001, "batch_tokens": 64},
    }
    made = make_pipeline(
        {
            "name": "one",
            "sources": {"s": {"use": name, "path": source.model_dump()["path"]}},
            "tasks": {"t": {"sources": ["s"], **TEXT}},
            "training": {"s": stage},
        }
    )
    return made, next(supplies(made, "s", source_sizes(made, 1000)))


@pytest.mark.parametrize("made_of", KINDS)
def test_stretches_are_cut_as_the_build_cuts_them(made_of: Callable[[Path], Source], day: Path) -> None:
    source = made_of(day)
    (item,) = source.items("s")
    assert listed_records(source, item, Segmenter(), seconds=20.0) == MADE
    held = source_sizes(planned(source)[0], 1000)["s"]
    assert (held.items, held.records, held.seconds, held.lengths) == (1, 3, 6.5, {3: 1})


@pytest.mark.parametrize("made_of", KINDS)
def test_a_task_has_the_stretches_that_give_it_a_sample_with_their_lengths(
    made_of: Callable[[Path], Source], day: Path
) -> None:
    source = made_of(day)
    assert (planned(source)[1].has, planned(source, unit="seconds")[1].has) == (2, 3.5)


def test_a_few_long_clips_that_fit_are_no_certain_shortage(tmp_path: Path) -> None:
    """Of 5 clips with a transcript there are 100 s: no share of the seconds of all clips says so."""
    lines = [{"audio": f"{n}.flac", **({"text": "so"} if n < 5 else {})} for n in range(105)]
    for n in range(105):
        (tmp_path / f"{n}.flac").write_bytes(flac(np.zeros(320_000 if n < 5 else 8_000, np.float32), 16_000))
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    made, supply = planned(manifest.Source(path=str(tmp_path / "m.jsonl")), unit="seconds", total=90)
    assert supply.has == 100 and not certain_shortages(made, source_sizes(made, 1000))


def test_what_is_listed_twice_and_what_is_too_short_count_once_and_not_at_all(day: Path) -> None:
    (day / "tick.flac").write_bytes(flac(np.zeros(800, np.float32), 16_000))
    lines = [{"audio": name, "text": "so"} for name in ("day.flac", "day.flac", "tick.flac")]
    (day / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    made, supply = planned(manifest.Source(path=str(day / "m.jsonl")))
    assert (supply.has, source_sizes(made, 1000)["s"].items) == (1, 3)


def test_lines_that_are_rejected_lower_no_others(day: Path) -> None:
    (day / "list.txt").write_text(f"no url\nfile://{day}/day.flac\tsaid\n")
    made = make_pipeline({"name": "one", "sources": {"s": {"use": "urls", "path": str(day / "list.txt")}}})
    size = source_sizes(made, 1000)["s"]
    assert (size.items, size.records, size.unreadable) == (2, 1, 0)


def test_each_channel_is_a_recording_where_the_source_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(flac(np.zeros((32_000, 2), np.float32), 16_000))
    source = {"use": "folder", "path": str(tmp_path), "channels": "each"}
    size = source_sizes(make_pipeline({"name": "one", "sources": {"s": source}}), 1000)["s"]
    assert (size.items, size.records, size.seconds, size.is_sample) == (1, 2, 4.0, False)
    assert (size.of_split("train").items, size.of_split("train").seconds) == (2, 4.0)


def test_channels_of_unknown_length_are_of_one_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.flac").write_bytes(flac(np.zeros((32_000, 2), np.float32), 16_000))
    monkeypatch.setattr("weft.jobs.item_sizes.declared_length", lambda store, audio: None)
    source = {"use": "folder", "path": str(tmp_path), "channels": "each"}
    size = source_sizes(make_pipeline({"name": "one", "sources": {"s": source}}), 1000)["s"]
    assert (size.items, size.unreadable) == (1, 1)


@pytest.mark.parametrize("made_of", [of_manifest_with_words, of_cuts_with_words])
def test_a_stretch_with_words_and_no_text_is_planned_and_built_with_the_words_as_its_text(
    made_of: Callable[[Path], Source], tmp_path: Path
) -> None:
    (tmp_path / "day.flac").write_bytes(flac(np.sin(np.arange(320_000, dtype=np.float32) / 20) / 2, 16_000))
    source, segment, store = made_of(tmp_path), Segment(segmenter=Segmenter()), Store(str(tmp_path))
    (item,) = source.items("s")
    segment.setup(store)
    made = [one for one in segment(source.read(item, store)) if isinstance(one, Utterance)]
    assert [(one.start, one.end, one.text) for one in made] == [(6.0, 7.0, "and then"), (7.5, 9.0, None)]
    assert [(word.text, round(word.start, 6), round(word.end, 6)) for word in made[0].words] == [
        (word, start, end) for start, end, word in TIMED
    ]
    listed = listed_records(source, item, segment.segmenter, seconds=20.0)
    assert [one.has_text for one in listed or ()] == [True, False]
    assert (planned(source)[1].has, planned(source, unit="seconds")[1].has) == (1, 1.0)


def test_a_line_with_words_alone_is_not_counted_as_one_without_a_transcript(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text('{"audio": "a.flac", "words": [["and", 0.1, 0.4]]}\n{"audio": "b.flac"}\n')
    source = manifest.Source(path=str(tmp_path / "m.jsonl"))
    counts = [known_rejects(source, item, seconds=1.0, longest=30.0).without_text for item in source.items("s")]
    assert counts == [False, True]
