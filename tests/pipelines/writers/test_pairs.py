"""Pairs of sentences say the same in English and German, and their words agree."""

import re
from itertools import islice
from random import Random

import pytest

from weft.pipelines.writers.common.two_languages import ADJECTIVES, PEOPLE, THINGS, VERBS, english, german
from weft.pipelines.writers.pairs import pair_of, pairs

NOUNS = {noun.en: noun for noun in (*PEOPLE, *THINGS)}


def test_an_item_depends_on_seed_and_place_alone() -> None:
    many = list(pairs(50, 3))
    assert list(pairs(20, 3)) == many[:20] and list(islice(pairs(1000, 3), 50)) == many
    assert list(pairs(50, 4)) != many and len({key for key, _ in many}) == 50


@pytest.mark.parametrize(
    ("noun", "quality", "subject", "indefinite", "definite"),
    [  # as a grammar book has them
        ("man", "old", "der alte Mann", "einen alten Mann", "den alten Mann"),
        ("woman", "big", "die große Frau", "eine große Frau", "die große Frau"),
        ("child", "small", "das kleine Kind", "ein kleines Kind", "das kleine Kind"),
        ("apple", "red", "der rote Apfel", "einen roten Apfel", "den roten Apfel"),
        ("lamp", "new", "die neue Lampe", "eine neue Lampe", "die neue Lampe"),
        ("house", "beautiful", "das schöne Haus", "ein schönes Haus", "das schöne Haus"),
    ],
)
def test_german_words_agree(noun: str, quality: str, subject: str, indefinite: str, definite: str) -> None:
    one = NOUNS[noun]
    assert german(one, quality, "nominative", True) == subject
    assert german(one, quality, "accusative", False) == indefinite
    assert german(one, quality, "accusative", True) == definite
    assert german(one, quality, "accusative", True, several=True) == f"die {ADJECTIVES[quality]}en {one.des}"


def test_english_articles() -> None:
    assert (
        english(NOUNS["apple"], "old", False) == "an old apple"
        and english(NOUNS["apple"], "red", False) == "a red apple"
    )
    assert english(NOUNS["child"], "small", True, several=True) == "the small children"


def test_whole_sentences_say_the_same() -> None:
    """Every word of a sentence is the other's, by a dictionary that this test makes of the lexicon's rows."""
    for n in range(500):
        pair = pair_of(Random(n))
        assert re.fullmatch(r"[A-Z][a-z A-Z]+\.", pair.en) and re.fullmatch(r"[A-ZÄÖÜ][A-Za-zÄÖÜäöüß ]+\.", pair.de)
        english_words, german_words = pair.en.lower()[:-1].replace("in the garden", "").split(), pair.de[:-1].split()
        verb = next(v for v in VERBS if f" {v.en} " in pair.en or f" {v.ens} " in pair.en)
        several = f" {verb.ens} " in pair.en
        assert (verb.des if several else verb.de) in german_words
        nouns = [noun for noun in NOUNS.values() if {noun.en, noun.ens} & set(english_words)]
        assert 1 <= len(nouns) <= 2
        for noun in nouns:
            assert {noun.de, noun.des} & set(german_words), pair
        subject = next(word for word in english_words if word in {w for noun in PEOPLE for w in (noun.en, noun.ens)})
        assert several == (subject in {noun.ens for noun in PEOPLE}), pair


def test_the_german_verb_stands_second() -> None:
    for n in range(200):
        words = pair_of(Random(n)).de[:-1].split()
        place = next(i for i, word in enumerate(words) if word in {w for v in VERBS for w in (v.de, v.des)})
        assert place == {"Heute": 1, "Jetzt": 1, "Am": 2}.get(words[0], 3)
