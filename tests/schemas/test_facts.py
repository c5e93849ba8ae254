"""What a dialogue says of itself before it is spoken."""

from weft.schemas.audio import Field
from weft.schemas.facts import Facts, facts_of
from weft.schemas.text import Dialogue, Turn

KEY, HINT, CLUE = (Field(name, "x") for name in ("key", "hint", "clue"))


def turn(role: str, *fields: Field, answer: str = "") -> Turn:
    return Turn(speaker=role, role=role, text="Yes.", fields=fields, answer=answer)


def test_fields_of_the_dialogue_and_of_its_turns_are_told_apart() -> None:
    turns = (turn("human", HINT, CLUE), turn("assistant"), turn("human", HINT))
    facts = facts_of(Dialogue(key="d", source="s", turns=turns, fields=(KEY,)))
    assert (facts.fields, facts.dialogue_fields) == ({"key", "hint", "clue"}, {"key"})
    assert facts.spoken_as([""]) == {"human": {"key", "hint"}, "assistant": {"key"}}


def test_fields_of_marked_answers_and_of_the_turns_before_them_are_told_apart() -> None:
    answers = (turn("assistant", HINT, CLUE, answer="chosen"), turn("assistant", CLUE, answer="rejected"))
    turns = (turn("human"), turn("assistant", HINT, KEY), turn("human"), *answers)
    facts = facts_of(Dialogue(key="d", source="s", turns=turns))
    assert facts.spoken_as([""]) == {"human": set(), "assistant": {"hint", "key"}}
    assert facts.spoken_as(["", "chosen"]) == {"human": set(), "assistant": {"hint"}}
    assert facts.spoken_as(["", "chosen", "rejected"]) == {"human": set(), "assistant": set()}
    assert (facts.last, facts.has_answers, Facts().spoken_as([""])) == ("human", True, None)


def test_tools_are_known() -> None:
    one = Dialogue(key="d", source="s", turns=(turn("human"),))
    assert not facts_of(one).has_tools and facts_of(Dialogue("d", "s", one.turns, tools="[{}]")).has_tools
