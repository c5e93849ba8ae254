"""Scripts from a seeded grammar: English sentences, paragraphs and dialogues, without end and without a model.

    sentences(1, seed=7)   ->  "On a rainy afternoon nobody dropped the lamp from the clinic.", …
    documents(1, seed=7)   ->  "Sam stirred their onion at the pantry while nobody else was there, … The aunt served this cake …"
    dialogues(1, seed=7)   ->  ("dialogue-7-000000", (Turn("Jack", "I left my guitar on …", role="human", emotion="sad"), …))

Item i depends on the seed and i alone, so any range of items can be made anywhere and comes out the same.
"""

from collections.abc import Iterator
from random import Random

from weft.pipelines.writers.common.help_desk import help_desk
from weft.pipelines.writers.common.lexicon import TOPICS
from weft.pipelines.writers.common.sentences import sentence_of
from weft.pipelines.writers.common.small_talk import small_talk
from weft.schemas.fingerprint import hash64
from weft.schemas.text import Turn

VERSION = "2"  # of the dialogues; raised whenever an item comes out otherwise
_HELP_DESK = 0.4  # share of the dialogues at the help desk; the others are small talk


def sentences(n: int, seed: int) -> Iterator[str]:
    """`n` sentences of 6 to 28 words, about 14 in the mean."""
    for i in range(n):
        random = Random(hash64("sentence", seed, i))
        yield sentence_of(random, random.choice(TOPICS))


def documents(n: int, seed: int) -> Iterator[str]:
    """`n` paragraphs of 3 to 8 sentences that keep to a topic."""
    for i in range(n):
        random = Random(hash64("document", seed, i))
        topic = random.choice(TOPICS)
        yield " ".join(sentence_of(random, topic) for _ in range(random.randint(3, 8)))


def dialogues(n: int, seed: int) -> Iterator[tuple[str, tuple[Turn, ...]]]:
    """`n` dialogues as key and 4 to 12 turns of a human and an assistant, whose emotions follow from what was said before."""
    for i in range(n):
        random = Random(hash64("dialogue", seed, i))
        write = help_desk if random.random() < _HELP_DESK else small_talk
        yield f"dialogue-{seed}-{i:06d}", write(random)
