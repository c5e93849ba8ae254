"""Why something is done again, in words."""

from hypothesis import given
from hypothesis import strategies as st

from weft.schemas.changes import named_settings, reasons, summed, training_set_changes, without_training_set

PART = {
    "use": "Encode",
    "setting layer": "2",
    "version tokenizer": "1",
    "input segment/speech": "a",
    "model models/h": "m",
}
NAMES = st.dictionaries(st.sampled_from([*PART, "utterance a", "utterance b", "text x"]), st.sampled_from("123"))


def test_each_kind_of_change_has_its_words() -> None:
    assert reasons(PART, {**PART, "setting layer": "3"}) == ["setting `layer` was 2, is now 3"]
    assert reasons(PART, {**PART, "version tokenizer": "2"}) == ["its tokenizer version was 1, is now 2"]
    assert reasons(PART, {**PART, "input segment/speech": "b"}) == ["its input segment/speech changed"]
    assert reasons(PART, {**PART, "model models/h": "n"}) == ["its model models/h changed"]
    assert reasons(PART, {**PART, "setting new": "1"}) == ["setting `new` is new"]
    assert reasons(PART, {**PART, "input align/speech": "1"}) == ["its input align/speech is new"]
    assert reasons({**PART, "input order/a": "1"}, PART) == ["its input order/a is no longer needed"]
    assert reasons({**PART, "model aligner": "1"}, PART) == ["its model aligner is no longer needed"]
    assert reasons(PART, {**PART, "version source": "4"}) == ["its source version is new"]
    assert reasons({**PART, "content model": "1"}, {**PART, "content model": "2"}) == [
        "the content of its `model` changed"
    ]
    assert reasons({}, PART) == ["what it was made from is not on record"]


def test_another_backend_does_not_list_its_settings() -> None:
    old = {"use aligner": "sphinx", "setting floor": "-6.0", "version aligner": "5"}
    assert reasons(old, {"use aligner": "given", "version aligner": "1"}) == [
        "its aligner backend was sphinx, is now given"
    ]


def test_a_backend_in_a_file_is_named_by_its_file() -> None:
    old, edited, other = (f"weft_file_my_aligner_{digit * 16}" for digit in "0ab")
    assert reasons({"use aligner": old}, {"use aligner": edited, "setting x": "1"}) == [
        "the code of my_aligner.py changed"
    ]
    assert reasons({"use aligner": "sphinx"}, {"use aligner": other}) == [
        "its aligner backend was sphinx, is now my_aligner.py"
    ]
    assert reasons({"use aligner": other}, {"use aligner": "weft_file_mine_0123456789abcdef"}) == [
        "its aligner backend was my_aligner.py, is now mine.py"
    ]
    assert reasons({"use": "Align"}, {"use": "Align", "use aligner": other}) == ["its aligner backend is new"]


def test_utterances_are_counted() -> None:
    old = {f"utterance u{n}": "1" for n in range(412)} | {"setting seed": "1"}
    assert reasons(old, {**old, "utterance u7": "2"}) == ["1 of its 412 training utterances changed"]
    fewer = {name: value for name, value in old.items() if name != "utterance u7"}
    assert reasons(old, fewer) == ["1 of its 412 training utterances is gone"]
    assert reasons(fewer, old) == ["1 training utterance was added to its 411"]
    assert without_training_set(old) == {"setting seed": "1"}


@given(old=NAMES, new=NAMES)
def test_there_is_a_reason_exactly_when_something_differs(old: dict[str, str], new: dict[str, str]) -> None:
    if old:
        assert bool(reasons(old, new)) == (old != new)
    assert bool(training_set_changes(old, new)) <= (old != new)


def test_a_node_has_one_line() -> None:
    again = [["its input segment/speech changed"]] * 2 + [
        ["its input segment/speech changed", "its model aligner changed"]
    ]
    assert summed("align/speech", 12, again) == (
        "align/speech: 3 of 12 parts again: its input segment/speech changed, its model aligner changed (in 1)"
    )
    assert summed("aligner", 1, [["1 of its 412 training utterances changed"]]) == (
        "aligner: 1 of its 412 training utterances changed"
    )
    assert summed("align/speech", 2, [[]]) == "align/speech: 1 of 2 parts again: it is not whole"


def test_nested_settings_are_named_by_their_path() -> None:
    assert named_settings({"a": 1, "training": {"steps": 3}, "none": {}}) == {
        "setting a": "1", "setting training.steps": "3", "setting none": "{}",
    }  # fmt: skip
