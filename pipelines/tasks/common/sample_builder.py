"""Builds a sample span by span: token ids, and a record of each span.

builder.text(" and then", loss=True)          SampleSegment("text", begin=4, end=7)
builder.codes(codes, 1.2, 3.4, loss=True)     SampleSegment("speech", begin=8, end=44, start=1.2, stop=3.4)
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from weft.pipelines.encoders.base import SAMPLE_RATE
from weft.pipelines.tasks.common.interleave import TEXT, Interleave
from weft.pipelines.tasks.common.latents import Latents
from weft.schemas.audio import Codes, Utterance
from weft.schemas.ledger import Unusable
from weft.schemas.sample import PLACEHOLDERS, SampleSegment
from weft.schemas.vocabulary import Vocabulary

Markers = tuple[
    str, str, str
]  # names of the marker that opens latent audio or an image, of each placeholder, and of what closes it


class SampleBuilder:
    """Collects the ids and segments of one sample, its latent `audio` in the order of the sample, and its `image` as PNG. `bounds` are
    where its later documents begin, `answer` what a reply to a prompt is checked with.

    Times are seconds of its utterance; those of placeholders are seconds of all the audio collected.
    """

    def __init__(
        self, vocabulary: Vocabulary, encode: Callable[[str], list[int]], latents: Latents | None = None
    ) -> None:
        self.vocabulary, self._encode, self._latents = vocabulary, encode, latents or Latents()
        self.ids: list[int] = []
        self.segments: list[SampleSegment] = []
        self.bounds: list[int] = []
        self.audio: list[NDArray[np.float32]] = []
        self.image = b""
        self.answer = ""

    def next_document(self) -> None:
        """From here on attention begins anew, with a BOS token of its own where the vocabulary has one."""
        self.bounds.append(len(self.ids))
        self.begin()

    def begin(self) -> None:
        """The BOS token, where the vocabulary has one; nothing predicts it."""
        if self.vocabulary.bos is not None:
            self._add([self.vocabulary.bos], "text", "bos", loss=False)

    def marker(self, name: str, role: str = "", loss: bool = True) -> None:
        """A marker by its name in the recipe's vocabulary ("": none); it counts as its own modality."""
        if not name:
            return
        marker = self.vocabulary.marker(name)
        self._add([marker.id], marker.modality, role or "marker", loss=loss)

    def text(self, text: str, start: float = 0.0, stop: float = 0.0, role: str = "text", loss: bool = True) -> None:
        self._add(self._encode(text), "text", role, start=start, stop=stop, loss=loss)

    def codes(
        self, codes: Codes, start: float = 0.0, stop: float | None = None, role: str = "codes", loss: bool = True
    ) -> None:
        """The codes that begin from `start` to before `stop` seconds, or to the end: spans that meet share none and lose none."""
        end = codes.seconds if stop is None else stop
        self._add(self.code_ids(codes, start, stop), "speech", role, start=start, stop=end, loss=loss)

    def code_ids(self, codes: Codes, start: float = 0.0, stop: float | None = None) -> list[int]:
        """Ids of the unified vocabulary for the codes that begin from `start` to before `stop` seconds, or to the end."""
        books = [self.vocabulary.codebook(name) for name in codes.tokenizers]
        begin = bisect_left(codes.starts, frame(start, codes.rate))
        end = len(codes.ids) if stop is None else bisect_left(codes.starts, frame(stop, codes.rate))
        chosen = list(zip(codes.which[begin:end], codes.ids[begin:end], strict=True))
        assert all(0 <= code < books[which].size for which, code in chosen)
        return [books[which].first + code for which, code in chosen]

    def interleaved(
        self, plan: Interleave, text: str, codes: Mapping[str, Codes], role: str = "", loss: bool = True
    ) -> None:
        """The text and the codes of streams in groups. Every run is a segment of its own."""
        queues = [self._encode(text) if name == TEXT else self.code_ids(codes[name]) for name in plan.of]
        pads = {name: self.vocabulary.marker(name).id for name in plan.markers}
        seconds = max(codes[name].seconds for name in plan.streams)
        for name, ids in plan.interleaved(queues, pads):
            modality, own = ("text", "text") if name == TEXT else ("speech", "codes")
            self._add(ids, modality, role or own, start=0.0, stop=seconds, loss=loss)

    def latent_audio(self, utterance: Utterance, markers: Markers) -> None:
        """Placeholders for what is said, each chunk of it between markers of its own. They never count. Raises Unusable."""
        begin = sum(map(len, self.audio)) / SAMPLE_RATE
        for samples, count in self._latents.chunks(utterance):
            stop = begin + len(samples) / SAMPLE_RATE
            self._placeholders(markers, count, begin, stop)
            self.audio.append(samples)
            begin = stop

    def latent_image(self, png: bytes, markers: Markers) -> None:
        """Placeholders for the image, between markers. They never count. Raises Unusable, also for another image."""
        if self.image not in (b"", png):
            raise Unusable("second_image", "a sample has one image, and this one would have two")
        self._placeholders(markers, self._latents.placeholders(png))
        self.image = png

    def _placeholders(self, markers: Markers, count: int, start: float = 0.0, stop: float = 0.0) -> None:
        first, patch, last = map(self.vocabulary.marker, markers)
        self.marker(first.name, "input", loss=False)
        self._add([patch.id] * count, patch.modality, PLACEHOLDERS, start=start, stop=stop, loss=False)
        self.marker(last.name, "input", loss=False)

    def _add(
        self, ids: list[int], modality: str, role: str, start: float = 0.0, stop: float = 0.0, loss: bool = True
    ) -> None:
        if ids:
            begin = len(self.ids)
            self.ids.extend(ids)
            self.segments.append(
                SampleSegment(
                    modality=modality, role=role, begin=begin, end=len(self.ids), start=start, stop=stop, loss=loss
                )
            )


def frame(seconds: float, rate: float) -> int:
    """The frame boundary nearest to a time."""
    return int(seconds * rate + 0.5)
