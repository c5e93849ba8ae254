"""Named texts from each source that has a place for them, and that they reach the utterance."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest

from weft.pipelines.segment import Segment
from weft.pipelines.segmenters.silero import Segmenter
from weft.pipelines.sources import huggingface, lhotse, manifest, script, tars, text
from weft.pipelines.storage.store import Store
from weft.pipelines.turns import Turns
from weft.schemas.audio import Audio, Field, Recording, Supervision, Utterance, Word
from weft.schemas.ledger import Reject

ASKED = {"question": "Who is it?", "answer": "A sine."}
FIELDS = (Field("question", "Who is it?"), Field("answer", "A sine."))


@pytest.fixture
def path(tmp_path: Path, clip: bytes) -> Path:
    (tmp_path / "day.flac").write_bytes(clip)
    return tmp_path


def jsonl(path: Path, *lines: dict[str, Any]) -> str:
    (path / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path / "m.jsonl")


def utterances(recordings: list[Recording]) -> list[Utterance]:
    return [made for made in Segment(segmenter=Segmenter())(recordings) if isinstance(made, Utterance)]


def test_a_manifest_of_whole_files(path: Path, ingested: Callable) -> None:
    (made,), rejects = ingested(manifest.Source(path=jsonl(path, {"audio": "day.flac", **ASKED})))
    assert made.fields == FIELDS and not rejects
    assert [one.fields for one in utterances([made])] == [FIELDS]


def test_a_manifest_of_stretches(path: Path, ingested: Callable) -> None:
    line = {"audio": "day.flac", "duration": 1.0, "text": "a"}
    pairs = [{"chosen": "a", "rejected": "a"}, {"answer": 3}]
    asked = {"audio": "day.flac", "duration": 1.0, "offset": 0, **ASKED}  # nobody has written down what is spoken
    lines = [asked, {**line, "offset": 1}, *({**line, "offset": 0, **pair} for pair in pairs)]
    (made,), rejects = ingested(manifest.Source(path=jsonl(path, *lines)))
    assert [one.fields for one in utterances([made])] == [FIELDS, ()]
    assert sorted((r.reason, r.detail) for r in rejects) == [
        ("bad_manifest_line", "the line of `offset` 0: `answer` is 3, and must be a text"),
        ("equal_answers", "the line of `offset` 0: its chosen and its rejected answer are equal"),
    ]


def test_the_json_of_a_tar(path: Path, clip: bytes, ingested: Callable) -> None:
    with tarfile.open(path / "a.tar", "w") as tar:
        for name, data in (
            ("x.flac", clip),
            ("x.json", json.dumps(ASKED).encode()),
            ("y.flac", clip),
            ("y.json", b'{"answer": 1}'),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    (made,), (reject,) = ingested(tars.Source(path=str(path / "a.tar")))
    assert made.fields == FIELDS
    assert (reject.reason, reject.detail) == ("bad_transcript", ".json: `answer` is 1, and must be a text")


def test_columns_of_a_dataset(path: Path, ingested: Callable) -> None:
    table = {
        "audio": [{"path": str(path / "day.flac"), "bytes": None}] * 2,
        "question": ["Who is it?", None], "answer": ["A sine.", None], "fields": [{"hint": None}, {"hint": "low"}],
    }  # fmt: skip
    rows = datasets.Dataset.from_dict(table).cast_column("audio", datasets.Audio(decode=False))
    rows.save_to_disk(str(path / "saved"))
    made, rejects = ingested(huggingface.Source(path=str(path / "saved")))
    assert not rejects and {one.fields for one in made} == {FIELDS, (Field("hint", "low"),)}


def test_a_column_that_is_no_text_is_a_reject(path: Path, ingested: Callable) -> None:
    table = {"audio": [{"path": str(path / "day.flac"), "bytes": None}], "answer": [["a", "b"]]}
    datasets.Dataset.from_dict(table).cast_column("audio", datasets.Audio(decode=False)).save_to_disk(
        str(path / "saved")
    )
    made, (reject,) = ingested(huggingface.Source(path=str(path / "saved")))
    assert not made and "`answer` is" in reject.detail


def test_custom_fields_of_cuts(path: Path, ingested: Callable) -> None:
    recording = {"id": "day", "sources": [{"type": "file", "channels": [0], "source": str(path / "day.flac")}]}
    cut = {"type": "MonoCut", "channel": 0, "recording": recording, "duration": 1.0, "custom": ASKED}
    supervision = {"start": 0.0, "duration": 0.5, "text": "a"}
    own = {**supervision, "start": 0.5, "custom": {"answer": "Its own."}}
    cuts = [
        {**cut, "start": 0.0, "supervisions": [supervision]},
        {**cut, "start": 1.0, "supervisions": [supervision, own]},
    ]
    (made,), rejects = ingested(lhotse.Source(path=jsonl(path, *cuts)))
    assert [one.fields for one in made.supervisions] == [FIELDS, (), (Field("answer", "Its own."),)] and not rejects


def test_lines_of_text(path: Path) -> None:
    lines = [{"text": "2 + 2", "answer": "4"}, {"text": "2 + 2", "answer": "5"}, {"text": "2 + 2", "answer": 4}]
    source = text.Source(path=jsonl(path, *lines))
    first, second, reject = (made for item in source.items("t") for made in source.read(item, Store(str(path))))
    assert (first.fields, second.fields) == ((Field("answer", "4"),), (Field("answer", "5"),))
    assert first.key != second.key and "`answer` is 4, and must be a text" in reject.detail


def test_answers_that_are_equal_are_named_with_their_line(path: Path) -> None:
    pair = {"chosen": "yes", "rejected": "yes"}
    first = {"text": "2 + 2", "chosen": "4", "rejected": "5"}
    source = text.Source(path=jsonl(path, first, {"text": "3 + 3", **pair}))
    made, reject = (made for item in source.items("t") for made in source.read(item, Store(str(path))))
    assert made.fields == (Field("chosen", "4"), Field("rejected", "5"))
    assert (reject.path, reject.reason) == ("m.jsonl", "equal_answers")
    begin = len(json.dumps(first)) + 1
    assert reject.detail == f"the line at byte {begin}: its chosen and its rejected answer are equal"


def test_dialogues_and_their_turns(path: Path) -> None:
    turns = [
        {"role": "human", "text": "Hello.", "fields": {"translation": "Hallo."}},
        {"role": "assistant", "text": "Hi."},
    ]
    source = script.Source(path=jsonl(path, {"turns": turns, "translation": "Guten Tag.", "caption": "Two talk."}))
    (dialogue,) = (made for item in source.items("d") for made in source.read(item, Store(str(path))))
    first, second = Turns()([dialogue])
    assert first.fields == (Field("translation", "Hallo."), Field("caption", "Two talk."))
    assert second.fields == (Field("caption", "Two talk."), Field("translation", "Guten Tag."))


@pytest.mark.parametrize(
    ("seconds", "fields", "whole"), [(40.0, FIELDS, True), (60.0, FIELDS, False), (40.0, (), False)]
)
def test_a_recording_with_fields_stays_whole_as_long_as_a_transcript_may(
    seconds: float, fields: tuple[Field, ...], whole: bool
) -> None:
    one = Recording(
        key="r", source="s", path="a", audio=Audio("/a"), seconds=seconds, rate=16000, channels=1, sha256="",
        fields=fields, words=(Word("a", 0.0, 1.0), Word("b", seconds - 1, seconds)),
    )  # fmt: skip
    made = [
        made for made in Segment(segmenter=Segmenter(longest_transcript=50.0))([one]) if isinstance(made, Utterance)
    ]
    assert [output.fields for output in made] == ([fields] if whole else [(), ()])


def test_a_stretch_with_fields_that_is_too_long_is_a_reject() -> None:
    long = Supervision(0.0, 40.0, fields=FIELDS)
    one = Recording(
        key="r", source="s", path="a", audio=Audio("/a"), seconds=40.0, rate=16000, channels=1, sha256="", supervisions=(long,)
    )  # fmt: skip
    made = [made for made in Segment(segmenter=Segmenter())([one]) if isinstance(made, Reject)]
    assert "long_transcript" in {reject.reason for reject in made}
    assert any("with fields that belong to the whole of it" in reject.detail for reject in made)
