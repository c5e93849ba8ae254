"""Transcribes utterances without a text; a given text is used instead of ASR.

Utterance(text=None)  ->  Utterance(text="and then", language="en", transcriber="faster-whisper-1.2.1 large-v3", confidence=0.93)
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.aligners.common.spoken import language_of
from weft.pipelines.audio.batches import by_seconds
from weft.pipelines.audio.sound import load_utterance
from weft.pipelines.stage import Stage, rejected
from weft.pipelines.storage.store import Store
from weft.pipelines.transcribers.base import SpokenClip, Transcriber, Transcript
from weft.schemas.audio import Utterance
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.resources import Resources


class Transcribe(Stage):
    """Rejects clips in which the transcriber finds no words, and transcripts of low confidence."""

    transcriber: SerializeAsAny[Transcriber]
    _store: Store = PrivateAttr()

    @property
    def makes(self) -> type:
        return Utterance

    @property
    def resources(self) -> Resources:  # type: ignore[override]
        return self.transcriber.resources

    def version(self) -> str:
        return "2"

    def setup(self, store: Store) -> None:
        self._store = store
        self.transcriber.setup()

    def __call__(self, utterances: Iterable[Utterance]) -> Iterator[Utterance | Reject]:
        for batch in by_seconds(utterances, self.transcriber.batch_seconds):
            for utterance, output in zip(batch, self._transcribed(batch), strict=True):
                yield rejected(utterance, "transcribe", output) if isinstance(output, Unusable) else output

    def _transcribed(self, batch: Sequence[Utterance]) -> Iterator[Utterance | Unusable]:
        sounds = {u.key: load_utterance(self._store, u) for u in batch if not u.text}
        transcripts = self.transcriber.transcribe(
            [SpokenClip(s, language_of(u.language)) for u in batch if isinstance(s := sounds.get(u.key), np.ndarray)]
        )
        for utterance in batch:
            sound = sounds.get(utterance.key)
            if isinstance(sound, Unusable):
                yield sound
            else:
                yield utterance if sound is None else self._written(utterance, next(transcripts, None))

    def _written(self, utterance: Utterance, transcript: Transcript | Unusable | None) -> Utterance | Unusable:
        if transcript is None:
            raise ValueError(f"the transcriber {self.transcriber.called} gave nothing for {utterance.key}")
        if isinstance(transcript, Unusable):
            return transcript
        if not transcript.text.strip():
            return Unusable("no_words", "the transcriber found no words")
        if transcript.confidence < self.transcriber.min_confidence:
            confidence = f"{transcript.confidence:.2f}, where min_confidence is {self.transcriber.min_confidence:g}"
            return Unusable("unsure", f"{confidence}: {transcript.text[:80]!r}")
        return replace(
            utterance, text=" ".join(transcript.text.split()), language=utterance.language or transcript.language,
            confidence=transcript.confidence, transcriber=f"{self.transcriber.called} {self.transcriber.version()}",
        )  # fmt: skip
