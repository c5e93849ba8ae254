"""Kaldi data folders."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from weft.pipelines.parts.splits import Splits
from weft.pipelines.sources.kaldi import Source
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Supervision

SOUND = (np.sin(np.arange(32000) / 20) * 0.5).astype(np.float32)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    soundfile.write(tmp_path / "r1.wav", SOUND, 16000)
    return tmp_path / "data"


def test_segments_of_a_recording(data: Path, ingested: Callable) -> None:
    (data / "wav.scp").write_text(f"r1 {data.parent}/r1.wav\n")
    (data / "segments").write_text("u1 r1 0.1 0.9\nu2 r1 1.0 2.0\nu3 r1 x 2.0\nu4 r9 0 1\n")
    (data / "text").write_text("u1 and  then\nu2\tnot so\n")
    (data / "utt2spk").write_text("u1 s1\nu2 s2\n")
    (data / "utt2lang").write_text("u1 cy\n")
    (made,), rejects = ingested(Source(path=str(data), licence="CC0"))
    assert made.supervisions == (
        Supervision(0.1, 0.9, "and then", speaker="s1", language="cy"), Supervision(1.0, 2.0, "not so", speaker="s2"),
    )  # fmt: skip
    assert (made.path, made.seconds, made.licence) == ("r1", 2.0, "CC0")
    assert [(r.path, r.reason) for r in rejects] == [("r1 u3", "bad_segment"), ("r9", "no_audio")]


def test_without_segments_a_recording_is_an_utterance(data: Path, ingested: Callable) -> None:
    (data / "wav.scp").write_text("r1 r1.wav\n")
    (data / "text").write_text("r1 and then\n")
    (data / "utt2spk").write_text("r1 s1\n")
    (made,), _ = ingested(Source(path=str(data), root=str(data.parent)))
    assert (made.text, made.speaker, made.supervisions) == ("and then", "s1", ())


def test_what_a_table_names_twice_is_rejected(data: Path, ingested: Callable) -> None:
    (data / "wav.scp").write_text(f"r1 {data.parent}/r1.wav\n")
    (data / "segments").write_text("u1 r1 0.1 0.5\nu2 r1 0.5 1.0\nu3 r1 1.0 1.5\nu2 r1 0.6 1.1\n")
    (data / "text").write_text("u1 and\nu2 then\nu3 not\nu3 so\nu1 and\n")
    (made,), rejects = ingested(Source(path=str(data)))
    assert [s.text for s in made.supervisions] == ["and"]
    assert [(r.path, r.reason, r.detail) for r in rejects] == [
        ("r1 u2", "duplicate", "u2: segments names it twice, with 'r1 0.5 1.0' and 'r1 0.6 1.1'"),
        ("r1 u3", "duplicate", "u3: text names it twice, with 'not' and 'so'"),
    ]


def test_a_recording_that_is_listed_twice_is_read_once(data: Path) -> None:
    """The second item of a key is a duplicate when it is read."""
    (data / "wav.scp").write_text(f"r1 {data.parent}/r1.wav\nr1 {data.parent}/r2.wav\n")
    first, second = Source(path=str(data)).items("speech")
    assert first.key == second.key and first.uri != second.uri


def test_a_wav_within_an_archive_is_read_in_place(data: Path, ingested: Callable) -> None:
    wav = (data.parent / "r1.wav").read_bytes()
    (data / "all.ark").write_bytes(b"key1 " + wav + b"key2 " + wav)
    offset = len(wav) + 10
    (data / "wav.scp").write_text(f"key1 {data}/all.ark:5\nkey2 {data}/all.ark:{offset}\nkey3 {data}/all.ark:7\n")
    made, rejects = ingested(Source(path=str(data)))
    assert [(r.audio.offset, r.audio.length, r.seconds) for r in made] == [(5, len(wav), 2.0), (offset, len(wav), 2.0)]
    assert [r.reason for r in rejects] == ["not_audio"]


def test_commands_are_never_run(data: Path, ingested: Callable) -> None:
    (data / "wav.scp").write_text(f"r1 touch {data}/ran; cat {data.parent}/r1.wav |\nr2 {data}/nowhere.wav\n")
    _, rejects = ingested(Source(path=str(data)))
    assert [r.reason for r in rejects] == ["command", "missing"]
    assert not (data / "ran").exists()


def test_a_recording_that_segments_do_not_name_is_listed_as_it_is_read(data: Path, ingested: Callable) -> None:
    """Without labels; of a command, which is rejected, nothing is listed."""
    (data / "wav.scp").write_text(
        f"r1 {data.parent}/r1.wav\nr2 {data.parent}/r1.wav\nr3 cat r1.wav |\nr4 cat r1.wav |\n"
    )
    (data / "segments").write_text("u1 r1 0.1 0.9\nu3 r3 0.1 0.9\n")
    (data / "text").write_text("u1 and then\nu3 and then\n")
    source = Source(path=str(data), speaker="ann")
    items = list(source.items("speech"))
    facts = {item.path: [one.has_text for one in source.facts_of(item, Store("."))] for item in items}
    assert facts == {"r1": [True], "r2": [False], "r3": [], "r4": []}
    assert {item.path: [one.speakers for one in source.named(item, Splits())] for item in items} == {
        "r1": [("ann",)], "r2": [("ann",)], "r3": [], "r4": [],
    }  # fmt: skip
    made, rejects = ingested(source)
    assert [(one.path, len(one.supervisions)) for one in made] == [("r1", 1), ("r2", 0)]
    assert [one.path for one in rejects] == ["r3", "r4"]
