"""Every source says which field of a bad entry is wrong and what it must be, and never in Python's own words."""

import io
import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weft.pipelines.ingest import Ingest
from weft.pipelines.sources import lhotse, manifest, script, tars, text
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.store import Store
from weft.schemas.ledger import Reject

PYTHON = re.compile(r"Error\(|NoneType|object is|object has|unpack|convert|recursion|literal|subscriptable|expected")
DEEP = "[" * 100_000
Write = Callable[[Path], Source]


def lines(name: str, make: type[Source]) -> Callable[[Any], Write]:
    """Writes a list of one line, which is JSON unless it is a text."""

    def of(entry: Any) -> Write:
        def write(folder: Path) -> Source:
            (folder / name).write_text((entry if isinstance(entry, str) else json.dumps(entry)) + "\n")
            return make(path=str(folder / name))  # type: ignore[call-arg]

        return write

    return of


def member(content: Any) -> Write:
    def write(folder: Path) -> Source:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        with tarfile.open(folder / "a.tar", "w") as tar:
            for name, held in (("a.json", data), ("a.wav", b"RIFF")):
                (entry := tarfile.TarInfo(name)).size = len(held)
                tar.addfile(entry, io.BytesIO(held))
        return tars.Source(path=str(folder / "a.tar"))

    return write


of_manifest, of_lhotse = lines("a.jsonl", manifest.Source), lines("cuts.jsonl", lhotse.Source)
of_script, of_text = lines("d.jsonl", script.Source), lines("t.jsonl", text.Source)


def cut(**fields: Any) -> dict[str, Any]:
    recording = {"id": "day", "sources": [{"type": "file", "source": "day.wav"}]}
    return {"id": "c", "start": 0, "duration": 1, "channel": 0, "recording": recording, "supervisions": [], **fields}


def supervised(**fields: Any) -> dict[str, Any]:
    return cut(supervisions=[{"start": 0, "duration": 1, "text": "so", **fields}])


def turn(**fields: Any) -> dict[str, Any]:
    return {"turns": [{"speaker": "a", "text": "so", **fields}]}


CASES = [
    (member({"text": 5}), "bad_transcript", ".json: `text` is 5, and must be a text"),
    (member({"text": "so", "speaker": ["a"]}), "bad_transcript", '.json: `speaker` is ["a"], and must be a text or a number'),
    (member([1]), "bad_transcript", ".json: it is [1], and must be an object"),
    (member(DEEP.encode()), "bad_transcript", ".json: its lists and objects lie too deep"),
    (member(b"\xff"), "bad_transcript", ".json: it is not UTF-8 (byte 0)"),
    (of_manifest("{"), "bad_manifest_line", "it is no JSON (character 2: "),
    (of_manifest(DEEP), "bad_manifest_line", "its lists and objects lie too deep"),
    (of_manifest({"text": "so"}), "bad_manifest_line", "`audio` is missing, and must be the path or url of a file"),
    (of_manifest({"audio": 5}), "bad_manifest_line", "`audio` is 5, and must be the path or url of a file"),
    (of_manifest({"offset": 1, "duration": 1}), "bad_manifest_line", "`audio` is missing"),
    (of_manifest({"audio": "a.wav", "text": 5}), "bad_manifest_line", "`text` is 5, and must be a text"),
    (of_manifest({"audio": "a.wav", "words": [["so", 1]]}), "bad_manifest_line", 'an entry of `words` is ["so", 1], and must be'),
    (of_manifest({"audio": "a.wav", "words": [["so", "x", 1]]}), "bad_manifest_line", '`start` of the word "so" is "x"'),
    (of_manifest({"audio": "a.wav", "offset": 1}), "bad_manifest_line", "the line of `offset` 1: `duration` is missing, and must be"),
    (of_manifest({"audio": "a.wav", "offset": -1, "duration": 1}), "bad_manifest_line", "the line of `offset` -1: `offset` is -1, and"),
    (of_lhotse("{"), "bad_cut", "it is no JSON (character 2: "),
    (of_lhotse(DEEP), "bad_cut", "its lists and objects lie too deep"),
    (of_lhotse([1]), "bad_cut", "the cut is [1], and must be an object"),
    (of_lhotse({"id": "x"}), "bad_cut", "`sources` of `recording` of the cut is missing, and must be a list"),
    (of_lhotse(cut(recording={"sources": [{"type": "memory"}]})), "bad_cut", '`type` of source 1 of `recording` of the cut is "mem'),
    (of_lhotse(cut(channel="left")), "bad_cut", '`channel` of the cut is "left", and must be a number'),
    (of_lhotse(cut(channel=[0, 1])), "bad_cut", "`channel` of the cut is [0, 1], and must be a number"),
    (of_lhotse(cut(start="soon")), "bad_cut", '`start` of the cut is "soon", and must be a number'),
    (of_lhotse(supervised(text=5)), "bad_cut", "`text` of supervision 1 of the cut is 5, and must be a text"),
    (of_lhotse(supervised(duration=None)), "bad_cut", "`duration` of supervision 1 of the cut is missing"),
    (of_lhotse(supervised(alignment={"word": [["so"]]})), "bad_cut", 'an entry of `alignment` is ["so"], and must be a symbol'),
    (of_script("{"), "bad_dialogue", "1: it is no JSON (character 2: "),
    (of_script(DEEP), "bad_dialogue", "1: its lists and objects lie too deep"),
    (of_script({}), "bad_dialogue", "1: it has no list of turns"),
    (of_script([1]), "bad_dialogue", "1: a dialogue is a JSON object, not '[1]'"),
    (of_script({"turns": [5]}), "bad_dialogue", "1: turn 1: a turn is a JSON object, not '5'"),
    (of_script(turn(text=5)), "bad_dialogue", "1: turn 1: text is not text: '5'"),
    (of_script(turn(speaker=None)), "bad_dialogue", "turn 1: it has neither a speaker nor a role"),
    (of_script(turn(level="high")), "bad_dialogue", '1: turn 1: `level` is "high", and must be a number'),
    (of_script(turn(level=2.5)), "bad_dialogue", "1: turn 1: level 2.5 is not a whole number"),
    (of_script({**turn(), "origin": {"seed": "x"}}), "bad_dialogue", '1: `seed` is "x", and must be a number'),
    (of_script({**turn(), "language": ["en"]}), "bad_dialogue", '1: `language` is ["en"], and must be a text or a number'),
    (of_script({**turn(), "split": {"a": 1}}), "bad_dialogue", '1: `split` is {"a": 1}, and must be a text or a number'),
    (of_script({**turn(), "id": ["a"]}), "bad_dialogue", '1: `id` is ["a"], and must be a text or a number'),
    (of_script(turn(tool_call="{")), "bad_dialogue", "1: turn 1: it is no JSON (character 2: "),
    (of_text("{"), "bad_line", "the line at byte 0: it is no JSON (character 2: "),
    (of_text({"text": "so", "language": ["en"]}), "bad_line", 'the line at byte 0: `language` is ["en"], and must be'),
]  # fmt: skip


@pytest.mark.parametrize(("write", "reason", "detail"), CASES, ids=range(len(CASES)))
def test_what_is_wrong_is_reported_in_words(
    store: Store, tmp_path: Path, write: Write, reason: str, detail: str
) -> None:
    stage = Ingest(source=write(tmp_path))
    stage.setup(store)
    (reject,) = stage(stage.source.items("s"))
    assert isinstance(reject, Reject) and reject.reason == reason
    assert reject.detail.startswith(detail), reject.detail
    assert not PYTHON.search(reject.detail) and len(reject.detail) < 300
