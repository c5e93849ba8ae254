"""Fixed-ratio interleaving: `sizes[n]` tokens of each of several streams, and again, with the padding of tails.

of: [text, fsq], sizes: [1, 4]                       t a a a a t a a a a … pad a a a a             Step-Audio 2, as served (§2)
of: [text, dual], sizes: [10, 15]                    ten text tokens, three groups of 2 : 3        Step-Audio-AQAA (§3.2)
of: [text, linguistic, semantic], sizes: [10, 6, 9]

Text that ends first is padded with the marker `text_pad`, or without one, the audio goes on alone. Audio that ends first is
padded with `audio_pad` as `pad_audio` says, or the rest of the text follows alone.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from weft.schemas.settings import Settings

TEXT = "text"


class Interleave(Settings):
    """`of` names text and streams in the order of a group.

    `pad_audio`: `none`; `whole` groups to the end; or as Step-Audio 2 is `served`: only where there are more text than audio tokens,
    to as many audio tokens as there are groups.
    """

    of: tuple[str, ...] = Field(min_length=2)
    sizes: tuple[Annotated[int, Field(ge=1)], ...]
    text_pad: str = ""
    audio_pad: str = ""
    pad_audio: Literal["none", "served", "whole"] = "whole"

    @model_validator(mode="after")
    def _fits(self) -> "Interleave":
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
        """The pads, by name."""
        return frozenset({self.text_pad, self.audio_pad}) - {""}

    def interleaved(self, queues: list[list[int]], pads: dict[str, int]) -> Iterator[tuple[str, list[int]]]:
        """The tokens of each of `of` (`queues`), group by group, with the name of what a run is of. `pads` are ids of the markers."""
        padded = list(self._padded(queues, pads))
        while any(padded):
            for n, size in enumerate(self.sizes):
                yield self.of[n], padded[n][:size]
                padded[n] = padded[n][size:]

    def _padded(self, queues: list[list[int]], pads: dict[str, int]) -> Iterator[list[int]]:
        groups = [-(-len(queue) // size) for queue, size in zip(queues, self.sizes, strict=True)]
        audio_groups = max(count for name, count in zip(self.of, groups, strict=True) if name != TEXT)
        for name, size, queue in zip(self.of, self.sizes, queues, strict=True):
            pad = self.text_pad if name == TEXT else self.audio_pad
            length = audio_groups * size if name == TEXT else self._audio_length(queues, max(groups), size)
            yield queue + [pads[pad]] * (length - len(queue)) if pad else queue

    def _audio_length(self, queues: list[list[int]], groups: int, size: int) -> int:
        """Tokens of each stream with its padding, where `groups` groups are written."""
        texts = len(queues[self.of.index(TEXT)])
        audio = max(len(queue) for name, queue in zip(self.of, queues, strict=True) if name != TEXT)
        return {"none": 0, "served": groups if texts > audio else 0, "whole": groups * size}[self.pad_audio]
