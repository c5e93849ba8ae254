"""Sentences in English and German that say the same, from a seeded grammar with one lexicon for both.

pairs(1, seed=7)   ->   ("pair-7-000000", SentencePair(en="The big aunt forgets …", de="Die große Tante vergisst …"))
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from weft.pipelines.writers.common.two_languages import (
    ADJECTIVES,
    OF_PEOPLE,
    OF_THINGS,
    PEOPLE,
    PLACES,
    THINGS,
    TIMES,
    VERBS,
    english,
    german,
)
from weft.schemas.fingerprint import hash64

VERSION = "1"  # raised whenever an item comes out otherwise
_SEVERAL = 0.3  # share of subjects, and of objects
_FRONT = 0.3  # share of the sentences that begin with the time


@dataclass(frozen=True, slots=True)
class SentencePair:
    """One sentence in each language."""

    en: str
    de: str

    def text(self, language: str) -> str:
        return self.en if language == "en" else self.de


def pairs(n: int, seed: int) -> Iterator[tuple[str, SentencePair]]:
    """`n` pairs with their keys; the i-th depends on the seed and i alone."""
    for i in range(n):
        yield f"pair-{seed}-{i:06d}", pair_of(Random(hash64("pair", seed, i)))


def pair_of(random: Random) -> SentencePair:
    """Subject, verb and object in the present, with a time and perhaps a place."""
    verb = random.choice(VERBS)
    subject, several = random.choice(PEOPLE), random.random() < _SEVERAL
    quality = random.choice([name for name in ADJECTIVES if name not in OF_THINGS])
    done_to = random.choice(
        [one for one in (*THINGS, *PEOPLE) if one is not subject and not (verb.needs_thing and one.is_person)]
    )
    which = random.choice([name for name in ADJECTIVES if name not in (OF_THINGS if done_to.is_person else OF_PEOPLE)])
    definite, many = random.random() < 0.5, random.random() < _SEVERAL
    time, place = random.choice(list(TIMES.items())), random.choice([("", ""), *PLACES.items()])
    who, whom = (
        english(subject, quality, definite=True, several=several),
        english(done_to, which, definite=definite, several=many),
    )
    wer, wen = (
        german(subject, quality, "nominative", definite=True, several=several),
        german(done_to, which, "accusative", definite=definite, several=many),
    )
    does, tut = (verb.ens, verb.des) if several else (verb.en, verb.de)
    if random.random() < _FRONT:
        return SentencePair(
            en=_sentence(time[0], who, does, whom, place[0]), de=_sentence(time[1], tut, wer, wen, place[1])
        )
    return SentencePair(
        en=_sentence(who, does, whom, place[0], time[0]), de=_sentence(wer, tut, time[1], wen, place[1])
    )


def _sentence(*parts: str) -> str:
    text = " ".join(filter(None, parts))
    return f"{text[0].upper()}{text[1:]}."
