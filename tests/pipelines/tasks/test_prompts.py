"""Prompts of utterances, documents and dialogues end where the model goes on. A whole sample is in test_golden.py."""

from dataclasses import replace
from typing import Any

import pytest

from tests.pipelines.tasks.test_dialogue import ANSWERED, ASKED, ENTRIES, TEMPLATE, material
from tests.pipelines.tasks.test_pairs import composed, text
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.prompts import Task
from weft.schemas.audio import Field, Recording, Utterance
from weft.schemas.ledger import Unusable
from weft.schemas.text import Dialogue, Document


def task(**settings: Any) -> Task:
    turns = [{"role": "human", "say": ["text", {"field": "question"}]}]
    return Task.model_validate({"sources": ("s",), "template": TEMPLATE, "turns": turns, **settings})


SUM = Document("d", "s", "12 and 30. ", fields=(Field("question", "How many?"), Field("answer", "42")))
CHATS = task(turns=ENTRIES)


def test_a_document_is_asked_and_the_turn_that_answers_is_open() -> None:
    made = composed(Material(SUM), task=task(answer="answer"))
    assert text(made.ids) == "human\n12 and 30. How many?assistant\n"
    assert made.answer == "42" and not any(s.loss for s in made.segments)
    assert composed(Material(SUM), task=task()).answer == ""


def test_the_open_turn_may_begin_with_a_marker() -> None:
    opened = task(open="start")
    (marker,) = set(composed(Material(SUM), task=opened).ids[-1:])
    assert marker not in composed(Material(SUM), task=task()).ids and "start" in opened.markers
    assert text(composed(Material(SUM), task=task(role="human")).ids).endswith("How many?human\n")


def test_a_dialogue_ends_before_the_turn_and_says_none_of_two_answers() -> None:
    before = (ASKED, ANSWERED, ASKED)
    pair = (replace(ANSWERED, answer="chosen"), replace(ANSWERED, text="No.", answer="rejected"))
    made = composed(material(*before, *pair), task=CHATS)
    assert made.ids == composed(material(*before), task=CHATS).ids
    assert text(made.ids) == "human\nassistant\nFine.human\nassistant\n" and not any(s.loss for s in made.segments)


def test_the_answer_of_a_dialogue_is_its_own_field() -> None:
    given = material(ASKED)
    assert isinstance(given.source, Dialogue)
    named = replace(given, source=replace(given.source, fields=(Field("answer", "Fine"),)))
    assert composed(named, task=task(turns=ENTRIES, answer="answer")).answer == "Fine"


@pytest.mark.parametrize(
    ("given", "settings", "reason", "detail"),
    [
        (Material(replace(SUM, fields=SUM.fields[:1])), {}, "no_field", "no field 'answer' (its fields: question)"),
        (Material(replace(SUM, fields=SUM.fields[1:])), {}, "no_field", "no field 'question' (its fields: answer)"),
        (material(ASKED, ANSWERED), {"turns": ENTRIES}, "no_prompt", "ends with a turn of the role 'assistant'"),
        (material(replace(ANSWERED, answer="chosen")), {"turns": ENTRIES}, "no_prompt", "it has answers alone"),
    ],
)
def test_what_is_no_prompt_is_refused(given: Material, settings: dict[str, Any], reason: str, detail: str) -> None:
    with pytest.raises(Unusable) as fault:
        composed(given, task=task(answer="answer", **settings))
    assert fault.value.reason == reason and detail in fault.value.detail


def test_it_takes_what_its_turns_say() -> None:
    spoken = task(turns=[{"role": "human", "say": "audio"}])
    assert [task().takes_of(makes) for makes in (Dialogue, Document, Recording)] == [Dialogue, Document, Utterance]
    assert [spoken.takes_of(makes) for makes in (Dialogue, Document, Recording)] == [Dialogue, Utterance, Utterance]
    assert task(answer="solution").fields == {"question", "solution"} and task().fields == {"question"}


@pytest.mark.parametrize("settings", [{"cut": "context"}, {"loss": ["assistant"]}])
def test_nothing_counts_and_nothing_is_cut(settings: dict[str, Any]) -> None:
    assert (task().cut, task().loss, task().is_prompt) == ("never", (), True)
    with pytest.raises(ValueError, match=next(iter(settings))):
        task(**settings)
