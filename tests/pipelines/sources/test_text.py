"""Text files: stretches cover them once, whatever their size."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.pipelines.ingest import Ingest
from weft.pipelines.sources.text import LOOK, Source
from weft.pipelines.store import Store
from weft.schemas.ledger import Reject
from weft.schemas.text import Document

WORDS = st.text("abcé雨🙂", min_size=1, max_size=12)
COUNTS = st.lists(st.integers(1, 60), min_size=1, max_size=25)  # words a paragraph


def read(store: Store, path: Path, stretch: int = 1 << 18, longest: int = 2000) -> list[Document | Reject]:
    source = Source(path=str(path), stretch=stretch, longest=longest)
    stage = Ingest(source=source)
    stage.setup(store)
    items = list(source.items("books"))
    made = list(stage(items))
    assert {stage.parent(r) if isinstance(r, Document) else r.key for r in made} == {i.key for i in items}
    return made


def texts(made: list[Document | Reject]) -> list[str]:
    return [d.text for d in made if isinstance(d, Document)]


@given(
    counts=COUNTS,
    gap=st.sampled_from(["\n\n", "\n\n\n\n", "\r\n\r\n"]),
    end=st.sampled_from(["", "\n", "\n\n"]),
    stretch=st.integers(1024, 4096),
)
@settings(max_examples=100)
def test_stretches_cover_every_paragraph_once(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], gap: str, end: str, stretch: int
) -> None:
    paragraphs = [" ".join(f"p{n}w{w}é雨" for w in range(count)) for n, count in enumerate(counts)]
    file = tmp_path_factory.mktemp("books") / "a.txt"
    file.write_bytes((gap.join(paragraphs) + end).encode())
    made = read(Store(str(file.parent / "corpus")), file, stretch)
    assert texts(made) == paragraphs


@given(words=st.lists(WORDS, min_size=200, max_size=400), stretch=st.integers(1024, 3000))
@settings(max_examples=20)
def test_a_long_paragraph_is_cut_between_words(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], stretch: int
) -> None:
    file = tmp_path_factory.mktemp("books") / "a.txt"
    file.write_text(" ".join(words), "utf-8")
    found = texts(read(Store(str(file.parent / "corpus")), file, stretch, longest=100))
    assert " ".join(found) == " ".join(words)
    assert max(map(len, found)) <= 100


@pytest.mark.parametrize("letter", ["x", "é", "雨", "🙂"])
@pytest.mark.parametrize("space", ["", " "])
def test_a_huge_line_loses_nothing(store: Store, tmp_path: Path, letter: str, space: str) -> None:
    line = (letter * 997 + space) * 300
    assert len(line.encode()) > 3 * LOOK
    (tmp_path / "a.txt").write_text(f"{line}\n\nthe end", "utf-8")
    made = read(store, tmp_path / "a.txt", stretch=LOOK + 1)
    found = texts(made)
    assert "".join(found).replace(" ", "") == line.replace(" ", "") + "theend"
    assert not [r for r in made if isinstance(r, Reject) and r.reason == "not_utf8"]


def test_a_paragraph_that_is_not_utf8_is_rejected_alone(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"good\n\nbad \xff\xfe\n\nwell\n")
    good, bad, well = read(store, tmp_path / "a.txt")
    assert isinstance(bad, Reject)
    assert (bad.reason, bad.seconds) == ("not_utf8", 0.0)
    assert "xff" in bad.detail
    assert texts([good, well]) == ["good", "well"]


@pytest.mark.parametrize("content", [b"", b"\n\n \n", b"\xef\xbb\xbf"])
def test_a_file_without_text_is_rejected(store: Store, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    (reject,) = read(store, tmp_path / "a.txt")
    assert isinstance(reject, Reject) and reject.reason == "empty_file"


def test_keys_are_unique(store: Store, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_text("\n\n".join(f"{name} {n} " * 20 for n in range(40)))
    (tmp_path / "notes.md").write_text("not listed")
    made = read(store, tmp_path, stretch=1024)
    assert len({d.key for d in made}) == len(made) == 80


def test_language_and_licence_go_along(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("bonjour")
    source = Source(path=str(tmp_path), language="fr", licence="CC0")
    (document,) = source.read(next(source.items("books")), store)
    assert isinstance(document, Document)
    assert (document.language, document.licence, document.source) == ("fr", "CC0", "books")


@pytest.mark.parametrize("make", ["fifo", "dangling", "bad name"])
def test_what_cannot_be_opened_is_rejected(store: Store, tmp_path: Path, make: str, pipe_guard: None) -> None:
    (tmp_path / "books").mkdir()
    path = tmp_path / "books" / "a.txt"
    if make == "fifo":
        os.mkfifo(path)
    elif make == "dangling":
        path.symlink_to(tmp_path / "nothing")
    else:
        with open(os.fsencode(path) + b"\xff.txt", "wb") as file:
            file.write(b"x")
    (reject,) = read(store, tmp_path / "books")
    assert isinstance(reject, Reject)
    assert reject.reason == {"fifo": "not_a_file", "dangling": "unreadable", "bad name": "bad_name"}[make]
