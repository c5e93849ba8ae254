"""Rows by key, and under the record they belong to."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from weft.pipelines.parts.joining import GroupedRow, InputTable, JoinedRow, first_of, grouped, join, records_in
from weft.schemas.audio import Alignment, Audio, Codes, Utterance
from weft.schemas.text import Dialogue


@dataclass(frozen=True)
class Record:
    key: str
    dialogue: str = ""


def table(name: str, *records: Any, record: type = Codes) -> InputTable:
    return InputTable(name=name, record=record, records=records)


def test_records_of_one_input_are_the_rows() -> None:
    a, b = Record("a"), Record("b")
    assert join([table("speech", a, b)]) == ([a, b], [])
    assert [first_of(row) for row in (a, b)] == [a, b]


def test_rows_name_what_each_input_has_of_an_utterance_and_what_others_lack_is_absent() -> None:
    a, b, c = Record("a"), Record("b"), Record("c")
    words, pitch, units = Record("a"), Record("a"), Record("a")
    rows, absent = join(
        [
            table("speech", a, b, c, record=Utterance),
            table("align", words, Record("c"), record=Alignment),
            table("hubert", units, Record("b")),
            table("pitch", pitch, Record("b"), Record("c")),
        ]
    )
    (row,) = rows
    assert (row.utterance, row.alignment) == (a, words) and absent == [b, c]
    assert row.codes["hubert"] is units and row.codes["pitch"] is pitch and first_of(row) is a


def test_rows_are_grouped_under_their_dialogue_in_order() -> None:
    d, e = Record("d"), Record("e")
    one, two, other = (
        JoinedRow(utterance=Record(key=key, dialogue=of)) for key, of in (("d-0", "d"), ("d-1", "d"), ("e-0", "e"))
    )
    dialogues = table("synthesize", d, e, record=Dialogue)
    utterances = table("segment", *(row.utterance for row in (one, other, two)), record=Utterance)
    rows, absent = grouped([dialogues, utterances], "dialogue")
    assert rows == [GroupedRow(record=d, rows=(one, two)), GroupedRow(record=e, rows=(other,))] and absent == []
    assert [first_of(row) for row in rows] == [d, e]


def test_what_one_of_the_inputs_lacks_is_in_no_group_and_a_record_without_rows_stays() -> None:
    d, e = Record("d"), Record("e")
    one, two, other = Record("d-0", "d"), Record("d-1", "d"), Record("e-0", "e")
    units = [Record("d-1"), Record("d-0")]
    rows, absent = grouped(
        [table("synthesize", d, e), table("segment", one, two, other), table("hubert", *units)], "dialogue"
    )
    turns = tuple(JoinedRow(utterance=turn, codes={"hubert": own}) for turn, own in ((one, units[1]), (two, units[0])))
    assert rows == [GroupedRow(record=d, rows=turns), GroupedRow(record=e, rows=())] and absent == []


def utterance(key: str, recording: str, start: float = 0.0, turn: int = 0) -> Utterance:
    return Utterance(
        key=key, recording=recording, source="s", audio=Audio("/a"), sha256="", start=start, end=start + 1.0, turn=turn
    )


def codes(key: str) -> Codes:
    return Codes(
        key=key, seconds=1.0, tokenizers=("t",), models=("m",), rate=25.0, ticks=25, which=(), ids=(), starts=()
    )  # fmt: skip


def test_utterances_come_under_their_recording_in_the_order_of_time() -> None:
    """The turns of a dialogue all begin at 0 and come in their order."""
    late, early = utterance("a", "r", start=7.0), utterance("b", "r", start=2.0)
    turns = [utterance(f"d-{n}", "d", turn=n) for n in (1, 0)]
    rows, absent = grouped([table("segment", late, *turns, early, record=Utterance)], "recording")
    assert [(row.record.key, [u.key for u in row.record.utterances], row.record.seconds) for row in rows] == [
        ("r", ["b", "a"], 2.0), ("d", ["d-0", "d-1"], 2.0),
    ]  # fmt: skip
    assert [row.utterance for row in rows[0].rows] == [early, late] and absent == [] and records_in(rows) == 4


@given(of=st.lists(st.sampled_from("abc"), max_size=12), encoded=st.sets(st.integers(0, 11)))
def test_every_utterance_is_in_one_recording_or_absent(of: list[str], encoded: set[int]) -> None:
    utterances = [utterance(f"u{n}", recording, start=float(-n)) for n, recording in enumerate(of)]
    units = table("hubert", *(codes(f"u{n}") for n in sorted(encoded)))
    rows, absent = grouped([table("segment", *utterances, record=Utterance), units], "recording")
    inside = [u.key for group in rows for u in group.record.utterances]
    assert sorted([*inside, *(u.key for u in absent)]) == sorted(u.key for u in utterances)
    assert records_in(rows) + len(absent) == len(utterances)
    for group in rows:
        assert [row.utterance for row in group.rows] == list(group.record.utterances)
        assert all(row.codes["hubert"].key == row.utterance.key for row in group.rows)
        assert all(row.utterance.recording == group.record.key for row in group.rows)
