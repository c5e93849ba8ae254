"""Word-level interleaving, Spirit LM's rule (arXiv 2402.05755 §3.2): text and speech alternate at word boundaries.

    [Text] and so my fellow americans ask not what [Speech][Hu7][Hu41]…[Hu3][Text] do for your country

Span lengths and the first modality are drawn uniformly. A tail below its modality's minimum joins the span before it.
A code belongs to the span in which it begins, so that spans that meet neither lose nor repeat one.
The draws are seeded by (sample key, pass): interleaving is done at build time, and each new pass gets new spans.
"""

from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import ClassVar

from pydantic import field_validator

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.audio import Alignment
from weft.schemas.ledger import Unusable


@dataclass(frozen=True, slots=True)
class WordSpan:
    """Words `begin` to `end` of an utterance in one modality."""

    modality: str
    begin: int
    end: int


class Task(base.SpokenTask):
    """Spans of `text_words` and `speech_words` words, [least, most]; utterances below both least lengths are rejected."""

    aligned: ClassVar[bool] = True

    text_words: tuple[int, int] = (10, 30)
    speech_words: tuple[int, int] = (5, 15)

    @field_validator("text_words", "speech_words")
    @classmethod
    def _range(cls, length: tuple[int, int]) -> tuple[int, int]:
        least, most = length
        if not 1 <= least <= most:
            raise ValueError(f"a span of {least} to {most} words is no range")
        return length

    def version(self) -> str:
        return "2"

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({"text", "speech"})

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        spoken = material.spoken[0]
        words, codes = spoken.words.words, spoken.codes[self.stream]
        bounds = boundaries(spoken.words)
        for span in self.spans(len(words), random):
            start, stop = bounds[span.begin], bounds[span.end]
            builder.marker(span.modality)
            if span.modality == "text":
                builder.text("".join(f" {w.text}" for w in words[span.begin : span.end]), start, stop)
            else:
                builder.codes(codes, start, stop if span.end < len(words) else None)

    def spans(self, words: int, random: Random) -> list[WordSpan]:
        """Spans that cover words 0 to `words` once, in order, in alternating modality. Raises Unusable."""
        least = {"text": self.text_words[0], "speech": self.speech_words[0]}
        if words < sum(least.values()):
            raise Unusable(
                "too_few_words",
                f"{words} words are too few for spans of {least['text']} text and {least['speech']} speech words",
            )
        modality = random.choice(("text", "speech"))
        spans: list[WordSpan] = []
        while not spans or spans[-1].end < words:
            begin = spans[-1].end if spans else 0
            other = "speech" if modality == "text" else "text"
            end = begin + self._length(modality, random)
            if not spans:  # leave room for a span of the other modality
                end = min(end, words - least[other])
            spans.append(WordSpan(modality, begin, words if words - end < least[other] else end))
            modality = other
        return spans

    def _length(self, modality: str, random: Random) -> int:
        return random.randint(*(self.text_words if modality == "text" else self.speech_words))


def boundaries(alignment: Alignment) -> list[float]:
    """Seconds at which spans may meet: its ends, and the middle of the pause between each two words."""
    return [0.0, *((a.end + b.start) / 2 for a, b in pairwise(alignment.words)), alignment.seconds]
