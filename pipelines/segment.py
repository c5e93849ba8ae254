"""Recordings become utterances of one speaker; a spoken dialogue becomes an utterance a turn.

Recording(seconds=754.0)  ->  Utterance(start=0.4, end=9.0), Utterance(start=40.2, end=44.0), …
                              Reject(reason="no_speech", seconds=712.2)      the rest, in one row
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.segmenters.base import Segmenter, Span, cut, merge
from weft.pipelines.sound import blocks
from weft.pipelines.stage import Stage
from weft.pipelines.store import Store
from weft.schemas.audio import Recording, Utterance
from weft.schemas.ledger import Reject
from weft.schemas.text import Dialogue

BLOCK = 120.0  # seconds the segmenter hears at a time


class Segment(Stage):
    """Short recordings stay whole, long ones are cut where nobody speaks."""

    segmenter: SerializeAsAny[Segmenter]
    _store: Store = PrivateAttr()

    @property
    def makes(self) -> type:
        return Utterance

    def version(self) -> str:
        return self.segmenter.version()

    def setup(self, store: Store) -> None:
        self._store = store
        self.segmenter.setup()

    def parent(self, record: Any) -> str:
        return record.recording

    def __call__(self, recordings: Iterable[Recording]) -> Iterator[Utterance | Reject]:
        for recording in recordings:
            if recording.seconds <= self.segmenter.longest:
                yield _utterance(recording, 0, (0.0, recording.seconds))
            elif recording.text:
                detail = f"one transcript for {recording.seconds:.1f} s; give it in pieces of at most {self.segmenter.longest:g} s"
                yield _reject(recording, "long_transcript", detail, recording.seconds)
            else:
                yield from self._pieces(recording)

    def _pieces(self, recording: Recording) -> Iterator[Utterance | Reject]:
        heard = self.segmenter.speech(blocks(self._store, recording.audio, BLOCK))
        spans = cut(merge(heard, self.segmenter.gap, self.segmenter.longest), self.segmenter.longest)
        spans = [(b, min(e, recording.seconds)) for b, e in spans]
        kept = [s for s in spans if s[1] - s[0] >= self.segmenter.shortest]
        for number, span in enumerate(kept):
            yield _utterance(recording, number, span)
        rest = recording.seconds - sum(e - b for b, e in kept)
        yield _reject(recording, "no_speech", f"what lies between {len(kept)} stretches of speech", rest)


def _utterance(recording: Recording, number: int, span: Span) -> Utterance:
    return Utterance(
        f"{recording.key}-{number:04d}", recording.key, recording.source, recording.audio, recording.sha256, *span,
        recording.text, recording.words, recording.speaker, recording.language, recording.licence, recording.emotion,
    )  # fmt: skip


def _reject(recording: Recording, reason: str, detail: str, seconds: float) -> Reject:
    return Reject(recording.key, "segment", recording.source, recording.path, reason, detail, seconds)


class Turns(Stage):
    """A spoken dialogue as utterances that carry the voice's own timing."""

    @property
    def makes(self) -> type:
        return Utterance

    def parent(self, record: Any) -> str:
        return record.recording

    def __call__(self, dialogues: Iterable[Dialogue]) -> Iterator[Utterance]:
        for dialogue in dialogues:
            for number, turn in enumerate(dialogue.turns):
                yield Utterance(
                    f"{dialogue.key}-{number:04d}", dialogue.key, dialogue.source, turn.audio, "", 0.0, turn.seconds,
                    turn.text, turn.words, turn.speaker, dialogue.language, dialogue.licence,
                    turn.emotion, dialogue.key, number,
                )  # fmt: skip
