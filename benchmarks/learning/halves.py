"""The second half of an utterance after its first half, each in a modality: what a model knows of one half from the other.

given: speech, say: text, open: text      [Speech][Hu7][Hu41]…[Text] do for your country
given: text, say: text                    [Text] and so my fellow americans ask do for your country

Only the second half counts, without the marker that opens it: a model that never met a marker in this place pays nothing for it.
"""

from random import Random
from typing import ClassVar, Literal

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material, Spoken
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.words import boundaries
from weft.schemas.ledger import Unusable

HalfModality = Literal["text", "speech"]


class Task(base.SpokenTask):
    """`open` is the marker between the halves ("": none). Utterances of one word are rejected."""

    aligned: ClassVar[bool] = True

    given: HalfModality
    say: HalfModality
    open: str = ""

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({self.given, self.open}) - {""}

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        spoken = material.spoken[0]
        words = len(spoken.words.words)
        if words < 2:
            raise Unusable("too_few_words", "one word has no halves")
        builder.marker(self.given, loss=False)
        self._words(self.given, spoken, builder, range(words // 2))
        builder.marker(self.open, loss=False)
        self._words(self.say, spoken, builder, range(words // 2, words))

    def _words(self, modality: HalfModality, spoken: Spoken, builder: SampleBuilder, which: range) -> None:
        """As `words` writes a span. The second half counts."""
        words, counts = spoken.words.words, which.start > 0
        start, stop = (boundaries(spoken.words)[at] for at in (which.start, which.stop))
        if modality == "text":
            builder.text("".join(f" {words[at].text}" for at in which), start, stop, loss=counts)
        else:
            builder.codes(spoken.codes[self.stream], start, stop if which.stop < len(words) else None, loss=counts)
