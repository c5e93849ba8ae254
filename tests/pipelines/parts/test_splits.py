"""Which split a record is of: by the hash of its names, where the data does not say another."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.pipelines.parts.splits import HoldOutNames, SplitError, Splits, Tally
from weft.schemas.ledger import Unusable
from weft.schemas.splits import HoldOut, Kind
from weft.schemas.text import Dialogue, Turn

NAMES = [f"name {n}" for n in range(400)]


def splits(kind: Kind = "speakers", share: float = 0.5, space: str = "read", **more: object) -> Splits:
    return Splits(space=space, hold_out=HoldOut(**{kind: share}), **more)


def held(of: Splits) -> set[str]:
    return {name for name in NAMES if of.selects(name)}


@given(low=st.floats(0.01, 0.98), more=st.floats(0.001, 0.3))
def test_a_greater_share_holds_out_who_was_held_out_and_more(low: float, more: float) -> None:
    assert held(splits(share=low)) <= held(splits(share=min(0.99, low + more)))


@pytest.mark.parametrize("share", [0.02, 0.25, 0.5, 0.9])
def test_about_the_share_is_selected(share: float) -> None:
    assert len(held(splits(share=share))) / len(NAMES) == pytest.approx(share, abs=0.06)


def test_names_are_a_spaces_own() -> None:
    assert held(splits(space="read")) != held(splits(space="calls"))
    assert held(splits(space="people")) == held(splits(space="people", shared=True))


def test_only_names_of_the_kind_count() -> None:
    out = next(iter(held(splits())))
    assert splits().of(HoldOutNames(speakers=(out,))) == "validation"
    assert splits().of(HoldOutNames(recordings=(out,), items=(out,))) == "train"
    assert splits("items").of(HoldOutNames(items=(out,))) == "validation"


def test_an_unknown_speaker_is_trained_on() -> None:
    assert splits(share=0.99).of(HoldOutNames(speakers=("",))) == "train"


def test_the_datas_own_split_stands_and_what_it_calls_train_can_be_held_out() -> None:
    (out, *_), stays = sorted(held(splits())), next(n for n in NAMES if not splits().selects(n))
    for own, is_held, stayed in (
        ("", "validation", "train"), ("train-clean", "validation", "train"), ("test", "test", "test"),
        ("dev", "validation", "validation"),
    ):  # fmt: skip
        assert splits().of(HoldOutNames(speakers=(out,), split=own)) == is_held
        assert splits().of(HoldOutNames(speakers=(stays,), split=own)) == stayed


def test_the_sources_split_is_for_what_names_none() -> None:
    given = Splits(default="test", names={"challenge": "validation"})
    assert [given.of(HoldOutNames(split=name)) for name in ("", "train", "challenge")] == [
        "test",
        "train",
        "validation",
    ]


def test_a_name_of_no_split_is_unusable() -> None:
    with pytest.raises(Unusable) as fault:
        Splits().of(HoldOutNames(split="banana"))
    assert fault.value.reason == "unknown_split" and "none of train, validation, test" in fault.value.detail


def test_a_dialogue_is_held_out_whole_where_one_of_its_speakers_is() -> None:
    rule = splits("speakers", 0.3, shared=True)
    out, stays = next(iter(held(rule))), next(n for n in NAMES if not rule.selects(n))
    talk = Dialogue("d", "s", (Turn(stays, "hello"), Turn(out, "yes")))
    assert rule.of(rule.named(talk)) == "validation"
    assert rule.of(rule.named(Dialogue("d", "s", (Turn(stays, "hello"),)))) == "train"


def test_a_role_is_somebody_else_in_each_dialogue_unless_speakers_are_shared() -> None:
    alone, shared = splits(share=0.5), splits(share=0.5, shared=True)
    talks = [Dialogue(f"d{n}", "s", (Turn("caller", "hello"),)) for n in range(40)]
    assert {alone.of(alone.named(talk)) for talk in talks} == {"train", "validation"}
    assert len({shared.of(shared.named(talk)) for talk in talks}) == 1


def test_only_who_is_spoken_can_be_held_out() -> None:
    turns = (
        Turn(speaker="system", text="Be kind.", role="system"),
        Turn(speaker="a", text="Hi.", role="human"),
        Turn(speaker="tool", text="", role="tool", tool_result="{}"),
    )
    assert splits(shared=True).named(Dialogue("d", "s", turns)).speakers == ("a",)


class TestTally:
    def test_a_name_counts_once_and_an_unknown_one_never(self) -> None:
        tally = Tally(HoldOut(items=0.5))
        for name, is_held in (("a", True), ("a", True), ("b", False), ("", False)):
            tally.add(name, is_held)
        assert (tally.held_out, tally.total, tally.selects_some_not_all) == (1, 2, True)
        tally.check("source read")

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            ([], "hold_out.speakers 0.02 of source read selects nobody: the data names no speakers; hold out another kind"),
            ([False] * 13, "hold_out.speakers 0.02 of source read selects 0 of its 13 speakers, so nothing is held out; raise it"),
            ([True] * 2, "hold_out.speakers 0.02 of source read selects all 2 of its speakers, so nothing is left to train on"),
        ],
    )  # fmt: skip
    def test_nobody_and_everybody_are_refused_with_both_counts(self, names: list[bool], message: str) -> None:
        tally = Tally(HoldOut(speakers=0.02))
        for number, is_held in enumerate(names):
            tally.add(str(number), is_held)
        with pytest.raises(SplitError) as fault:
            tally.check("source read")
        assert str(fault.value).startswith(message)


def test_a_dialogue_is_held_out_by_its_prompt() -> None:
    """Dialogues that ask the same are of one split, whatever is answered and however it is spoken."""
    asked, answers = Turn("a", "How are you?", role="human"), [Turn("b", f"{n}.", role="assistant") for n in range(20)]
    rule = splits("items", 0.5)
    same = [Dialogue(f"d{n}", "s", (asked, answer), item=f"i{n}") for n, answer in enumerate(answers)]
    same.append(Dialogue("happy", "s", (replace(asked, emotion="happy", speaker="c"), answers[0])))
    assert len({rule.of(rule.named(one)) for one in same}) == 1
    longer = [
        Dialogue("d", "s", (asked, answer, replace(asked, text=f"{n}?"), answers[0]))
        for n, answer in enumerate(answers)
    ]
    assert {rule.of(rule.named(one)) for one in longer} == {rule.of(rule.named(same[0]))}  # they answer the same first
    others = [Dialogue("d", "s", (replace(asked, text=f"{n}?"), answers[0])) for n in range(20)]
    assert {rule.of(rule.named(one)) for one in others} == {"train", "validation"}


def test_where_no_human_speaks_all_of_a_dialogue_is_its_prompt() -> None:
    rule = splits("items", 0.5)
    said = [(Turn("a", "Hello."), Turn("b", f"{n}.")) for n in range(20)]
    assert {rule.of(rule.named(Dialogue("d", "s", turns))) for turns in said} == {"train", "validation"}
    assert len({rule.of(rule.named(Dialogue(f"d{n}", "s", said[0]))) for n in range(20)}) == 1


def test_what_items_say_is_of_one_split_in_all_sources() -> None:
    read, books = (splits("items", space=space, by_text=True) for space in ("read", "books"))
    assert held(read) == held(books) and held(splits("items", space="read")) != held(splits("items", space="books"))
