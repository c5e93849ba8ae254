"""Preference pairs: the prompt with each answer as a document of its own; what is no pair is refused."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from tests.pipelines.tasks.test_dialogue import ANSWERED, ASKED, ENTRIES, MARKERS, TEMPLATE, material
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.pairs import Task
from weft.schemas.audio import Field, Recording, Utterance
from weft.schemas.ledger import Unusable
from weft.schemas.text import Dialogue, Document, Turn
from weft.schemas.vocabulary import Codebook, Vocabulary

BOOK = Codebook(tokenizer="hubert", literal="[Hu{}]", first=100, size=50)
CHOSEN, REJECTED = replace(ANSWERED, answer="chosen"), replace(ANSWERED, text="No.", answer="rejected")
TASK = Task.model_validate({"sources": ("chats",), "template": TEMPLATE, "turns": ENTRIES, "pieces": "state"})


def composed(given: Material, bos: int | None = None, task: Task = TASK) -> SampleBuilder:
    vocabulary = Vocabulary(text_size=0, bos=bos, markers=MARKERS, codebooks=(BOOK,), size=0, text_fingerprint="")
    builder = SampleBuilder(vocabulary, lambda text: [1000 + ord(letter) for letter in text])
    builder.begin()
    task.compose(given, builder, Random(0))
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


def test_where_exchanges_alternate_both_answers_are_of_one_modality() -> None:
    """The second exchange is typed, and so are its answers."""
    task = TASK.model_copy(update={"exchanges": "speech-first"})
    made = composed(material(ASKED, ANSWERED, ASKED, CHOSEN, REJECTED), task=task)
    codes = [i for i in made.ids if 100 <= i < 150]
    assert codes == [100, 101, 100, 101]
    one = composed(material(ASKED, CHOSEN, REJECTED), task=task)
    assert [i for i in one.ids if 100 <= i < 150] == [100, 101, 100, 102]


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


ASKS = Task.model_validate(
    {
        "sources": ("quiz",), "template": TEMPLATE,
        "turns": [{"role": "human", "say": {"field": "question"}}, {"role": "assistant", "say": [{"field": "chosen"}, "text"]}],
    }
)  # fmt: skip


def test_a_document_with_both_answers_as_fields_is_a_pair() -> None:
    named = {"question": "Two and two?", "chosen": "Four", "rejected": "Five"}
    document = Document("d", "quiz", ".", fields=tuple(Field(name, value) for name, value in named.items()))
    made = composed(Material(document), task=ASKS)
    (bound,) = made.bounds
    assert text(made.ids[:bound]) == "human\nTwo and two?assistant\nFour."
    assert text(made.ids[bound:]) == "human\nTwo and two?assistant\nFive."
    assert text([i for s in made.segments if s.loss for i in made.ids[s.begin : s.end]]) == "Four.Five."
    with pytest.raises(Unusable, match="no_field"):
        composed(Material(replace(document, fields=document.fields[:2])), task=ASKS)


def test_it_takes_dialogues_and_what_has_fields_where_it_says_them() -> None:
    assert [ASKS.takes_of(makes) for makes in (Dialogue, Document, Recording)] == [Dialogue, Document, Utterance]
    assert [TASK.takes_of(makes) for makes in (Dialogue, Document, Recording)] == [Dialogue] * 3
    assert ASKS.fields == {"question", "chosen", "rejected"} and TASK.fields == frozenset()
