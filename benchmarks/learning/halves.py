"""An utterance that changes its modality once, in the middle: what a model knows of one half from the other.

[Text] and so my fellow americans ask[Speech][Hu7][Hu41]…      or      [Speech][Hu3]…[Text] do for your country
"""

from random import Random

from weft.pipelines.tasks import words
from weft.pipelines.tasks.words import WordSpan
from weft.schemas.ledger import Unusable


class Task(words.Task):
    """As `words`, with two spans. Utterances of one word are rejected."""

    def spans(self, words: int, random: Random) -> list[WordSpan]:
        if words < 2:
            raise Unusable("too_few_words", "one word has no halves")
        first, second = random.sample(("text", "speech"), 2)
        return [WordSpan(first, 0, words // 2), WordSpan(second, words // 2, words)]
