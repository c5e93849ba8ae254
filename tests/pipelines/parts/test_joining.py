"""Rows by key, and under the record they belong to."""

from dataclasses import dataclass

from weft.pipelines.parts.joining import grouped, join


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
