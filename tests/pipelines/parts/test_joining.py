"""Rows by key, and under the record they belong to."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from weft.pipelines.parts.joining import grouped, join, records_in
from weft.schemas.audio import Audio, Codes, Utterance


@dataclass(frozen=True)
class Row:
    key: str
    dialogue: str = ""


def test_rows_of_one_key_are_one_row_and_what_others_lack_is_absent() -> None:
    a, b, c = Row("a"), Row("b"), Row("c")
    assert join([[a, b, c]]) == ([a, b, c], [])
    assert join([[a, b, c], [c, a]]) == ([(a, a), (c, c)], [b])


def test_rows_are_grouped_under_their_dialogue_in_order() -> None:
    d, e = Row("d"), Row("e")
    one, two, other = Row("d-0", "d"), Row("d-1", "d"), Row("e-0", "e")
    assert grouped([[d, e], [one, other, two]], "dialogue") == ([(d, ((one,), (two,))), (e, ((other,),))], [])


def test_what_one_of_the_inputs_lacks_is_in_no_group_and_a_record_without_rows_stays() -> None:
    d, e = Row("d"), Row("e")
    one, two, other = Row("d-0", "d"), Row("d-1", "d"), Row("e-0", "e")
    rows, absent = grouped([[d, e], [one, two, other], [Row("d-1"), Row("d-0")]], "dialogue")
    assert rows == [(d, ((one, Row("d-0")), (two, Row("d-1")))), (e, ())] and absent == []


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
    rows, absent = grouped([[late, *turns, early]], "recording")
    assert [(p.key, [u.key for u in p.utterances], p.seconds) for p, _ in rows] == [
        ("r", ["b", "a"], 2.0), ("d", ["d-0", "d-1"], 2.0),
    ]  # fmt: skip
    assert rows[0][1] == ((early,), (late,)) and absent == [] and records_in(rows) == 4


@given(of=st.lists(st.sampled_from("abc"), max_size=12), encoded=st.sets(st.integers(0, 11)))
def test_every_utterance_is_in_one_recording_or_absent(of: list[str], encoded: set[int]) -> None:
    utterances = [utterance(f"u{n}", recording, start=float(-n)) for n, recording in enumerate(of)]
    rows, absent = grouped([utterances, [codes(f"u{n}") for n in sorted(encoded)]], "recording")
    inside = [u.key for passage, _ in rows for u in passage.utterances]
    assert sorted([*inside, *(u.key for u in absent)]) == sorted(u.key for u in utterances)
    assert records_in(rows) + len(absent) == len(utterances)
    for passage, spoken in rows:
        assert [row[0] for row in spoken] == list(passage.utterances)
        assert all(row[1].key == row[0].key and row[0].recording == passage.key for row in spoken)
