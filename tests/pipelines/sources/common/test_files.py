"""Walking folders and urls, and cleaning what is in them."""

import os
import unicodedata
import uuid
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.pipelines.sources.common.files import clean, read_bytes, read_text, stamp, walk
from weft.pipelines.storage.store import Store
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.limits import SpeechLimits


@given(text=st.text(st.characters(), max_size=60))
def test_clean_text_is_one_line_of_composed_characters(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert once == unicodedata.normalize("NFC", once)
    assert once == " ".join(once.split())
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Co") for c in once)
    once.encode()


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  two\t words \n", "two words"),
        ("cafe\u0301", "caf\u00e9"),
        ("a\x00b\x07c", "a b c"),
        ("half \ud83d pair", "half pair"),
        ("\u3000雨\u00a0", "雨"),
        ("\r\n", ""),
    ],
)
def test_what_cleaning_does(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_files_come_sorted_with_their_place(tmp_path: Path) -> None:
    for name in ("b/2.wav", "b/1.wav", "a.wav", "c/d/e.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"12345")
    found = list(walk(str(tmp_path)))
    assert [f.path for f in found] == ["a.wav", "b/1.wav", "b/2.wav", "c/d/e.txt"]
    assert [f.uri for f in found] == [str(tmp_path / f.path) for f in found]
    assert {f.size for f in found} == {5}


def test_a_single_file_is_walked_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    assert [(f.path, f.uri) for f in walk(str(tmp_path / "a.txt"))] == [("a.txt", str(tmp_path / "a.txt"))]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(walk(str(tmp_path / "nowhere")))
    with pytest.raises(FileNotFoundError):
        list(walk(f"memory://{uuid.uuid4().hex}"))


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.wav").write_bytes(b"x")
    (tmp_path / "real" / "loop").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "other").symlink_to(tmp_path / "real")
    assert [f.path for f in walk(str(tmp_path))] == ["other/a.wav", "real/a.wav", "self"]


def test_dangling_links_are_listed_to_be_rejected(tmp_path: Path) -> None:
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nothing.wav")
    assert [(f.path, f.stamp, f.size) for f in walk(str(tmp_path))] == [("gone.wav", "unreadable", 0)]


def test_a_name_that_is_not_utf8_is_listed_printably_and_without_a_uri(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/caf\xe9.wav", "wb") as file:
        file.write(b"x")
    (found,) = walk(str(tmp_path))
    assert (found.path, found.uri) == ("caf\\xe9.wav", "")


def test_stamps_change_with_size_and_time(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(b"x")
    os.utime(file, ns=(1, 1))
    first = stamp(str(file))
    assert stamp(str(file)) == first
    os.utime(file, ns=(1, 2))
    second = stamp(str(file))
    file.write_bytes(b"xy")
    os.utime(file, ns=(1, 2))
    assert len({first, second, stamp(str(file))}) == 3


def test_urls_are_walked(store: Store) -> None:
    root = uuid.uuid4().hex
    fs = fsspec.filesystem("memory")
    for name in ("b/1.txt", "a.txt"):
        fs.pipe(f"/{root}/{name}", b"hello")
    found = list(walk(f"memory://{root}"))
    assert [(f.path, f.size) for f in found] == [("a.txt", 5), ("b/1.txt", 5)]
    assert [store.read(f.uri) for f in found] == [b"hello"] * 2
    assert found[0].stamp


class TestReadText:
    def test_text_with_a_byte_order_mark(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfand  then\r\n")
        assert read_text(store, str(tmp_path / "a.txt")) == "and then"

    def test_what_cannot_be_read_has_a_reason(self, store: Store, tmp_path: Path) -> None:
        (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
        (tmp_path / "folder.txt").mkdir()
        for name, message in (("latin", "not UTF-8 .byte 3"), ("folder", "a folder")):
            with pytest.raises(Unusable, match=message) as fault:
                read_text(store, str(tmp_path / f"{name}.txt"))
            assert fault.value.reason == "bad_transcript"
        with pytest.raises(Unavailable, match="No such file"):
            read_text(store, str(tmp_path / "gone.txt"))

    @pytest.mark.parametrize(
        ("ending", "limit"),
        [
            ("txt", "transcript"),
            ("TextGrid", "transcript"),
            ("words.json", "transcript"),
            ("ctm", "table"),
            ("rttm", "table"),
        ],
    )
    def test_no_more_is_read_than_a_transcript_can_have(
        self, store: Store, tmp_path: Path, ending: str, limit: str
    ) -> None:
        (path := tmp_path / f"a.{ending}").write_text("x" * 1025)
        assert len(read_bytes(store, str(path))) == 1025
        with pytest.raises(Unusable) as caught:
            read_bytes(store, str(path), SpeechLimits.model_validate({limit: 1024}))
        assert (caught.value.reason, caught.value.detail) == (
            "bad_transcript",
            f"a.{ending}: it has more than 1,024 bytes",
        )

    def test_a_pipe_never_blocks_the_run(self, store: Store, tmp_path: Path, pipe_guard: None) -> None:
        os.mkfifo(tmp_path / "a.txt")
        with pytest.raises(Unusable) as fault:
            read_text(store, str(tmp_path / "a.txt"))
        assert fault.value.reason == "bad_transcript"
