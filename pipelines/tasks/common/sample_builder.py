"""Builds a sample span by span: token ids, and a record of each span.

builder.text(" and then", loss=True)          Span("text", begin=4, end=7)
builder.units(units, 1.2, 3.4, loss=True)     Span("speech", begin=8, end=44, start=1.2, stop=3.4)
"""

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from weft.schemas.audio import Units
from weft.schemas.sample import Span
from weft.schemas.vocabulary import Vocabulary


class SampleBuilder:
    """Collects the ids and segments of one sample; times are seconds of its utterance."""

    def __init__(self, vocabulary: Vocabulary, encode: Callable[[str], list[int]]) -> None:
        self.vocabulary, self._encode = vocabulary, encode
        self.ids: list[int] = []
        self.segments: list[Span] = []

    def begin(self) -> None:
        """The BOS token, where the vocabulary has one; nothing predicts it."""
        if self.vocabulary.bos is not None:
            self._add([self.vocabulary.bos], "text", "bos", loss=False)

    def marker(self, name: str, role: str = "", loss: bool = True) -> None:
        """A marker by its name in the recipe's vocabulary; it counts as its own modality."""
        marker = self.vocabulary.marker(name)
        self._add([marker.id], marker.modality, role or "marker", loss=loss)

    def text(self, text: str, start: float = 0.0, stop: float = 0.0, role: str = "text", loss: bool = True) -> None:
        self._add(self._encode(text), "text", role, start, stop, loss)

    def units(self, units: Units, start: float, stop: float, role: str = "units", loss: bool = True) -> None:
        """The units of frames round(start × rate) to round(stop × rate): spans that meet share no frame."""
        codes = slice_units(units, frame(start, units.rate), frame(stop, units.rate))
        self._add(self.codes(units, codes), "speech", role, start, stop, loss)

    def codes(self, units: Units, codes: tuple[int, ...]) -> list[int]:
        """Ids of the unified vocabulary for codes of one tokenizer."""
        book = self.vocabulary.codebook(units.tokenizer)
        assert all(0 <= code < book.size for code in codes)
        return [book.first + code for code in codes]

    def tokens(self, ids: list[int], modality: str, start: float, stop: float, role: str, loss: bool) -> None:
        """Ids that are already of the unified vocabulary."""
        self._add(ids, modality, role, start, stop, loss)

    def text_ids(self, text: str) -> list[int]:
        return self._encode(text)

    def _add(
        self, ids: list[int], modality: str, role: str, start: float = 0.0, stop: float = 0.0, loss: bool = True
    ) -> None:
        if ids:
            begin = len(self.ids)
            self.ids.extend(ids)
            self.segments.append(
                Span(modality=modality, role=role, begin=begin, end=len(self.ids), start=start, stop=stop, loss=loss)
            )


def frame(seconds: float, rate: float) -> int:
    """The frame boundary nearest to a time."""
    return int(seconds * rate + 0.5)


def slice_units(units: Units, first: int, last: int) -> tuple[int, ...]:
    """Codes of the runs that frames `first` to `last` touch; a run across the cut is on both sides of it."""
    ends = list(accumulate(units.durations))
    if first >= last or not ends:
        return ()
    begin = bisect_right(ends, first)
    end = bisect_right(ends, last - 1)
    return units.ids[begin : end + 1]
