"""Folders of audio with transcripts, and manifests."""

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

from weft.pipelines.audio.decoders import ENDINGS
from weft.pipelines.audio.sound import flac
from weft.pipelines.ingest import Ingest
from weft.pipelines.sources.folder import Source
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Recording, Word
from weft.schemas.faults import RecipeError
from weft.schemas.item import Item
from weft.schemas.ledger import Reject

CLIP = flac((np.sin(np.arange(8000) / 20) * 0.5).astype(np.float32), 16000)  # half a second
Make = Callable[..., Source]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


@pytest.fixture
def read(folder: Path, store: Store) -> Callable[..., dict[str, Recording | Reject]]:
    """Lists and reads a folder; every item by its path."""

    def everything(**settings: Any) -> dict[str, Recording | Reject]:
        source = Source.model_validate({"path": str(folder), "missing": "reject", **settings})
        items = list(source.items("speech"))
        stage = Ingest(source=source)
        stage.setup(store)
        made = list(stage(items))
        assert [r.key for r in made] == [i.key for i in items], "one result an item, in order"
        return {r.path: r for r in made}

    return everything


Read = Callable[..., dict[str, Recording | Reject]]


def manifest(folder: Path, *lines: object) -> None:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    (folder / "manifest.jsonl").write_text(text)


class TestFolder:
    @pytest.mark.parametrize(
        ("ending", "limit"), [("txt", "transcript"), ("words.json", "transcript"), ("ctm", "table")]
    )
    def test_how_much_text_is_read_is_a_setting(self, folder: Path, read: Read, ending: str, limit: str) -> None:
        (folder / "a.flac").write_bytes(CLIP)
        (folder / f"a.{ending}").write_text("x" * 1025)
        reject = read(limits={limit: 1024})["a.flac"]
        assert isinstance(reject, Reject) and reject.reason == "bad_transcript" and "1,024 bytes" in reject.detail
        made = read()["a.flac"]
        assert isinstance(made, Recording) or "bytes" not in made.detail

    def test_audio_beside_its_transcript(self, folder: Path, read: Read) -> None:
        (folder / "a.flac").write_bytes(CLIP)
        (folder / "a.txt").write_text("And  then.\n")
        (folder / "notes.md").write_text("not listed")
        made = read(speaker="s1", licence="CC0", language="cy")
        assert list(made) == ["a.flac"]
        found = made["a.flac"]
        assert isinstance(found, Recording)
        assert (found.text, found.speaker, found.licence, found.language) == ("And then.", "s1", "CC0", "cy")
        assert (found.seconds, found.rate, found.channels) == (0.5, 16000, 1)

    def test_a_language_nobody_names_is_unknown(self, folder: Path, read: Read) -> None:
        (folder / "a.flac").write_bytes(CLIP)
        found = read()["a.flac"]
        assert isinstance(found, Recording) and found.language == ""

    def test_txt_comes_before_lab(self, folder: Path, read: Read) -> None:
        for name in "ab":
            (folder / f"{name}.flac").write_bytes(CLIP)
            (folder / f"{name}.lab").write_text("lab")
        (folder / "a.txt").write_text("txt")
        assert {path: r.text for path, r in read().items()} == {"a.flac": "txt", "b.flac": "lab"}  # type: ignore[union-attr]

    def test_endings_in_capitals(self, folder: Path, read: Read) -> None:
        (folder / "a.FLAC").write_bytes(CLIP)
        (folder / "a.TXT").write_text("loud")
        assert {path: r.text for path, r in read().items()} == {"a.FLAC": "loud"}  # type: ignore[union-attr]

    def test_no_transcript_is_no_fault(self, folder: Path, read: Read) -> None:
        (folder / "a.flac").write_bytes(CLIP)
        (folder / "b.flac").write_bytes(CLIP)
        (folder / "b.txt").write_text(" \n")
        assert [r.text for r in read().values()] == [None, None]  # type: ignore[union-attr]

    def test_a_transcript_changes_the_stamp(self, folder: Path) -> None:
        source = Source(path=str(folder))
        (folder / "a.flac").write_bytes(CLIP)
        (before,) = source.items("speech")
        (folder / "a.txt").write_text("more")
        (after,) = source.items("speech")
        assert before.key == after.key and before.stamp != after.stamp

    @pytest.mark.parametrize(
        "make", ["fifo", "dangling", "empty", "text", "folder", "latin transcript", "fifo transcript"]
    )
    def test_what_cannot_be_used_is_rejected_with_a_reason(
        self, folder: Path, read: Read, make: str, pipe_guard: None
    ) -> None:
        path = folder / "a.wav"
        if make == "fifo":
            os.mkfifo(path)
        elif make == "dangling":
            path.symlink_to(folder / "nothing")
        elif make == "empty":
            path.write_bytes(b"")
        elif make == "text":
            path.write_text("this is no sound")
        elif make == "folder":
            path.mkdir()
            (path / "b.wav").write_bytes(b"")
        else:
            path.write_bytes(CLIP)
            os.mkfifo(folder / "a.txt") if "fifo" in make else (folder / "a.txt").write_bytes(b"\xff")
        (reject,) = read().values()
        assert isinstance(reject, Reject)
        assert reject.reason == {
            "fifo": "not_a_file", "dangling": "missing", "empty": "empty_file", "text": "not_audio",
            "folder": "empty_file", "latin transcript": "bad_transcript", "fifo transcript": "bad_transcript",
        }[make]  # fmt: skip

    def test_a_name_that_is_not_utf8_is_rejected(self, folder: Path, read: Read) -> None:
        with open(os.fsencode(folder) + b"/\xff.wav", "wb") as file:
            file.write(CLIP)
        ((path, reject),) = read().items()
        assert isinstance(reject, Reject)
        assert (path, reject.reason) == ("\\xff.wav", "bad_name")

    def test_a_folder_at_a_url(self, store: Store) -> None:
        root = uuid.uuid4().hex
        fs = fsspec.filesystem("memory")
        fs.pipe(f"/{root}/day/a.flac", CLIP)
        fs.pipe(f"/{root}/day/a.txt", b"far away")
        source = Source(path=f"memory://{root}")
        (item,) = source.items("speech")
        (recording,) = source.read(item, store)
        assert (item.path, recording.text, recording.seconds) == ("day/a.flac", "far away", 0.5)


class TestManifest:
    def test_a_line_says_everything(self, folder: Path, read: Read) -> None:
        (folder / "a.flac").write_bytes(CLIP)
        manifest(
            folder,
            {
                "audio": "a.flac", "text": " and  then", "speaker": "s2", "licence": "CC-BY", "emotion": "happy",
                "language": "fr", "words": [["and", 0.1, 0.2], ["then", 0.2, 0.4]],
            },
        )  # fmt: skip
        found = read(speaker="s1", licence="CC0")["a.flac"]
        assert isinstance(found, Recording)
        assert (found.text, found.speaker, found.licence) == ("and then", "s2", "CC-BY")
        assert (found.emotion, found.language) == ("happy", "fr")
        assert found.words == (Word("and", 0.1, 0.2), Word("then", 0.2, 0.4))

    def test_what_a_line_leaves_out_is_the_sources(self, folder: Path, read: Read) -> None:
        (folder / "a.flac").write_bytes(CLIP)
        manifest(folder, {"audio_filepath": "a.flac", "license": "MIT"})
        found = read(speaker="s1", licence="CC0")["a.flac"]
        assert isinstance(found, Recording)
        assert (found.text, found.words, found.speaker, found.licence) == (None, (), "s1", "MIT")

    def test_only_what_is_listed_is_read(self, folder: Path, read: Read) -> None:
        for name in "ab":
            (folder / f"{name}.flac").write_bytes(CLIP)
        manifest(folder, {"audio": "b.flac"}, "", "   ")
        assert list(read()) == ["b.flac"]

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("not json", "bad_manifest_line"),
            ("[1, 2]", "bad_manifest_line"),
            ("null", "bad_manifest_line"),
            ('{"text": "no audio"}', "bad_manifest_line"),
            ('{"audio": ""}', "bad_manifest_line"),
            ('{"audio": "a.flac", "words": [["a", 0.1]]}', "bad_manifest_line"),
            ('{"audio": "a.flac", "words": [["a", "x", 1]]}', "bad_manifest_line"),
            ('{"audio": "a.flac", "words": "abc"}', "bad_manifest_line"),
            ('{"audio": "a.flac", "words": 5}', "bad_manifest_line"),
            ("[" * 100_000, "bad_manifest_line"),
            ('{"audio": "gone.flac"}', "missing"),
            ('{"audio": "../raw"}', "not_a_file"),
        ],
        ids=lambda value: value[:30],
    )
    def test_a_bad_line_is_one_reject_and_the_rest_is_read(
        self, folder: Path, read: Read, line: str, reason: str
    ) -> None:
        (folder / "a.flac").write_bytes(CLIP)
        (folder / "good.flac").write_bytes(CLIP)
        manifest(folder, line, {"audio": "good.flac"})
        bad, good = read().values()
        assert isinstance(bad, Reject) and isinstance(good, Recording)
        assert bad.reason == reason

    def test_a_line_that_is_not_utf8_keeps_its_neighbours(self, folder: Path, read: Read) -> None:
        (folder / "good.flac").write_bytes(CLIP)
        (folder / "manifest.jsonl").write_bytes(b'{"audio": "\xff.wav"}\n{"audio": "good.flac"}\n')
        bad, good = read().values()
        assert isinstance(bad, Reject) and isinstance(good, Recording)

    def test_the_second_line_of_one_file_is_a_duplicate(self, folder: Path, read: Read) -> None:
        (folder / "a.flac").write_bytes(CLIP)
        manifest(folder, {"audio": "a.flac"}, {"audio": "a.flac", "text": "again"})
        (last,) = read().values()
        assert isinstance(last, Reject) and last.reason == "duplicate"

    def test_a_manifest_elsewhere_is_relative_to_itself(self, tmp_path: Path, folder: Path, store: Store) -> None:
        (folder / "a.flac").write_bytes(CLIP)
        (tmp_path / "list.jsonl").write_text('{"audio": "raw/a.flac"}\n')
        (item,) = Source(path=str(tmp_path / "list.jsonl")).items("speech")
        assert item.uri == str(folder / "a.flac")

    def test_an_edited_line_changes_its_item_alone(self, folder: Path) -> None:
        def items(text: str) -> list[Item]:
            manifest(folder, {"audio": "a.flac", "text": text}, {"audio": "b.flac", "text": "same"})
            return list(Source(path=str(folder)).items("speech"))

        before, after = items("old"), items("new")
        assert [i.key for i in before] == [i.key for i in after]
        assert before[0] != after[0] and before[1] == after[1]


def test_every_format_is_listed_and_what_is_passed_over_is_counted(folder: Path) -> None:
    for ending in ENDINGS:
        (folder / f"clip{ending.upper()}").write_bytes(b"x")
    for name in ("a.pdf", "b.PDF", "README", "clip.txt", "c.mid"):
        (folder / name).write_bytes(b"x")
    source = Source.model_validate({"path": str(folder)})
    assert source.passed_over() == {}
    for _ in range(2):
        assert len(list(source.items("speech"))) == len(ENDINGS)
        assert source.passed_over() == {".pdf": 2, "": 1, ".mid": 1}


def test_transcripts_of_no_audio_at_all_are_counted(tmp_path: Path) -> None:
    for name in ("a.txt", "b.TextGrid", "c.pdf"):
        (tmp_path / name).write_bytes(b"x")
    source = Source.model_validate({"path": str(tmp_path)})
    assert not list(source.items("speech")) and source.passed_over() == {".txt": 1, ".textgrid": 1, ".pdf": 1}


def test_of_several_paths_none_may_hold_nothing(folder: Path, tmp_path: Path) -> None:
    """It may be a mount point whose mount is gone: the rest would be built without it."""
    (folder / "clip.wav").write_bytes(b"x")
    (empty := tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="is it mounted") as fault:
        list(Source(path=(str(folder), str(empty))).items("speech"))
    assert fault.value.filename == str(empty)


def test_a_url_whose_package_is_missing_is_an_error_of_the_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*arguments: object, **options: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", lacking)
    with pytest.raises(RecipeError, match=r"s3:// cannot be read here \(Install s3fs"):
        list(Source(path="s3://bucket/folder").items("speech"))
