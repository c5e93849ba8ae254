"""Timing files: what is written is read back, in Praat's own bytes, and nonsense is refused."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from praatio import textgrid as praat

from weft.pipelines.timings import ctm, textgrid, wordjson
from weft.pipelines.timings.base import BadTiming, Timing, whole
from weft.pipelines.timings.formats import READERS, WRITERS
from weft.schemas.audio import Supervision, Word

PRAAT = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0~
xmax = 1.5~
tiers? <exists>~
size = 2~
item []:~
    item [1]:
        class = "IntervalTier"~
        name = "words"~
        xmin = 0~
        xmax = 1.5~
        intervals: size = 4~
        intervals [1]:
            xmin = 0~
            xmax = 0.25~
            text = ""~
        intervals [2]:
            xmin = 0.25~
            xmax = 0.5~
            text = "say"~
        intervals [3]:
            xmin = 0.5~
            xmax = 1~
            text = """no"""~
        intervals [4]:
            xmin = 1~
            xmax = 1.5~
            text = ""~
    item [2]:
        class = "IntervalTier"~
        name = "phones"~
        xmin = 0~
        xmax = 1.5~
        intervals: size = 3~
        intervals [1]:
            xmin = 0~
            xmax = 0.25~
            text = ""~
        intervals [2]:
            xmin = 0.25~
            xmax = 0.375~
            text = "S"~
        intervals [3]:
            xmin = 0.375~
            xmax = 1.5~
            text = ""~
'''.replace("~", " ")  # Praat ends its lines with a space
LABELS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8).filter(
    lambda label: bool(label.split())
)


@st.composite
def timings(draw: st.DrawFn) -> Timing:
    """Words of one recording, some without length, in times of whole milliseconds."""
    now, words = 0, []
    for label in draw(st.lists(LABELS, min_size=1, max_size=8)):
        start = now + draw(st.integers(0, 500))
        now = start + draw(st.integers(1, 900))
        words.append(Word(label, start / 1000, now / 1000))
    return whole(now / 1000 + 0.2, words)


def test_a_textgrid_is_praats_to_the_byte() -> None:
    words = (Word("say", 0.25, 0.5), Word('"no"', 0.5, 1.0))
    assert textgrid.write(whole(1.5, words, (Word("S", 0.25, 0.375),))).decode() == PRAAT


@given(timings())
def test_a_textgrid_is_read_back(timing: Timing) -> None:
    back = textgrid.read(textgrid.write(timing))
    assert back.is_whole and back.seconds == round(timing.seconds, 6)
    assert [(w.text, w.start, w.end) for w in back.words()] == [(w.text, w.start, w.end) for w in timing.words()]


@given(timings())
def test_ctm_and_json_are_read_back(timing: Timing) -> None:
    for back in (ctm.read(ctm.write(timing, "my clip")), wordjson.read(wordjson.write(timing))):
        assert [w.text for w in back.words()] == [w.text for w in timing.words()]
        for one, two in zip(back.words(), timing.words(), strict=True):
            assert (one.start, one.end) == pytest.approx((two.start, two.end), abs=1e-6)


def test_ctm_is_what_sclite_reads() -> None:
    timing = whole(2.0, (Word(text="and so", start=0.3104, end=0.52, score=-0.5), Word("on", 0.52, 0.9)))
    assert ctm.write(timing, "my clip") == b"my_clip 1 0.310 0.210 and_so 0.607\nmy_clip 1 0.520 0.380 on 1.000\n"


def test_several_speakers_each_have_their_tiers(tmp_path: Path) -> None:
    one = Supervision(
        start=1.0,
        end=2.0,
        text="a b",
        words=(Word("a", 0.0, 0.5), Word("b", 0.5, 1.0)),
        phones=(Word("AH", 0.0, 0.5),),
        speaker="A",
    )
    two = Supervision(start=1.5, end=3.0, text="c", words=(Word("c", 0.0, 0.75),), phones=(), speaker="B")
    timing = Timing(4.0, (one, two))
    path = tmp_path / "two.TextGrid"
    path.write_bytes(textgrid.write(timing))
    assert praat.openTextgrid(str(path), includeEmptyIntervals=False).tierNames == (
        "A - words",
        "A - phones",
        "B - words",
    )
    back = textgrid.read(path.read_bytes())
    assert not back.is_whole
    assert [(s.speaker, s.text, s.start, s.end) for s in back.supervisions] == [
        ("A", "a b", 1.0, 2.0),
        ("B", "c", 1.5, 2.25),
    ]
    assert back.supervisions[0].phones == (Word("AH", 0.0, 0.5),)
    assert wordjson.read(wordjson.write(timing)) == timing


def test_words_without_length_join_the_label_before_them() -> None:
    timing = whole(1.0, (Word("well", 0.1, 0.4), Word("-", 0.4, 0.4), Word("so", 0.4, 0.9)))
    assert [w.text for w in textgrid.read(textgrid.write(timing)).words()] == ["well -", "so"]


def test_tiers_that_hold_no_words_are_speakers_and_their_utterances() -> None:
    grid = praat.Textgrid(0, 9)
    grid.addTier(praat.IntervalTier("B", [(4.0, 6.0, "not so")], 0, 9))
    grid.addTier(praat.IntervalTier("A", [(1.0, 2.0, "and so"), (7.0, 8.0, "")], 0, 9))
    found = textgrid.read(_saved(grid))
    assert [(s.speaker, s.text, s.start) for s in found.supervisions] == [("A", "and so", 1.0), ("B", "not so", 4.0)]


def test_emu_exports_what_is_written_as_a_tier_of_its_own() -> None:
    grid = praat.Textgrid(0, 2)
    for name, labels in (("Word", "FC"), ("Text", ("the", "cat"))):
        grid.addTier(praat.IntervalTier(name, [(0.0, 0.5, labels[0]), (0.5, 1.0, labels[1])], 0, 2))
    assert [w.text for w in textgrid.read(_saved(grid)).words()] == ["the", "cat"]


def _saved(grid: praat.Textgrid, kind: str = "short_textgrid") -> bytes:
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".TextGrid") as file:
        grid.save(file.name, kind, includeBlankSpaces=True)
        return Path(file.name).read_bytes()


def test_whisperx_and_mfa_json_are_read() -> None:
    word = {"word": "so", "start": 1.2, "end": 1.5, "score": 0.9}
    whisperx = {"segments": [{"start": 1.0, "end": 2.0, "text": " so 5", "words": [word, {"word": "5"}]}]}
    (one,) = wordjson.read(json.dumps(whisperx).encode()).supervisions
    assert (one.text, one.words) == ("so 5", ())  # a word that has no time leaves the segment to be aligned
    mfa = {"start": 0, "end": 2, "tiers": {"words": {"type": "interval", "entries": [[0.1, 0.4, "so"], [0.4, 1, ""]]}}}
    assert wordjson.read(json.dumps(mfa).encode()).words() == [Word("so", 0.1, 0.4)]


@pytest.mark.parametrize("text", [{}, {"text": None}, {"text": " "}])
def test_words_of_a_segment_without_a_text_are_the_text(text: dict) -> None:
    words = [{"word": "so", "start": 1.25, "end": 1.5}, {"word": "5", "start": 1.5, "end": 1.75}]
    segment = {"start": 1.0, "end": 2.0, "words": words, **text}
    (one,) = wordjson.read(json.dumps({"segments": [segment]}).encode()).supervisions
    assert (one.text, one.words) == ("so 5", (Word("so", 0.25, 0.5), Word("5", 0.5, 0.75)))
    del words[1]["start"]
    with pytest.raises(
        BadTiming, match=r"`text` of segment 1 is .*, and must be a text, unless all of its words have times"
    ):
        wordjson.read(json.dumps({"segments": [segment]}).encode())


NONSENSE = [b"", b"\xff\xfe\x00", b"{}", b"[1]", b'{"segments": [{"start": "x"}]}', b"a 1 x y z\n", b'File type = "ooTextFile"\n',
            PRAAT[:200].encode(), PRAAT.replace("intervals: size = 4", "intervals: size = -4").replace("xmin", "?").encode(),
            b"[" * 100_000, b"a 1 nan 1 b\n"]  # fmt: skip


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("data", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_refused_with_a_reason(ending: str, data: bytes) -> None:
    with pytest.raises(BadTiming) as fault:
        READERS[ending](data, "clip")
    assert fault.value.reason == "bad_transcript" and fault.value.detail
    python = r"Error|NoneType|object is|object has|unpack|convert|recursion|literal|subscriptable|codec|index"
    assert not re.search(python, fault.value.detail)


@pytest.mark.parametrize(
    ("ending", "data", "words"),
    [
        (".words.json", b'{"segments": [{"start": "x"}]}', '`start` of segment 1 is "x", and must be a number'),
        (
            ".words.json",
            b'{"segments": [{"start": 0, "end": 1, "text": 5}]}',
            "`text` of segment 1 is 5, and must be a text",
        ),
        (
            ".words.json",
            b'{"tiers": {"words": {"entries": [[0, 1]]}}}',
            "an entry of a tier is [0, 1], and must be its start",
        ),
        (".words.json", b"[1]", "it is [1], and must be an object"),
        (".ctm", b"a 1 x 1 so\n", "a start is 'x', and must be a number"),
        (".ctm", b"a 1 0 -1 so\n", "a duration is '-1', and must be a number, 0 or more"),
        (".ctm", b"a 1 0\n", "no CTM: 'a 1 0' lacks recording"),
        (".rttm", b"SPEAKER a 1 0\n", "no RTTM: 'SPEAKER a 1 0' lacks recording"),
        (".rttm", b"SPEAKER\n", "the line 'SPEAKER' names no recording"),
        (".rttm", b"\xff", "it is not UTF-8 (byte 0)"),
    ],
)
def test_what_is_wrong_is_reported_in_words(ending: str, data: bytes, words: str) -> None:
    with pytest.raises(BadTiming) as fault:
        READERS[ending](data, "a")
    assert words in fault.value.detail


def test_every_format_can_be_written() -> None:
    timing = whole(1.0, (Word("a", 0.1, 0.4),))
    assert all(write(timing, "clip") for write in WRITERS.values())


def test_one_file_may_hold_many_recordings() -> None:
    rttm = b"SPEAKER a 1 1.0 2.5 <NA> <NA> A <NA> <NA>\nSPEAKER b 1 0 1 <NA> <NA> B <NA> <NA>\n"
    (turn,) = READERS[".rttm"](rttm, "a").supervisions
    assert (turn.start, turn.end, turn.speaker, turn.text) == (1.0, 3.5, "A", None)
    assert [w.text for w in READERS[".ctm"](b"a 1 0 1 yes\nb 1 0 1 no\n", "b").words()] == ["no"]
    with pytest.raises(BadTiming, match="no line is of 'c'"):
        READERS[".ctm"](b"a 1 0 1 yes\nb 1 0 1 no\n", "c")
