"""Tasks that can make nothing of a source are refused by its listing, and no more of it is read than is allowed."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weft.jobs.checks import material
from weft.jobs.checks.material import Fits, fits
from weft.jobs.commands import make_pipeline
from weft.pipelines.audio.sound import flac
from weft.pipelines.graph import Pipeline

Weft = Callable[..., tuple[int, str, str]]
ASKED, REPLY = {"role": "human", "say": "audio"}, {"role": "assistant", "say": "text"}
CAPTION = {"use": "turns", "turns": [ASKED, {"role": "assistant", "say": {"field": "caption"}}]}
ASR = {"use": "turns", "turns": [ASKED, REPLY]}
MARKERS = {"audio-start": "audio", "audio-patch": "audio", "audio-end": "audio", "image-start": "image", "image-patch": "image",
           "image-end": "image"}  # fmt: skip


def recipe(source: dict[str, Any], task: dict[str, Any]) -> dict[str, Any]:
    tokens = [{"marker": name, "literal": f"<{name}>", "modality": kind} for name, kind in MARKERS.items()]
    return {
        "name": "one",
        "sources": {"s": source},
        "encoder": {"use": "step_audio"},
        "image_encoder": {"use": "grid"},
        "vocabulary": {"tokens": tokens},
        "tasks": {"t": {"sources": ["s"], **task}},
    }


def pipeline(source: dict[str, Any], task: dict[str, Any]) -> Pipeline:
    return make_pipeline(recipe(source, task))


def written(path: Path, lines: Sequence[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def refusal(source: dict[str, Any], task: dict[str, Any]) -> str:
    """The one sentence; "" where there is none."""
    found = fits(pipeline(source, task))
    assert len(found.misfits) < 2 and not found.unread
    return found.misfits[0].message if found.misfits else ""


def clips(folder: Path) -> Path:
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.flac").write_bytes(flac(np.zeros(1600, np.float32), 16000))
    return folder


@pytest.mark.parametrize("as_folder", [False, True])
def test_a_folder_that_is_a_manifest_is_read_as_one(as_folder: bool, tmp_path: Path) -> None:
    lines = [{"audio": "a.wav", "question": "Who?"}, {"audio": "b.wav"}]
    path = written(tmp_path / "manifest.jsonl", lines)
    source = {"use": "folder", "path": str(tmp_path) if as_folder else path}
    assert refusal(source, CAPTION).startswith("'s' never gives the field 'caption' (its fields are question)")
    written(tmp_path / "manifest.jsonl", [*lines, {"audio": "c.wav", "caption": "A bell."}])
    assert refusal(source, CAPTION) == ""


@pytest.mark.parametrize("ending", ["", ".rttm"])
def test_a_folder_without_any_transcript_gives_none(ending: str, tmp_path: Path) -> None:
    folder = clips(tmp_path / "clips")
    if ending:
        (folder / f"one{ending}").write_text("SPEAKER one 1 0.0 0.1 <NA> <NA> ann <NA> <NA>\n")
    source = {"use": "folder", "path": str(folder)}
    assert "'s' gives no transcripts, which this task needs: so it is with all of its 2 records" in refusal(source, ASR)
    (folder / "two.txt").write_text(" \n")
    assert refusal(source, ASR)
    (folder / "two.txt").write_text("good morning")
    assert refusal(source, ASR) == ""


def test_a_textgrid_may_hold_a_transcript(tmp_path: Path) -> None:
    folder = clips(tmp_path / "clips")
    (folder / "two.TextGrid").write_text("what the build reads")
    assert refusal({"use": "folder", "path": str(folder)}, ASR) == ""


def test_urls_and_kaldi_folders_and_cuts_list_their_transcripts(tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("https://host/a.flac\nhttps://host/b.flac\n")
    assert "gives no transcripts" in refusal({"use": "urls", "path": str(tmp_path / "urls.txt")}, ASR)
    (tmp_path / "urls.txt").write_text("https://host/a.flac\nhttps://host/b.flac\tgood morning\n")
    assert refusal({"use": "urls", "path": str(tmp_path / "urls.txt")}, ASR) == ""
    (tmp_path / "wav.scp").write_text("one /data/one.flac\ntwo /data/two.flac\n")
    assert "gives no transcripts" in refusal({"use": "kaldi", "path": str(tmp_path)}, ASR)
    (tmp_path / "text").write_text("two good morning\n")
    assert refusal({"use": "kaldi", "path": str(tmp_path)}, ASR) == ""
    cut = {
        "id": "one", "start": 0, "duration": 1, "channel": 0,
        "recording": {"id": "one", "sources": [{"type": "file", "source": "one.flac"}]},
        "supervisions": [{"start": 0, "duration": 1, "text": "good morning"}],
    }  # fmt: skip
    source = {"use": "lhotse", "path": written(tmp_path / "cuts.jsonl", [cut])}
    assert refusal(source, ASR) == "" and "never gives the field 'caption'" in refusal(source, CAPTION)
    written(tmp_path / "cuts.jsonl", [{**cut, "custom": {"caption": "A bell."}, "supervisions": []}])
    assert refusal(source, CAPTION) == "" and "gives no transcripts" in refusal(source, ASR)


def test_a_stretch_after_one_that_is_rejected_counts(tmp_path: Path) -> None:
    stretch = {"audio": "a.wav", "offset": 0, "duration": 1}
    lines = [stretch, {**stretch, "offset": 1, "text": 5}, {**stretch, "offset": 2, "text": "good morning"}]
    assert refusal({"use": "manifest", "path": written(tmp_path / "m.jsonl", lines)}, ASR) == ""


HUMAN, ASSISTANT = {"role": "human", "text": "Who is it?"}, {"role": "assistant", "text": "It is me."}
OTHER, CHOSEN, REJECTED = {**ASSISTANT, "text": "Who knows?"}, {"answer": "chosen"}, {"answer": "rejected"}
TALK = {"use": "dialogue", "turns": [{"role": "human", "say": "text"}, REPLY]}
ASKING = {"use": "prompts", "turns": [{"role": "human", "say": "text"}]}
DIALOGUES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    "the answer of a turn": (
        {**ASKING, "answer": "key"},
        {"turns": [{**HUMAN, "fields": {"key": "me"}}]},
        {"turns": [HUMAN], "fields": {"key": "me"}},
        "has no dialogues with a field 'key'",
    ),
    "the image of a turn": (
        {**TALK, "turns": [{"role": "human", "say": ["image", "text"]}, REPLY]},
        {"turns": [{**HUMAN, "fields": {"image": "a.png"}}, ASSISTANT]},
        {"turns": [HUMAN, ASSISTANT], "fields": {"image": "a.png"}},
        "has no dialogues with a field 'image'",
    ),
    "a field of the other role": (
        {**TALK, "turns": [{"role": "human", "say": {"field": "key"}}, REPLY]},
        {"turns": [HUMAN, {**ASSISTANT, "fields": {"key": "me"}}]},
        {"turns": [{**HUMAN, "fields": {"key": "me"}}, ASSISTANT]},
        "has turns of the role 'human' without the field 'key'",
    ),
    "a field that not all turns have": (
        {**TALK, "turns": [{"role": "human", "say": {"field": "key"}}, REPLY]},
        {"turns": [{**HUMAN, "fields": {"key": "me"}}, ASSISTANT, HUMAN]},
        {"turns": [HUMAN, ASSISTANT, HUMAN], "fields": {"key": "me"}},
        "has turns of the role 'human' without the field 'key'",
    ),
    "a field of the rejected answer alone": (
        {**TALK, "turns": [{"role": "human", "say": "text"}, {"role": "assistant", "say": {"field": "key"}}]},
        {"turns": [HUMAN, {**ASSISTANT, **CHOSEN}, {**OTHER, **REJECTED, "fields": {"key": "me"}}]},
        {"turns": [HUMAN, {**ASSISTANT, **CHOSEN, "fields": {"key": "me"}}, {**OTHER, **REJECTED}]},
        "has turns of the role 'assistant' without the field 'key'",
    ),
    "a field that the answers of a pair lack": (
        {**TALK, "use": "pairs", "turns": [{"role": "human", "say": "text"}, {"role": "assistant", "say": {"field": "key"}}]},
        {"turns": [HUMAN, {**ASSISTANT, "fields": {"key": "me"}}, HUMAN, {**ASSISTANT, **CHOSEN}, {**OTHER, **REJECTED}]},
        {"turns": [HUMAN, {**ASSISTANT, **CHOSEN}, {**OTHER, **REJECTED}], "fields": {"key": "me"}},
        "has turns of the role 'assistant' without the field 'key'",
    ),
    "tools without a system turn": (
        TALK,
        {"turns": [HUMAN, ASSISTANT], "tools": [{"name": "weather"}]},
        {"turns": [{"role": "system", "text": "You have tools."}, HUMAN, ASSISTANT], "tools": [{"name": "weather"}]},
        "lists tools, which are written after a system turn, and has no such turn",
    ),
    "audio of a role that nobody speaks": (
        {**TALK, "turns": [ASKED, REPLY]},
        {"turns": [ASSISTANT]},
        {"turns": [HUMAN, ASSISTANT]},
        "has no spoken turns of a role whose entry says `audio`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DIALOGUES)
def test_a_task_over_dialogues_that_never_fit_is_refused(case: str, tmp_path: Path) -> None:
    task, wrong, right, why = DIALOGUES[case]
    source = {"use": "script", "path": written(tmp_path / "talks.jsonl", [wrong, wrong])}
    assert why in refusal(source, task)
    written(tmp_path / "talks.jsonl", [wrong, right])
    assert refusal(source, task) == ""


class TestMostRead:
    @pytest.fixture(autouse=True)
    def little(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(material, "MOST_READ", 20_000)

    def test_of_a_long_list_the_beginning_is_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = written(tmp_path / "m.jsonl", [{"audio": f"{n}.wav", "question": "Who?"} for n in range(500)])
        made, read = pipeline({"use": "manifest", "path": path}, CAPTION), []
        source = type(made.sources["s"])
        facts_of = source.facts_of
        monkeypatch.setattr(source, "facts_of", lambda *of: (read.append(of[1]), facts_of(*of))[1])
        found = fits(made)
        assert not found.misfits and 10 < len(read) < 100
        (sentence,) = found.unread
        assert sentence.startswith(
            f"the first {len(read)} records of s give task t nothing: 's' never gives the field 'caption'"
        )
        assert "the rest was not read" in sentence

    def test_of_a_long_script_too(self, tmp_path: Path) -> None:
        path = written(tmp_path / "talks.jsonl", [{"turns": [HUMAN, ASSISTANT]}] * 50)
        (sentence,) = fits(pipeline({"use": "script", "path": path}, {**ASKING, "answer": "key"})).unread
        assert "the rest was not read" in sentence
        assert sentence.startswith("the first 5 records of s ")

    def test_a_source_that_fits_within_it_is_known(self, tmp_path: Path) -> None:
        lines = [{"audio": "c.wav", "caption": "A bell."}, *({"audio": f"{n}.wav"} for n in range(500))]
        source = {"use": "manifest", "path": written(tmp_path / "m.jsonl", lines)}
        assert fits(pipeline(source, CAPTION)) == Fits()

    def test_a_plan_says_that_the_rest_was_not_read(self, weft: Weft, tmp_path: Path) -> None:
        path = written(tmp_path / "m.jsonl", [{"audio": f"{n}.wav", "question": "Who?"} for n in range(100)])
        (tmp_path / "r.yaml").write_text(json.dumps(recipe({"use": "manifest", "path": path}, CAPTION)))
        code, _, errors = weft("plan", str(tmp_path / "r.yaml"))
        assert code == 0 and "give task t nothing" in errors and "the rest was not read" in errors
