"""Turns that say fields, of utterances and of documents. Whole samples are in test_golden.py."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from weft.pipelines.tasks.base import Material, Spoken
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.turns import Task
from weft.schemas.audio import Field, Utterance
from weft.schemas.ledger import Unusable
from weft.schemas.text import Document

FIELDS = (Field("question", "w1 w2"), Field("thought", "w3"), Field("answer", "w4"))


def task(*turns: dict[str, Any]) -> Task:
    return Task.model_validate({"sources": ("s",), "turns": turns})


ASKED = task(
    {"role": "human", "say": ["text", {"field": "question"}]},
    {"role": "assistant", "say": [{"literal": "w8"}, {"field": "thought"}, {"literal": "w9"}, {"field": "answer"}]},
)


def written(made: SampleBuilder, names: Callable[[int], str]) -> list[tuple[str, bool]]:
    return [(names(made.ids[i]), s.loss) for s in made.segments for i in range(s.begin, s.end)][1:]


WANTED = [("w0", False), ("w1", False), ("w2", False), ("w8", True), ("w3", True), ("w9", True), ("w4", True)]


def test_fields_of_an_utterance(material: Callable, woven: Callable, names: Callable) -> None:
    spoken = material(1).spoken[0]
    utterance = replace(spoken.utterance, fields=FIELDS)
    made = woven(ASKED, Material(utterance, (Spoken(utterance=utterance, codes=spoken.codes),)))
    assert written(made, names) == WANTED


def test_fields_of_a_document(woven: Callable, names: Callable) -> None:
    made = woven(ASKED, Material(Document("d", "s", "w0", fields=FIELDS)))
    assert written(made, names) == WANTED
    assert {(s.modality, s.start, s.stop) for s in made.segments} == {("text", 0.0, 0.0)}


@pytest.mark.parametrize(("fields", "given"), [(FIELDS[:2], "question, thought"), ((), "none")])
def test_a_field_that_is_not_there_is_named(woven: Callable, fields: tuple[Field, ...], given: str) -> None:
    only = task({"role": "assistant", "say": {"field": "answer"}})
    with pytest.raises(Unusable) as fault:
        woven(only, Material(Document("d", "s", "w0", fields=fields)))
    assert (fault.value.reason, fault.value.detail) == ("no_field", f"it has no field 'answer' (its fields: {given})")


def test_documents_are_taken_where_no_speech_is_said() -> None:
    speech = task({"role": "human", "say": "hubert"}, {"role": "assistant", "say": {"field": "answer"}})
    groups = task({"role": "assistant", "say": {"of": ["text", "hubert"], "sizes": [1, 4]}})
    assert [one.takes_of(Document) for one in (ASKED, speech, groups)] == [Document, Utterance, Utterance]
    assert ASKED.takes_of(Utterance) is Utterance
    assert ASKED.fields == {"question", "thought", "answer"} and ASKED.streams == ()
