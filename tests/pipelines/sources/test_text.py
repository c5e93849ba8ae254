"""Text files: every document comes out once, whole up to `longest`, whatever the stretches; what is wrong is rejected."""

import gzip
import json
import os
import re
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from weft.pipelines.corpus.listing import list_source
from weft.pipelines.ingest import Ingest
from weft.pipelines.parts.accounting import account
from weft.pipelines.parts.stage_work import PartWork
from weft.pipelines.parts.tables import part_name, read_part
from weft.pipelines.sources.text import LONGEST_LINE, Source
from weft.pipelines.sources.textfiles.boundaries import WINDOW
from weft.pipelines.sources.textfiles.cutting import cleaned
from weft.pipelines.storage.store import Store
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Reject
from weft.schemas.text import Document

WORDS = st.text("abcé雨🙂", min_size=1, max_size=12)
GAPS = st.sampled_from([" ", "\n", "\n\n", "\r\n", "\r\n\r\n", "\n \t\n", "\n\n\n\n", "  \n    ", "\t"])
SEPARATORS = ["<|endoftext|>", "---", "\n---\n", "abab", "雨"]

Made = list[Document | Reject]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "books").mkdir()
    return tmp_path / "books"


def read(store: Store, path: Path, **settings: Any) -> Made:
    """Lists and reads the source whole, in the order of the files, and checks that each item is accounted for."""
    source = Source(path=str(path), **settings)
    stage = Ingest(source=source)
    stage.setup(store)
    items = list(source.items("books"))
    made = list(stage(items))
    documents, rejects = ([m for m in made if isinstance(m, kind)] for kind in (Document, Reject))
    account(PartWork(node="ingest/books", stage=stage, part=0, inputs=()), stage, items, [], documents, rejects)
    assert len({d.key for d in documents}) == len({(d.key, d.text, d.path) for d in documents})
    return made


def texts(made: Made) -> list[str]:
    return [d.text for d in made if isinstance(d, Document)]


def reasons(made: Made) -> list[str]:
    return [r.reason for r in made if isinstance(r, Reject)]


def between(whole: str, found: list[str]) -> list[str]:
    """What lies before, between and after documents that follow one another in a text."""
    place, gaps = 0, []
    for text in found:
        begin = whole.index(text, place)
        gaps.append(whole[place:begin])
        place = begin + len(text)
    return [*gaps, whole[place:]]


@st.composite
def written(draw: st.DrawFn) -> str:
    """Words and the space between them, from a few to thousands of characters."""
    some = draw(st.lists(st.tuples(WORDS, GAPS), min_size=1, max_size=40))
    return "".join(word * draw(st.integers(1, 30)) + gap for word, gap in some)


class TestAFileIsADocument:
    def test_a_file_of_16k_tokens_stays_whole_with_its_paragraphs(self, store: Store, folder: Path) -> None:
        written = "\n\n".join(f"Chapter {n}.\n" + "It was the best of times. " * 30 for n in range(120))
        assert len(written.split()) > 16_384
        (folder / "a.txt").write_text(written)
        (document,) = read(store, folder, stretch=1024)
        assert isinstance(document, Document) and document.text == cleaned(written)
        assert document.text.count("\n\n") == 119 and document.path == "a.txt"

    @given(written=written(), longest=st.sampled_from([100, 250, 5000, 1_000_000]), stretch=st.integers(1024, 3000))
    @settings(max_examples=150)
    def test_nothing_is_lost_or_doubled(
        self, tmp_path_factory: pytest.TempPathFactory, written: str, longest: int, stretch: int
    ) -> None:
        file = tmp_path_factory.mktemp("books") / "a.txt"
        file.write_bytes(written.encode())
        made = read(Store(str(file.parent / "corpus")), file, stretch=stretch, longest=longest)
        assert all(0 < len(text) <= longest and text == text.strip() for text in texts(made))
        assert not "".join(between(cleaned(written), texts(made))).strip()
        assert len(texts(made)) <= 1 or len(written) > longest
        assert set(reasons(made)) <= {"no_document_begins", "empty_file"}

    def test_a_file_of_longest_characters_is_one_document_however_many_bytes_they_take(
        self, store: Store, folder: Path
    ) -> None:
        (folder / "a.txt").write_text("🙂" * 5000, "utf-8-sig")
        assert texts(read(store, folder, longest=5000)) == ["🙂" * 5000]

    def test_a_longer_one_is_cut_at_a_paragraph_and_its_pieces_say_so(self, store: Store, folder: Path) -> None:
        paragraph = "word " * 30 + "end.\nLine."
        (folder / "a.txt").write_text("\n\n".join([paragraph] * 4))
        one, two = read(store, folder, longest=400)
        assert isinstance(one, Document) and isinstance(two, Document)
        assert one.text == two.text == f"{paragraph}\n\n{paragraph}"
        assert (one.key, two.key) == (f"{one.key[:-2]}-0", f"{one.key[:-2]}-1")

    @pytest.mark.parametrize(
        ("written", "first"),
        [
            ("aaa bbb\n" * 30, "aaa bbb\n" * 11 + "aaa bbb"),
            ("aaa bbb " * 30, "aaa bbb " * 12 + "aaa"),
            ("雨" * 300, "雨" * 100),
        ],
        ids=["line", "space", "character"],
    )
    def test_without_paragraphs_it_is_cut_at_a_line_else_a_space(
        self, store: Store, folder: Path, written: str, first: str
    ) -> None:
        (folder / "a.txt").write_text(written)
        assert texts(read(store, folder, longest=100))[0] == first

    def test_no_accent_is_parted_from_its_letter(self, store: Store, folder: Path) -> None:
        (folder / "a.txt").write_text("a" + "x\u0323\u0302" * 200)
        assert all(not re.match("[\u0323\u0302]", text) for text in texts(read(store, folder, longest=100)))

    @pytest.mark.parametrize("letter", ["x", "é", "雨", "🙂"])
    @pytest.mark.parametrize("space", ["", " "])
    def test_a_huge_line_is_never_read_whole_and_loses_nothing(
        self, store: Store, folder: Path, letter: str, space: str
    ) -> None:
        line = (letter * 997 + space) * 300
        assert len(line.encode()) > 3 * WINDOW
        (folder / "a.txt").write_text(f"{line}\n\nthe end", "utf-8")
        made = read(store, folder, stretch=WINDOW + 1, longest=1000)
        assert "".join(texts(made)).replace(" ", "") == line.replace(" ", "") + "theend"
        assert reasons(made) == [] and max(map(len, texts(made))) <= 1000


class TestParagraphsAndSeparators:
    @given(
        counts=st.lists(st.integers(1, 60), min_size=1, max_size=25),
        gap=st.sampled_from(["\n\n", "\n\n\n\n", "\r\n\r\n", "\n \t\n"]),
        end=st.sampled_from(["", "\n", "\n\n"]),
        stretch=st.integers(1024, 4096),
    )
    @settings(max_examples=100)
    def test_stretches_cover_every_paragraph_once(
        self, tmp_path_factory: pytest.TempPathFactory, counts: list[int], gap: str, end: str, stretch: int
    ) -> None:
        paragraphs = ["\n".join(f"p{n}w{w}é雨" for w in range(count)) for n, count in enumerate(counts)]
        file = tmp_path_factory.mktemp("books") / "a.txt"
        file.write_bytes((gap.join(paragraphs) + end).encode())
        made = read(Store(str(file.parent / "corpus")), file, documents="paragraph", stretch=stretch)
        assert texts(made) == paragraphs

    @given(
        documents=st.lists(written(), min_size=1, max_size=12),
        separator=st.sampled_from(SEPARATORS),
        longest=st.sampled_from([100, 300, 20_000]),
    )
    @settings(max_examples=150)
    def test_documents_between_separators_come_out_once(
        self, tmp_path_factory: pytest.TempPathFactory, documents: list[str], separator: str, longest: int
    ) -> None:
        whole = separator.join(documents)
        file = tmp_path_factory.mktemp("books") / "a.txt"
        file.write_bytes(whole.encode())
        made = texts(read(Store(str(file.parent / "corpus")), file, separator=separator, longest=longest, stretch=1024))
        at_once = file.with_name("b.txt.gz")  # read without stretches
        at_once.write_bytes(gzip.compress(whole.encode()))
        parts = texts(read(Store(str(file.parent / "corpus")), at_once, separator=separator, longest=1 << 20))
        assert "".join("".join(made).split()) == "".join("".join(parts).split())
        if all(len(part) <= longest for part in parts):
            assert made == parts
        if separator == "<|endoftext|>":
            assert parts == [c for d in documents if (c := cleaned(d))]

    @pytest.mark.parametrize("offset", range(8))
    def test_a_run_of_separators_is_one_wherever_a_stretch_begins(
        self, store: Store, folder: Path, offset: int
    ) -> None:
        (folder / "a.txt").write_text("x" * (1020 + offset) + "-----" + "y" * 90 + "---z")
        made = read(store, folder, separator="---", stretch=1024, longest=100)
        assert "".join(texts(made)) == "x" * (1020 + offset) + "y" * 90 + "z"
        assert texts(made)[-2:] == ["y" * 90, "z"]

    def test_a_separator_line_matches_either_kind_of_line_end(self, store: Store, folder: Path) -> None:
        (folder / "a.txt").write_bytes(b"a --- b\r\n---\r\nc\n---\nd")
        assert texts(read(store, folder, separator="\n---\n")) == ["a --- b", "c", "d"]

    def test_a_document_longer_than_a_stretch_is_whole_where_it_begins(self, store: Store, folder: Path) -> None:
        long = "\n".join(f"line {n}" for n in range(2000))
        (folder / "a.txt").write_text(f"one\n\n{long}\n\ntwo")
        made = read(store, folder, documents="paragraph", stretch=1024)
        assert texts(made) == ["one", long, "two"]
        assert set(reasons(made)) == {"no_document_begins"}
        details = [reject.detail for reject in made if isinstance(reject, Reject)]
        assert details[0].startswith("in bytes 1,024 to 2,048 of the file") and len(set(details)) == len(details)

    def test_a_separator_and_paragraphs_are_refused_together(self) -> None:
        with pytest.raises(ValidationError, match="leave `documents: paragraph` out"):
            Source(path="p", documents="paragraph", separator="---")

    def test_lines_indentation_and_runs_of_spaces_stay(self, store: Store, folder: Path) -> None:
        (folder / "a.txt").write_bytes("def f():\r\n    return  1\f\r\r\tx\x00\u0085y\n".encode())
        assert texts(read(store, folder)) == ["def f():\n    return  1\n\n\n\tx  y"]


def lines_of(*lines: object) -> bytes:
    return b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)


class TestJsonLines:
    def test_a_line_is_a_document_with_what_is_said_of_it(self, store: Store, folder: Path) -> None:
        record = {
            "id": 7,
            "text": "one\n\ntwo",
            "language": "fr",
            "license": "CC0-1.0",
            "split": "validation",
            "url": "x",
        }
        (folder / "a.jsonl").write_bytes(lines_of(record, b"\n", {"text": "three"}))
        one, two = read(store, folder, language="de", licence="MIT")
        assert isinstance(one, Document) and isinstance(two, Document)
        assert (one.text, one.language, one.licence, one.split) == ("one\n\ntwo", "fr", "CC0-1.0", "validation")
        assert (one.path, two.path) == ("a.jsonl#7", "a.jsonl")
        assert (two.text, two.language, two.licence, two.split) == ("three", "de", "MIT", "train")

    def test_the_field_that_holds_the_text_can_be_named(self, store: Store, folder: Path) -> None:
        (folder / "a.jsonl").write_bytes(lines_of({"content": "one", "text": 5}))
        assert texts(read(store, folder, field="content")) == ["one"]

    @given(lengths=st.lists(st.integers(1, 4000), min_size=1, max_size=20), stretch=st.integers(1024, 5000))
    @settings(max_examples=60)
    def test_every_line_comes_out_once(
        self, tmp_path_factory: pytest.TempPathFactory, lengths: list[int], stretch: int
    ) -> None:
        file = tmp_path_factory.mktemp("web") / "a.jsonl"
        wanted = [(f"{n} " + "é雨\n" * length)[:length].strip() for n, length in enumerate(lengths)]
        file.write_bytes(lines_of(*({"text": text} for text in wanted)))
        assert texts(read(Store(str(file.parent / "corpus")), file, stretch=stretch)) == wanted

    def test_a_line_of_5_mb_is_whole(self, store: Store, folder: Path) -> None:
        long = "word " * 1_000_000 + "end"
        (folder / "a.jsonl").write_bytes(lines_of({"text": "one"}, {"text": long}, {"text": "two"}))
        assert texts(read(store, folder, longest=6_000_000)) == ["one", long, "two"]

    @pytest.mark.parametrize(
        ("line", "reason", "detail"),
        [
            (b'{"text": "cut off\n', "bad_line", "byte 16: "),
            (b"[" * 100_000 + b"\n", "bad_line", "lie too deep within each other"),
            (b'["text"]\n', "bad_line", 'it is ["text"], and must be an object'),
            (b'{"txt": "a"}\n', "bad_line", "`text` is missing, and must be a text"),
            (b'{"text": 5}\n', "bad_line", "`text` is 5, and must be a text"),
            (b'{"text": " \\n"}\n', "no_text", "byte 16: its 'text' is empty"),
            (b'{"text": "bad \xff\xfe"}\n', "not_utf8", "byte 30: b'\\xff\\xfe"),
        ],
    )
    def test_a_broken_line_is_rejected_alone_with_its_place(
        self, store: Store, folder: Path, line: bytes, reason: str, detail: str
    ) -> None:
        (folder / "a.jsonl").write_bytes(lines_of({"text": "one"}, line, {"text": "two"}))
        made = read(store, folder)
        (reject,) = (r for r in made if isinstance(r, Reject))
        assert texts(made) == ["one", "two"]
        assert reject.reason == reason and detail in reject.detail and reject.path == "a.jsonl"

    def test_half_a_surrogate_pair_becomes_a_space(self, store: Store, folder: Path) -> None:
        (folder / "a.jsonl").write_bytes(b'{"text": "a\\ud800b"}\n')
        assert texts(read(store, folder)) == ["a b"]

    def test_a_line_beyond_all_bounds_is_rejected_and_its_neighbours_are_read(self, store: Store, folder: Path) -> None:
        huge = b'{"text": "' + b"x" * (LONGEST_LINE + (5 << 20)) + b'"}\n'
        (folder / "a.jsonl").write_bytes(lines_of({"text": "one"}, huge, {"text": "two"}))
        made = read(store, folder, stretch=1 << 22)
        assert texts(made) == ["one", "two"]
        assert set(reasons(made)) == {"too_long", "no_document_begins"}


class TestKeys:
    """A key is made of its file's name and of what the document says."""

    @given(
        lines=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 900)), max_size=25),
        inserted=st.tuples(st.sampled_from("abc"), st.integers(1, 900)),
        at=st.integers(0, 25),
        stretch=st.integers(1024, 4096),
    )
    @settings(max_examples=80)
    def test_a_line_that_is_inserted_changes_no_other_documents_name_or_record(
        self, tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, int]], inserted: tuple[str, int], at: int, stretch: int,
    ) -> None:  # fmt: skip
        file = tmp_path_factory.mktemp("web") / "a.jsonl"

        def made(some: list[tuple[str, int]]) -> Counter[Document]:
            file.write_bytes(lines_of(*({"text": letter * count} for letter, count in some)))
            found = read(Store(str(file.parent / "corpus")), file, stretch=stretch)
            return Counter(replace(d, item="") for d in found if isinstance(d, Document))

        before, after = made(lines), made([*lines[:at], inserted, *lines[at:]])
        assert [d.text for d in (after - before).elements()] == [inserted[0] * inserted[1]]
        assert not before - after
        assert len({d.key for d in after}) == len({d.text for d in after})

    def test_what_a_line_says_beside_its_text_tells_it_apart(self, store: Store, folder: Path) -> None:
        records = [
            {},
            {"id": 1},
            {"id": 2},
            {"language": "fr"},
            {"split": "test"},
            {"licence": "MIT"},
            {"url": "no matter"},
        ]
        (folder / "a.jsonl").write_bytes(lines_of(*({"text": "one", **some} for some in records)))
        made = [d.key for d in read(store, folder) if isinstance(d, Document)]
        assert len(set(made)) == len(made) - 1 and made[0] == made[-1]

    def test_files_do_not_share_names_and_a_part_of_a_file_bears_the_name_of_the_whole(
        self, store: Store, folder: Path
    ) -> None:
        for name in ("a.txt", "b.txt"):
            (folder / name).write_text("\n\n".join(f"{n} says " * 40 for n in range(20)))
        made = [d for d in read(store, folder, documents="paragraph", stretch=1024) if isinstance(d, Document)]
        assert len({d.key for d in made}) == 40 and len({d.item for d in made}) > 10
        assert {(d.path, d.key[: len(key_for("books", d.path))]) for d in made} == {
            (name, key_for("books", name)) for name in ("a.txt", "b.txt")
        }


class TestGzip:
    @pytest.mark.parametrize("name", ["a.txt.gz", "a.jsonl.gz", "A.TXT.GZ"])
    def test_compressed_files_are_read(self, store: Store, folder: Path, name: str) -> None:
        content = lines_of({"text": "one"}, {"text": "two"}) if "jsonl" in name else b"one\n\ntwo"
        (folder / name).write_bytes(gzip.compress(content))
        assert texts(read(store, folder, documents="paragraph")) == ["one", "two"]

    @pytest.mark.parametrize(
        "broken", [lambda b: b[:-9], lambda b: b"nonsense", lambda b: b[:20] + b"\xff" * 9 + b[29:]]
    )
    def test_a_broken_one_is_rejected(self, store: Store, folder: Path, broken: Callable[[bytes], bytes]) -> None:
        (folder / "a.txt.gz").write_bytes(broken(gzip.compress(os.urandom(3000))))
        assert reasons(read(store, folder)) == ["broken_gzip"]

    def test_one_that_expands_without_bound_is_rejected(self, store: Store, folder: Path) -> None:
        (folder / "a.txt.gz").write_bytes(gzip.compress(b"a" * ((1 << 20) + 1)))
        (reject,) = read(store, folder, expanded=1 << 20)
        assert isinstance(reject, Reject) and reject.reason == "too_long" and "decompress it" in reject.detail
        assert isinstance(next(iter(read(store, folder))), Document)


class TestParts:
    def test_a_file_of_30_mb_is_several_parts_read_in_bounded_memory(self, store: Store, folder: Path) -> None:
        line = b"the quick brown fox jumps over the lazy dog\n"
        (folder / "a.txt").write_bytes((line * 22 + b"\n") * 31_000)
        source = Source(path=str(folder))
        count = list_source(store, "books", source, 1000)
        parts = [read_part(store, part_name("list/books", n), Item) for n in range(count)]
        assert count == 4 and sum(item.length for part in parts for item in part) == (folder / "a.txt").stat().st_size
        tracemalloc.start()
        size = sum(
            len(d.text)
            for d in source.read(max((i for part in parts for i in part), key=lambda i: i.length), store)
            if isinstance(d, Document)
        )
        assert size > 3_000_000 and tracemalloc.get_traced_memory()[1] < 40_000_000
        tracemalloc.stop()

    def test_paragraphs_of_a_huge_file_are_several_parts_too(self, store: Store, folder: Path) -> None:
        with open(folder / "a.txt", "wb") as file:
            file.truncate(170_000_000)
        assert list_source(store, "books", Source(path=str(folder), documents="paragraph"), 1000) == 21

    def test_small_files_count_one_by_one(self, store: Store, folder: Path) -> None:
        for n in range(40):
            (folder / f"{n}.txt").write_text("short")
        assert list_source(store, "books", Source(path=str(folder)), 10) == 4


class TestRejects:
    def test_a_paragraph_that_is_not_utf8_is_rejected_alone_with_its_place(self, store: Store, folder: Path) -> None:
        (folder / "a.txt").write_bytes(b"\xef\xbb\xbfgood\n\nbad \xff\xfe\n\nwell\n")
        good, bad, well = read(store, folder, documents="paragraph")
        assert isinstance(bad, Reject) and texts([good, well]) == ["good", "well"]
        assert (bad.reason, bad.seconds) == ("not_utf8", 0.0)
        assert bad.detail.startswith("byte 13: b'\\xff\\xfe")

    def test_the_place_is_counted_behind_a_byte_order_mark(self, store: Store, folder: Path) -> None:
        (folder / "a.txt").write_bytes(b"\xef\xbb\xbfgood \xff")
        (bad,) = read(store, folder)
        assert isinstance(bad, Reject) and bad.detail == "byte 8: b'\\xff'"

    @pytest.mark.parametrize("content", [b"", b"\n\n \n", b"\xef\xbb\xbf", b"\x00\n\x01"])
    @pytest.mark.parametrize("documents", ["file", "paragraph"])
    def test_a_file_without_text_is_rejected(self, store: Store, folder: Path, content: bytes, documents: str) -> None:
        (folder / "a.txt").write_bytes(content)
        (reject,) = read(store, folder, documents=documents)
        assert isinstance(reject, Reject) and reject.reason == "empty_file"

    @pytest.mark.parametrize("make", ["fifo", "dangling", "bad name"])
    def test_what_cannot_be_opened_is_rejected(self, store: Store, folder: Path, make: str, pipe_guard: None) -> None:
        path = folder / "a.txt"
        if make == "fifo":
            os.mkfifo(path)
        elif make == "dangling":
            path.symlink_to(folder / "nothing")
        else:
            with open(os.fsencode(path) + b"\xff.txt", "wb") as file:
                file.write(b"x")
        assert reasons(read(store, folder, missing="reject")) == [
            {"fifo": "not_a_file", "dangling": "missing", "bad name": "bad_name"}[make]
        ]


def test_other_files_are_not_listed_and_language_and_licence_go_along(store: Store, folder: Path) -> None:
    (folder / "a.txt").write_text("bonjour")
    (folder / "notes.md").write_text("not listed")
    (document,) = read(store, folder, language="fr", licence="CC0")
    assert isinstance(document, Document)
    assert (document.language, document.licence, document.source) == ("fr", "CC0", "books")


def test_lines_of_json_that_are_no_documents_are_read_no_further(folder: Path, store: Store) -> None:
    lines = ['{"text": "one"}', *['{"tekst": "two"}'] * 4, '{"text": "three"}', *["{}"] * 90, '{"text": "four"}']
    (folder / "a.jsonl").write_text("\n".join(lines))
    made = read(store, folder, limits={"faults_in_a_row": 5})
    reasons = [reject.reason for reject in made if isinstance(reject, Reject)]
    assert texts(made) == ["one", "three"] and reasons == [*["bad_line"] * 9, "too_many_faults"]


def test_files_that_are_no_text_are_counted(folder: Path) -> None:
    for name in ("a.txt", "b.TXT.GZ", "c.md", "d.docx", "e.md"):
        (folder / name).write_bytes(b"x")
    source = Source(path=str(folder))
    assert [item.path for item in source.items("s")] == ["a.txt", "b.TXT.GZ"]
    assert source.passed_over() == {".md": 2, ".docx": 1}
