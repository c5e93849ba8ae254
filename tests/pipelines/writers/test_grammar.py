"""The grammar's items depend on seed and place alone, and are the sort of English that was asked for."""

import re
from itertools import islice, pairwise
from random import Random

import pocketsphinx
import pytest

from weft.pipelines.voices.common.emotions import EMOTIONS, SPEEDS
from weft.pipelines.writers.common.help_desk import help_desk
from weft.pipelines.writers.common.small_talk import small_talk
from weft.pipelines.writers.grammar import dialogues, documents, sentences
from weft.schemas.dialogue import checked
from weft.schemas.text import LEVELS


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
    assert {len(turns) for _, turns in items} == {4, 5, 6, 7, 8, 10, 12}
    for key, turns in items:
        assert re.fullmatch(r"[A-Za-z0-9_-]+", key)
        speakers = [turn.speaker for turn in turns]
        assert len(set(speakers[0::2])) == len(set(speakers[1::2])) == 1
        assert speakers[0] != speakers[1]
        assert {turn.role for turn in turns[0::2]} == {"human"} and {turn.role for turn in turns[1::2]} == {"assistant"}
        assert not any(set("{}:") & set(turn.text) for turn in turns)


def test_every_emotion_occurs_at_every_level_and_every_speed():
    turns = [turn for _, dialogue in dialogues(800, 1) for turn in dialogue]
    assert {turn.emotion for turn in turns} == {"", *EMOTIONS} - {"neutral"}
    assert {turn.speed for turn in turns} == {"", *SPEEDS}
    for emotion in ("happy", "angry", "sad"):
        assert {turn.level for turn in turns if turn.emotion == emotion} == set(LEVELS)
    assert 0.2 < sum(not turn.emotion for turn in turns) / len(turns) < 0.7


def test_every_dialogue_keeps_the_rules():
    for _, turns in dialogues(300, 1):
        assert checked(turns) == turns


def test_at_the_help_desk_each_offer_that_fails_raises_the_feeling_and_the_relief_is_as_strong():
    seen = set()
    for n in range(200):
        turns = help_desk(Random(n))
        human = [turn for turn in turns if turn.role == "human"]
        assert len({turn.emotion for turn in human[:-1]}) == 1
        assert [turn.level for turn in human] == [*range(1, len(human)), len(human) - 1]
        assert human[-1].emotion == turns[-1].emotion == turns[-3].emotion == "happy"
        for turn, answer in zip(turns[0:-4:2], turns[1:-4:2], strict=False):
            felt = ("sad", turn.level - 2, "slow1") if turn.level > 2 else ("", 1, "")
            assert (answer.emotion, answer.level, answer.speed) == felt
        seen.add(len(human))
    assert seen == {2, 3, 4, 5, 6}


def test_an_emotion_answered_by_the_same_rises_and_another_begins_anew():
    for n in range(200):
        turns = small_talk(Random(n))
        strength = next((turn.level for turn in turns if turn.emotion), 0)
        for before, turn in pairwise(turns):
            if turn.emotion and turn.emotion == before.emotion:
                assert turn.level == min(before.level + 1, 5)
            elif turn.emotion and before.emotion:
                assert turn.level == strength
