"""Templates of English sentences, and how one is filled.

sentence_of(Random(7), TOPICS[4])  ->  "Before dawn, there was a soft bandage at the pharmacy to please a friend."
"""

import re
from random import Random

from weft.pipelines.writers.common.lexicon import SHARED, Topic

_CLAUSES = (
    "the {person} {act} {whose} {quality} {thing}",
    "the {person} {act} {whose} {thing} near the {place}",
    "the {quality} {thing} stood behind the {place}",
    "{name} {act} {whose} {thing} at the {place}",
    "we {act} {number} {quality} things at the {place}",
    "the {person} and the {person} {act} {whose} {thing}",
    "there was a {quality} {thing} at the {place}",
    "{whose} {person} {act} the {thing} {how}",
    "nobody {act} the {thing} from the {place}",
    "the {person} was {feeling} about {whose} {thing}",
    "they {act} a {thing} and a {quality} {thing}",
)
_SENTENCES = (
    "{clause}",
    "{clause} {when}",
    "{when} {clause}",
    "{clause}, but {weather}",
    "{clause} {link} {clause}",
    "{when}, {clause} {aim}",
    "{name} {said} that {clause}",
    "{clause}, {link} {clause} {when}",
    "the {person} {said} that {clause}, {link} {clause} {aim}",
    "{when} {weather}, and {clause}",
    "because {weather}, {clause} {aim}",
    "{clause} while {weather}, and {name} {said} that {clause}",
    "{name} {said} that {clause}, {link} {clause}",
)
_WORDS = range(6, 29)


class _Slots(dict[str, str]):
    """Fills a template: every slot is drawn anew, and a clause is itself a template."""

    def __init__(self, random: Random, topic: Topic) -> None:
        own = {"person": topic.people, "thing": topic.things, "place": topic.places, "act": topic.acts}
        self._lists = {**SHARED, **own, "quality": topic.qualities}
        self._random = random

    def __missing__(self, slot: str) -> str:
        if slot == "clause":
            return self._random.choice(_CLAUSES).format_map(self)
        return self._random.choice(self._lists[slot])


def sentence_of(random: Random, topic: Topic) -> str:
    slots = _Slots(random, topic)
    while True:
        text = random.choice(_SENTENCES).format_map(slots)
        if len(text.split()) in _WORDS and not _repeats(text):
            return written(text)


def _repeats(text: str) -> bool:
    """Whether a long word comes twice: "the ladder and a dusty ladder" reads like a slip."""
    words = [word for word in re.findall(r"\w+", text) if len(word) > 4]
    return len(set(words)) < len(words)


def written(text: str) -> str:
    """Articles, the capital and the full stop."""
    text = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)
    return f"{text[0].upper()}{text[1:]}."
