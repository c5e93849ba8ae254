"""Lhotse's CutSets and Shar folders, in the form that lhotse 1.33 writes them."""

import gzip
import io
import json
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.jobs.call_watch import CallWatch
from weft.pipelines.parts.splits import Splits
from weft.pipelines.sources.lhotse import Source
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Supervision, Word


def cut(path: str, start: float, duration: float, supervisions: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    recording = {"id": "day", "sources": [{"type": "file", "channels": [0], "source": path}], "sampling_rate": 16000}
    return {"id": f"cut-{start}", "start": start, "duration": duration, "channel": 0, "supervisions": supervisions,
            "recording": recording, "type": "MonoCut", **more}  # fmt: skip


def supervision(start: float, duration: float, text: str, **more: Any) -> dict[str, Any]:
    return {"id": text, "recording_id": "day", "start": start, "duration": duration, "channel": 0, "text": text, **more}


@pytest.fixture
def path(tmp_path: Path, clip: bytes) -> str:
    (tmp_path / "day.flac").write_bytes(clip)
    return str(tmp_path / "day.flac")


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "json"])
def test_cuts_of_one_recording_are_gathered(tmp_path: Path, path: str, ingested: Callable, ending: str) -> None:
    word = {"word": [["and", 0.7, 0.2, 0.9]]}
    cuts = [
        cut(path, 0.5, 1.0, [supervision(0.1, 0.4, "and", speaker="s1", language="cy", alignment=word)]),
        cut(path, 1.5, 0.5, []),
    ]
    text = json.dumps(cuts) if ending == "json" else "".join(json.dumps(c) + "\n" for c in cuts)
    listed = tmp_path / f"cuts.{ending}"
    listed.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())
    (made,), rejects = ingested(Source(path=str(listed)))
    first, second = made.supervisions
    assert (made.path, made.seconds, made.audio.channel, rejects) == ("day", 2.0, 0, [])
    assert (first.start, first.end, first.text, first.speaker, first.language) == (0.6, 1.0, "and", "s1", "cy")
    assert first.words == (Word(text="and", start=pytest.approx(0.6), end=pytest.approx(0.8), score=0.9),)
    assert second == Supervision(1.5, 2.0)


def test_words_without_a_text_are_the_text(tmp_path: Path, path: str, ingested: Callable) -> None:
    """A symbol without any is a silence, as in LibriSpeech's alignments."""
    words = {"word": [["", 0.0, 0.5], ["and", 0.5, 0.25], ["then", 0.75, 0.25]]}
    given = {**supervision(0.0, 1.0, ""), "text": None, "alignment": words}
    (tmp_path / "cuts.jsonl").write_text(json.dumps(cut(path, 0.0, 2.0, [given])))
    (made,), _ = ingested(Source(path=str(tmp_path / "cuts.jsonl")))
    timed = (Word("and", 0.5, 0.75), Word("then", 0.75, 1.0))
    assert made.supervisions == (Supervision(start=0.0, end=1.0, text="and then", words=timed),)


def test_what_is_no_audio_of_a_cut_is_refused(tmp_path: Path, path: str, ingested: Callable) -> None:
    piped = cut("sox x - |", 0, 1, [])
    piped["recording"]["sources"][0]["type"] = "command"
    wrong = [piped, cut(path, 0, 1, [], type="MixedCut"), {"id": "no recording"}, [], cut(f"{path}.lost", 0, 1, []),
             {**cut(path, 0, 1, []), "start": "soon"}]  # fmt: skip
    (tmp_path / "cuts.jsonl").write_text("".join(json.dumps(w) + "\n" for w in wrong) + "{nonsense\n")
    _, rejects = ingested(Source(path=str(tmp_path / "cuts.jsonl")))
    assert sorted(r.reason for r in rejects) == ["bad_cut"] * 4 + ["command", "missing", "mixed_cut"]


def test_a_line_that_unfolds_to_more_than_a_cut_can_be(tmp_path: Path, path: str, ingested: Callable) -> None:
    good = json.dumps(cut(path, 0, 1, []))
    lines = [good, '{"id": "' + "x" * 300_000 + '"}', good.replace("day", "other")]
    (tmp_path / "cuts.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode(), 1))
    made, rejects = ingested(Source(path=str(tmp_path / "cuts.jsonl.gz"), limits={"line": 100_000}))
    assert len(made) == 1 and sorted(r.reason for r in rejects) == ["missing", "too_long"]
    assert "cuts.jsonl.gz line 2 has more than 100,000 characters" in {r.detail for r in rejects}


def test_shar_is_read_in_place(tmp_path: Path, clip: bytes, ingested: Callable) -> None:
    cuts = [
        cut("", 0.0, 2.0, [supervision(0.0, 2.0, text)], id=f"u{n}") for n, text in enumerate(("and", "then", "lost"))
    ]
    for c in cuts:
        del c["recording"]
    (tmp_path / "cuts.000000.jsonl.gz").write_bytes(gzip.compress("".join(json.dumps(c) + "\n" for c in cuts).encode()))
    with tarfile.open(tmp_path / "recording.000000.tar", "w") as tar:
        for name, data in (("u0.flac", clip), ("u0.json", b"{}"), ("u1.flac", clip), ("u1.json", b"{}")):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    made, rejects = ingested(Source(path=str(tmp_path)))
    assert [(r.supervisions[0].text, r.audio.uri.endswith(".tar"), r.audio.length) for r in made] == [
        ("and", True, len(clip)), ("then", True, len(clip)),
    ]  # fmt: skip
    assert [(r.path.rpartition("/")[2], r.reason) for r in rejects] == [("u2", "no_audio")]


def test_a_shard_is_read_without_a_call_back(tmp_path: Path, clip: bytes, ingested: Callable) -> None:
    source = Source(path=shard(tmp_path, ['{"id": "u0"}'], [("u0.flac", clip)]))
    watch = CallWatch(Path(__file__).parents[3])
    with watch.following("shard"):
        ingested(source)
    back = watch.back.get("shard", set())
    assert "pipelines/sources/lhotse.py" in watch.entered["shard"] and not [one for one in back if "lhotse.py" in one]


def shard(root: Path, cuts: list[str], members: list[tuple[str, bytes]]) -> str:
    (root / "cuts.000000.jsonl").write_text("".join(f"{cut}\n" for cut in cuts))
    with tarfile.open(root / "recording.000000.tar", "w") as tar:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return str(root)


def test_a_shard_ends_after_too_many_faults_of_its_tar_or_its_cuts(
    tmp_path: Path, clip: bytes, ingested: Callable
) -> None:
    cuts, limits = ['{"id": "u0"}', *["{}"] * 90], {"faults_in_a_row": 5}
    made, rejects = ingested(Source(path=shard(tmp_path, cuts, [("u0.flac", clip)]), limits=limits))
    assert len(made) == 1 and "cuts.000000.jsonl: 5 entries in a row" in "".join(r.detail for r in rejects)
    texts = [(f"t{n}.txt", b"words") for n in range(90)]
    made, rejects = ingested(Source(path=shard(tmp_path, cuts[:1], [("u0.flac", clip), *texts]), limits=limits))
    assert len(made) == 1 and len(rejects) == 6


def test_cuts_without_a_recording_are_rejects_up_to_too_many_in_a_row(
    tmp_path: Path, clip: bytes, ingested: Callable
) -> None:
    cuts = [f'{{"id": "u{n}"}}' for n in range(90)]
    made, rejects = ingested(Source(path=shard(tmp_path, cuts, [("u0.flac", clip)]), limits={"faults_in_a_row": 5}))
    assert len(made) == 1
    assert Counter(reject.reason for reject in rejects) == {"no_audio": 5, "too_many_faults": 1}


def test_cuts_of_a_shard_need_not_name_their_audio(tmp_path: Path, clip: bytes, ingested: Callable) -> None:
    cuts = [f'{{"id": "u{n}", "recording": {{"sources": [{{"type": "shar", "source": ""}}]}}}}' for n in range(9)]
    path = shard(tmp_path, cuts, [(f"u{n}.flac", clip) for n in range(9)])
    made, rejects = ingested(Source(path=path, limits={"faults_in_a_row": 5}))
    assert len(made) == 9 and not rejects


def test_a_cut_and_its_supervisions_may_name_a_split(tmp_path: Path, path: str, ingested: Callable) -> None:
    cuts = [
        cut(path, 0.0, 1.0, [supervision(0.0, 0.4, "and"), supervision(0.5, 0.4, "so", custom={"split": "test"})],
        custom={"split": "dev"}),
        cut(path, 1.0, 0.5, [], custom={"split": "train"}),
        cut(path, 1.5, 0.5, []),
    ]  # fmt: skip
    (tmp_path / "cuts.jsonl").write_text("".join(json.dumps(c) + "\n" for c in cuts))
    (made,), _ = ingested(Source(path=str(tmp_path / "cuts.jsonl")))
    assert [s.split for s in made.supervisions] == ["dev", "test", "train", ""]


def test_a_list_that_breaks_off_is_one_reject(tmp_path: Path, path: str, ingested: Callable) -> None:
    lines = "".join(
        json.dumps(cut(path, 0.0, 2.0, [supervision(0.0, 2.0, f"and {n}")], id=f"c{n}")) + "\n" for n in range(300)
    )
    (tmp_path / "cuts.jsonl.gz").write_bytes(gzip.compress(lines.encode())[:-50])
    made, (reject,) = ingested(Source(path=str(tmp_path / "cuts.jsonl.gz")))
    assert made and reject.reason == "broken_gzip"


def test_a_cut_without_a_length_is_listed_as_the_recording_that_is_read(
    tmp_path: Path, path: str, ingested: Callable
) -> None:
    (tmp_path / "cuts.jsonl").write_text(json.dumps(cut(path, 0.0, 0.0, [])) + "\n")
    source = Source(path=str(tmp_path / "cuts.jsonl"), speaker="ann")
    (item,) = source.items("speech")
    (facts,) = source.facts_of(item, Store("."))
    assert (facts.fields, facts.has_text) == (frozenset(), False)
    assert [one.speakers for one in source.named(item, Splits())] == [("ann",)]
    (made,), rejects = ingested(source)
    assert (made.supervisions, rejects) == ((), [])
