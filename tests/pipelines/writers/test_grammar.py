"""The grammar's items depend on seed and place alone, and are the sort of English that was asked for."""

import re
from itertools import islice

import pocketsphinx
import pytest

from weft.pipelines.voices.base import EMOTIONS, LEVELS, SPEEDS
from weft.pipelines.writers.grammar import dialogues, documents, sentences


@pytest.mark.parametrize("make", [sentences, documents, dialogues])
def test_an_item_depends_on_seed_and_place_alone(make):
    many = list(make(50, 3))
    assert list(make(20, 3)) == many[:20]
    assert list(islice(make(1000, 3), 50)) == many
    assert list(make(50, 4)) != many


def test_sentences_are_6_to_28_words_and_varied():
    texts = list(sentences(3000, 1))
    lengths = [len(text.split()) for text in texts]
    assert min(lengths) >= 6
    assert max(lengths) <= 28
    assert 13 <= sum(lengths) / len(lengths) <= 15
    assert len(set(texts)) > 2900
    assert all(re.fullmatch(r"[A-Z][A-Za-z', ]+\.", text) for text in texts)


def test_every_word_is_in_the_pronouncing_dictionary():
    with open(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"), encoding="utf-8") as rows:
        known = {row.split()[0].partition("(")[0] for row in rows}
    turns = " ".join(turn.text for _, dialogue in dialogues(1000, 1) for turn in dialogue)
    words = set(re.findall(r"[a-z']+", " ".join([*sentences(3000, 1), turns]).lower()))
    assert words <= known, words - known
    assert len(words) > 500


def test_documents_have_3_to_8_sentences():
    counts = {text.count(".") for text in documents(300, 1)}
    assert counts == set(range(3, 9))


def test_dialogues_take_turns():
    items = list(dialogues(500, 1))
    assert len({key for key, _ in items}) == 500
    assert {len(turns) for _, turns in items} == {4, 5, 6, 7, 8}
    for key, turns in items:
        assert re.fullmatch(r"[A-Za-z0-9_-]+", key)
        speakers = [turn.speaker for turn in turns]
        assert len(set(speakers[0::2])) == len(set(speakers[1::2])) == 1
        assert speakers[0] != speakers[1]
        assert not any(set("{}:") & set(turn.text) for turn in turns)


def test_some_turns_carry_an_emotion_at_every_level():
    turns = [turn for _, dialogue in dialogues(500, 1) for turn in dialogue]
    assert {turn.emotion for turn in turns} == {*EMOTIONS, *SPEEDS}
    assert {turn.level for turn in turns if turn.emotion == "happy"} == set(LEVELS)
    assert 0.2 < sum(turn.emotion in ("", "neutral") for turn in turns) / len(turns) < 0.7
