"""Preference pairs: the prompt with each answer as a document of its own; what is no pair is refused."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from tests.pipelines.tasks.test_dialogue import ANSWERED, ASKED, ENTRIES, MARKERS, TEMPLATE, material
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.pairs import Task
from weft.schemas.ledger import Unusable
from weft.schemas.text import Turn
from weft.schemas.vocabulary import Codebook, Vocabulary

BOOK = Codebook(tokenizer="hubert", literal="[Hu{}]", first=100, size=50)
CHOSEN, REJECTED = replace(ANSWERED, answer="chosen"), replace(ANSWERED, text="No.", answer="rejected")
TASK = Task.model_validate({"sources": ("chats",), "template": TEMPLATE, "turns": ENTRIES, "pieces": "state"})


def composed(given: Material, bos: int | None = None) -> SampleBuilder:
    vocabulary = Vocabulary(text_size=0, bos=bos, markers=MARKERS, codebooks=(BOOK,), size=0, text_fingerprint="")
    builder = SampleBuilder(vocabulary, lambda text: [1000 + ord(letter) for letter in text])
    builder.begin()
    TASK.compose(given, builder, Random(0))
    return builder


def text(ids: Sequence[int]) -> str:
    return "".join(chr(i - 1000) for i in ids if i >= 1000)


def test_each_document_is_the_prompt_with_one_answer() -> None:
    made = composed(material(ASKED, CHOSEN, replace(CHOSEN, text="And you?"), REJECTED), bos=99)
    (bound,) = made.bounds
    first, second = made.ids[:bound], made.ids[bound:]
    assert first[0] == second[0] == 99
    assert text(first) == "human\nassistant\nFine.And you?" and text(second) == "human\nassistant\nNo."
    assert [i for i in first if 100 <= i < 150] == [100, 101, 102] and [i for i in second if 100 <= i < 150] == [
        100,
        103,
    ]


def test_only_the_answers_count_and_not_what_the_assistant_said_before() -> None:
    made = composed(material(ASKED, replace(ANSWERED, text="Before."), ASKED, CHOSEN, REJECTED))
    assert text([i for s in made.segments if s.loss for i in made.ids[s.begin : s.end]]) == "Fine.No."


def lost(turns: tuple[Turn, ...], number: int) -> Material:
    given = material(*turns)
    return replace(given, spoken=tuple(one for one in given.spoken if one.utterance.turn != number))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (material(ASKED, ANSWERED), "no_answers"),
        (lost((ASKED, CHOSEN, REJECTED), 0), "missing_turn"),
        (lost((ASKED, CHOSEN, REJECTED), 2), "missing_turn"),
    ],
)
def test_what_is_no_pair_is_refused(given: Material, reason: str) -> None:
    with pytest.raises(Unusable) as fault:
        composed(given)
    assert fault.value.reason == reason


def test_answers_that_become_the_same_tokens_are_equal() -> None:
    """Two voices may say one text so alike that their codes are the same."""
    given = material(ASKED, CHOSEN, replace(CHOSEN, answer="rejected", emotion="sad"))
    first, second = given.spoken[1:]
    same = replace(given, spoken=(given.spoken[0], first, replace(second, codes=first.codes)))
    with pytest.raises(Unusable) as fault:
        composed(same)
    assert fault.value.reason == "equal_answers"
    assert composed(given).bounds


def test_the_context_never_cuts_it() -> None:
    assert TASK.cut == "never"
