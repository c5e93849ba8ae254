"""What `weft build` will reject of a source, as far as its listing and the headers of its audio show.

known_rejects(source, Item(path="talk.flac", text_uri="talk.txt", …), seconds=754.0, longest=30.0)
->   KnownRejects(long_transcripts=1, seconds=754.0)        one transcript for all of it: `weft align` gives times to cut at
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from weft.pipelines.graph import Pipeline
from weft.pipelines.sources import folder, manifest
from weft.pipelines.sources.base import Source
from weft.pipelines.sources.common.files import read_text
from weft.pipelines.storage.store import Store
from weft.schemas.counting import counted
from weft.schemas.item import Item
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.limits import SpeechLimits


@dataclass(frozen=True, slots=True)
class KnownRejects:
    """Counts of recordings; `seconds` is the length of those, or of their stretches, whose one transcript is for too much."""

    long_transcripts: float = 0
    seconds: float = 0.0
    without_text: float = 0

    def __add__(self, other: "KnownRejects") -> "KnownRejects":
        return KnownRejects(
            long_transcripts=self.long_transcripts + other.long_transcripts,
            seconds=self.seconds + other.seconds,
            without_text=self.without_text + other.without_text,
        )

    def scaled(self, by: float) -> "KnownRejects":
        return KnownRejects(
            long_transcripts=self.long_transcripts * by, seconds=self.seconds * by, without_text=self.without_text * by
        )


def known_rejects(source: Source, item: Item, seconds: float, longest: float) -> KnownRejects:
    """Of a recording of `seconds`, where a stretch of more than `longest` with one transcript is rejected.

    Only folders and manifests say in their listing what has a transcript.
    """
    if not isinstance(source, folder.Source | manifest.Source):
        return KnownRejects()
    transcribed = list(_transcribed(source, item, seconds))
    too_long = [length for length in transcribed if length > longest]
    return KnownRejects(
        long_transcripts=bool(too_long), seconds=min(seconds, sum(too_long)), without_text=not transcribed
    )


def names_utterances(source: Source, item: Item) -> bool:
    """Whether the listing shows that a short recording is one utterance: no file beside it may name several."""
    return isinstance(source, folder.Source | manifest.Source) and not item.text_uri.lower().endswith(folder.TIMED)


def _transcribed(source: folder.Source | manifest.Source, item: Item, seconds: float) -> Iterator[float]:
    """The seconds of each stretch with a text and no times of its own; 0 for text with times, or times alone."""
    if item.payload:
        yield from _lines(item.payload, seconds)
    elif item.text_uri:
        is_timed = item.text_uri.lower().endswith(folder.TIMED)
        yield seconds if not is_timed and _has_text(item.text_uri, source.limits) else 0.0


def _lines(payload: str, seconds: float) -> Iterator[float]:
    for line in _parsed(payload):
        if line.get("text") or line.get("words"):
            yield _length(line, seconds) if _is_one_transcript(line) else 0.0


def _parsed(payload: str) -> list[dict[str, Any]]:
    try:
        parsed = json.loads(payload)
    except (ValueError, RecursionError):  # `build` says what is wrong with it
        return []
    return [line for line in (parsed if isinstance(parsed, list) else [parsed]) if isinstance(line, dict)]


def _is_one_transcript(line: dict[str, Any]) -> bool:
    """Whether a line has a text whose words have no times."""
    return bool(line.get("text")) and not line.get("words")


def _length(line: dict[str, Any], seconds: float) -> float:
    duration = line.get("duration")
    is_stretch = line.get("offset") is not None and isinstance(duration, int | float)
    return float(duration) if is_stretch and duration is not None else seconds


def _has_text(uri: str, limits: SpeechLimits) -> bool:
    try:
        return bool(read_text(Store("."), uri, limits).strip())
    except (Unusable, Unavailable):
        return False


def reject_sentences(pipeline: Pipeline, rejects: Mapping[str, KnownRejects]) -> Iterator[str]:
    """What the build will reject of each source, and what to do about it."""
    longest = pipeline.segmenter.longest_labelled
    for name, known in rejects.items():
        if known.long_transcripts:
            yield (
                f"{name}: {counted(known.long_transcripts, 'recording')} with {known.seconds / 3600:,.3f} h under one transcript "
                f"of more than {longest:g} s each; the build rejects them (long_transcript): `weft align` gives them times to cut at"
            )
        tasks = [task for task, made in pipeline.tasks.items() if name in made.sources and "text" in made.markers]
        if known.without_text and tasks and not pipeline.recipe.transcribe:
            yield (
                f"{name}: {counted(known.without_text, 'recording')} without a transcript, and there is no `transcribe:`; "
                f"{', '.join(tasks)} will reject them (no_transcript)"
            )
