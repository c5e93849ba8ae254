"""NeMo's manifests: stretches of long files. What folders and our own manifests have in common is in test_folder.py."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weft.pipelines.sources.manifest import Source
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Supervision, Word


@pytest.fixture
def listed(tmp_path: Path, clip: bytes) -> Callable[..., Source]:
    (tmp_path / "day.flac").write_bytes(clip)

    def write(*lines: dict[str, Any], **settings: Any) -> Source:
        (tmp_path / "m.jsonl").write_text(
            "".join(json.dumps({"audio_filepath": "day.flac", **line}) + "\n" for line in lines)
        )
        return Source(path=str(tmp_path / "m.jsonl"), **settings)

    return write


def test_stretches_of_a_file_are_gathered(listed: Callable[..., Source], ingested: Callable) -> None:
    words = [["and", 0.1, 0.3]]
    (made,), rejects = ingested(
        listed(
            {"offset": 1.0, "duration": 0.5, "text": "then", "speaker": "s2", "lang": "x"},
            {"offset": 0, "duration": 0.9, "text": "and", "license": "CC0", "split": "dev", "words": words},
            {"offset": 1.5, "text": "so"}, {"offset": -1, "duration": 1}, {"offset": "nan", "duration": 1},
        )
    )  # fmt: skip
    assert made.supervisions == (
        Supervision(start=1.0, end=1.5, text="then", speaker="s2"),
        Supervision(start=0.0, end=0.9, text="and", words=(Word("and", 0.1, 0.3),), split="dev"),
    )
    assert (made.licence, made.split, made.seconds) == ("CC0", "", 2.0)
    assert [r.reason for r in rejects] == ["bad_manifest_line"] * 3


def test_retime_drops_the_times_that_came(listed: Callable[..., Source], ingested: Callable) -> None:
    (made,), _ = ingested(listed({"offset": 0, "duration": 1, "text": "and", "words": [["and", 0, 1]]}, retime=True))
    assert made.supervisions[0].words == ()


def test_words_without_a_text_are_the_text(listed: Callable[..., Source], ingested: Callable) -> None:
    """A word without any is a silence. The words stay the text where they are timed again."""
    words = [["", 0, 0.1], ["and", 0.1, 0.3], [" ", 0.3, 0.4], ["then", 0.4, 0.9]]
    timed = (Word("and", 0.1, 0.3), Word("then", 0.4, 0.9))
    (stretch,), _ = ingested(listed({"offset": 1, "duration": 1, "words": words, "text": ""}))
    (whole,), _ = ingested(listed({"words": words}))
    (again,), _ = ingested(listed({"offset": 1, "duration": 1, "words": words}, retime=True))
    (silent,), _ = ingested(listed({"offset": 1, "duration": 1, "words": words[:1]}))
    assert stretch.supervisions == (Supervision(start=1.0, end=2.0, text="and then", words=timed),)
    assert (whole.text, whole.words) == ("and then", timed)
    assert again.supervisions == (Supervision(start=1.0, end=2.0, text="and then"),)
    assert silent.supervisions == (Supervision(start=1.0, end=2.0),)


def test_a_duration_without_an_offset_must_be_the_files(listed: Callable[..., Source], ingested: Callable) -> None:
    (made,), _ = ingested(listed({"duration": 2.05, "text": "and"}))
    assert (made.text, made.supervisions) == ("and", ())
    _, (reject,) = ingested(listed({"duration": 3.5, "text": "and"}))
    assert (reject.reason, reject.detail) == (
        "wrong_duration",
        "the manifest says 3.50 s and no offset, the file holds 2.00 s",
    )


def test_how_far_a_duration_may_differ_is_a_setting(listed: Callable[..., Source], ingested: Callable) -> None:
    (made,), _ = ingested(listed({"duration": 3.5, "text": "and"}, limits={"slack": 2}))
    assert made.seconds == 2.0
    _, (reject,) = ingested(listed({"duration": 2.05, "text": "and"}, limits={"slack": 0.01}))
    assert reject.reason == "wrong_duration"


def test_each_limit_of_sound_is_that_of_the_source(listed: Callable[..., Source], ingested: Callable) -> None:
    for limits, reason in (({"shortest": 2.5}, "too_short"), ({"lowest_rate": 22_050}, "low_rate")):
        _, (reject,) = ingested(listed({"text": "and"}, limits=limits))
        assert reject.reason == reason


def test_channels(tmp_path: Path, ingested: Callable) -> None:
    import numpy as np
    import soundfile

    tone = np.sin(np.arange(16000) / 20) * 0.5
    soundfile.write(tmp_path / "two.wav", np.stack([tone, np.zeros(16000)], 1), 16000)
    (tmp_path / "m.jsonl").write_text('{"audio": "two.wav", "text": "and"}\n')
    (mixed,), _ = ingested(Source(path=str(tmp_path / "m.jsonl")))
    (first,), _ = ingested(Source(path=str(tmp_path / "m.jsonl"), channels="first"))
    (left,), (silent,) = ingested(Source(path=str(tmp_path / "m.jsonl"), channels="each"))
    assert (mixed.audio.channel, first.audio.channel, left.audio.channel) == (-1, 0, 0)
    assert (left.key, silent.reason, silent.path) == (f"{mixed.key}-c0", "silent", "two.wav channel 1")


def test_of_a_line_without_audio_nothing_is_listed(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text('{"text": "and"}\n{"audio": "a.wav", "text": "and"}\n')
    source = Source(path=str(tmp_path / "m.jsonl"))
    assert [len(list(source.facts_of(item, Store(".")))) for item in source.items("speech")] == [0, 1]
