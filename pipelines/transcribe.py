"""Utterances without a text get one; a text that was given wins.

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
    """Clips in which no word was found, or too little to be sure of, are rejected."""

    transcriber: SerializeAsAny[Transcriber]
    _store: Store = PrivateAttr()

    @property
    def makes(self) -> type:
        return Utterance

    @property
    def resources(self) -> Resources:  # type: ignore[override]
        return self.transcriber.resources

    def setup(self, store: Store) -> None:
        self._store = store
        self.transcriber.setup()

    def __call__(self, utterances: Iterable[Utterance]) -> Iterator[Utterance | Reject]:
        for batch in by_seconds(utterances, self.transcriber.batch_seconds):
            for utterance, found in zip(batch, self._transcribed(batch), strict=True):
                yield rejected(utterance, "transcribe", found) if isinstance(found, Unusable) else found

    def _transcribed(self, batch: Sequence[Utterance]) -> Iterator[Utterance | Unusable]:
        sounds = {u.key: load_utterance(self._store, u) for u in batch if not u.text}
        found = self.transcriber.transcribe(
            [SpokenClip(s, language_of(u.language)) for u in batch if isinstance(s := sounds.get(u.key), np.ndarray)]
        )
        for utterance in batch:
            sound = sounds.get(utterance.key)
            if isinstance(sound, Unusable):
                yield sound
            else:
                yield utterance if sound is None else self._written(utterance, next(found))

    def _written(self, utterance: Utterance, found: Transcript | Unusable) -> Utterance | Unusable:
        if isinstance(found, Unusable):
            return found
        if not found.text.strip():
            return Unusable("nothing_heard", "the transcriber heard no words")
        if found.confidence < self.transcriber.min_confidence:
            sure = f"{found.confidence:.2f}, where min_confidence is {self.transcriber.min_confidence:g}"
            return Unusable("unsure", f"{sure}: {found.text[:80]!r}")
        name = type(self.transcriber).__module__.rpartition(".")[2]
        return replace(
            utterance, text=" ".join(found.text.split()), language=utterance.language or found.language,
            confidence=found.confidence, transcriber=f"{name} {self.transcriber.version()}",
        )  # fmt: skip
