"""Merges the streams of several tokenizers into one stream of an utterance.

JoinedRow(utterance, codes={"style": …, "pitch": …})  ->  Codes(tokenizers=("style", "pitch"), which=(0, 1, 1, …), …)
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from weft.pipelines.parts.joining import JoinedRow
from weft.pipelines.stage import Stage, rejected
from weft.schemas.audio import Codes
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.recipe_sections import StreamSettings
from weft.tokenizers.merging import Merged, by_time, in_groups
from weft.tokenizers.stream import Stream


class Merge(Stage):
    """`name` is the stream's name in the recipe. Utterances that hold no whole group, or no code at all, are rejected."""

    name: str
    stream: StreamSettings

    @property
    def makes(self) -> type:
        return Codes

    def __call__(self, rows: Iterable[JoinedRow]) -> Iterator[Codes | Reject]:
        for row in rows:
            merged = merge([row.codes[name] for name in self.stream.of], self.stream)
            if merged.ids:
                yield merged
            else:
                wrong = f"{row.utterance.seconds:.3f} s hold no {_group(self.stream)}"
                yield rejected(row.utterance, "merge", Unusable("no_group", wrong))


def merge(codes: Sequence[Codes], stream: StreamSettings) -> Codes:
    """The codes of one utterance by several tokenizers as one stream."""
    streams = [stream_of(one) for one in codes]
    merged = by_time(streams) if stream.merge == "time" else in_groups(streams, stream.sizes)
    return _codes(codes, merged)


def stream_of(codes: Codes) -> Stream:
    """The codes of one tokenizer with their durations."""
    starts = np.array(codes.starts, np.int64)
    durations = np.diff(starts, append=codes.ticks).astype(np.int32)
    return Stream(codes.rate, np.array(codes.ids, np.int32), durations)


def _codes(codes: Sequence[Codes], merged: Merged) -> Codes:
    return Codes(
        key=codes[0].key,
        seconds=codes[0].seconds,
        tokenizers=tuple(name for one in codes for name in one.tokenizers),
        models=tuple(model for one in codes for model in one.models),
        rate=float(merged.rate),
        ticks=merged.ticks,
        which=tuple(merged.which.tolist()),
        ids=tuple(merged.ids.tolist()),
        starts=tuple(merged.starts.tolist()),
    )


def _group(stream: StreamSettings) -> str:
    """What there must be one of at least: `group of 2 linguistic and 3 semantic`, or merged by time, `code`."""
    if stream.merge == "time":
        return "code"
    return "group of " + " and ".join(f"{size} {name}" for size, name in zip(stream.sizes, stream.of, strict=True))
