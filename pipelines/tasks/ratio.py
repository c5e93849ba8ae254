"""Fixed-ratio interleaving of text and one or more streams: `sizes[n]` tokens of each, and again.

    of: [text, fsq], sizes: [1, 4]                      [tts] t a a a a t a a a a … pad a a a a        Step-Audio 2, as served (§2)
    of: [text, dual], sizes: [10, 15]                   ten text tokens, three groups of 2 : 3        Step-Audio-AQAA (§3.2)
    of: [text, linguistic, semantic], sizes: [10, 6, 9]

Text that ends first is padded with the marker `text_pad`, or without one, the audio goes on alone. Audio that ends first is
padded with `audio_pad` as `pad_audio` says, or the rest of the text follows alone.
"""

from random import Random
from typing import Annotated, Literal

from pydantic import Field, model_validator

from weft.pipelines.tasks import base
from weft.pipelines.tasks.base import Material, Spoken
from weft.pipelines.tasks.common.sample_builder import SampleBuilder

TEXT = "text"


class Task(base.Task):
    """`of` names text and streams in the order of a group. `start` and `stop` are the markers at both ends of the sample ("": none).

    `pad_audio`: `none`; `whole` groups to the end; or as Step-Audio 2 is `served`: only where there are more text than audio tokens,
    to as many as there are text tokens.
    """

    of: tuple[str, ...] = Field(min_length=2)
    sizes: tuple[Annotated[int, Field(ge=1)], ...]
    text_pad: str = ""
    audio_pad: str = ""
    pad_audio: Literal["none", "served", "whole"] = "whole"
    leading_space: bool = True
    start: str = "speech"
    stop: str = ""

    @model_validator(mode="after")
    def _fits(self) -> "Task":
        if len(self.of) != len(self.sizes):
            raise ValueError(
                f"`of` names {len(self.of)} streams and `sizes` has {len(self.sizes)} numbers: give one for each"
            )
        if self.of.count(TEXT) != 1 or len(set(self.of)) < len(self.of):
            raise ValueError("`of` names `text` once, and each stream once")
        return self

    @property
    def streams(self) -> tuple[str, ...]:
        return tuple(name for name in self.of if name != TEXT)

    @property
    def markers(self) -> frozenset[str]:
        return frozenset({self.start, self.stop, self.text_pad, self.audio_pad}) - {""}

    def compose(self, material: Material, builder: SampleBuilder, random: Random) -> None:
        queues = self._padded(builder, self._queues(material.spoken[0], builder))
        if self.start:
            builder.marker(self.start)
        while any(queues):
            for n, (name, size) in enumerate(zip(self.of, self.sizes, strict=True)):
                modality, role = ("text", "text") if name == TEXT else ("speech", "units")
                builder.tokens(queues[n][:size], modality, 0.0, 0.0, role, loss=True)
                queues[n] = queues[n][size:]
        if self.stop:
            builder.marker(self.stop)

    def _queues(self, spoken: Spoken, builder: SampleBuilder) -> list[list[int]]:
        """The tokens of each of `of`, in order."""
        text = f" {spoken.text}" if self.leading_space else spoken.text
        return [builder.text_ids(text) if name == TEXT else builder.code_ids(spoken.codes[name]) for name in self.of]

    def _padded(self, builder: SampleBuilder, queues: list[list[int]]) -> list[list[int]]:
        texts = len(queues[self.of.index(TEXT)])
        groups = [-(-len(queue) // size) for queue, size in zip(queues, self.sizes, strict=True)]
        audio_groups = max(count for name, count in zip(self.of, groups, strict=True) if name != TEXT)
        padded = []
        for name, size, queue in zip(self.of, self.sizes, queues, strict=True):
            pad = self.text_pad if name == TEXT else self.audio_pad
            length = audio_groups * size if name == TEXT else self._audio_length(len(queue), texts, max(groups) * size)
            padded.append(queue + ([builder.vocabulary.marker(pad).id] * (length - len(queue)) if pad else []))
        return padded

    def _audio_length(self, audio: int, texts: int, whole: int) -> int:
        """Tokens of a stream with its padding."""
        return {"none": audio, "served": max(audio, texts), "whole": whole}[self.pad_audio]
