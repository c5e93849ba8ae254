"""Utterances without a text get one; a text that was given wins.

Utterance(text=None)  ->  Utterance(text="and then", language="en", transcriber="faster-whisper-1.2.1 large-v3", confidence=0.93)
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.aligners.spoken import language_of
from weft.pipelines.batches import by_seconds
from weft.pipelines.sound import load
from weft.pipelines.stage import Resources, Stage, Unusable
from weft.pipelines.store import Store
from weft.pipelines.transcribers.base import Spoken, Transcriber, Transcript
from weft.schemas.audio import Utterance
from weft.schemas.ledger import Reject


class Transcribe(Stage):
    """What nothing was heard in, or too little to be sure, is rejected."""

    transcriber: SerializeAsAny[Transcriber]
    _store: Store = PrivateAttr()

    @property
    def makes(self) -> type:
        return Utterance

    @property
    def resources(self) -> Resources:  # type: ignore[override]
        return self.transcriber.resources

    def version(self) -> str:
        return self.transcriber.version()

    def setup(self, store: Store) -> None:
        self._store = store
        self.transcriber.setup()

    def __call__(self, utterances: Iterable[Utterance]) -> Iterator[Utterance | Reject]:
        for batch in by_seconds(utterances, self.transcriber.batch_seconds):
            heard = self.transcriber.transcribe([self._spoken(u) for u in batch if not u.text])
            for utterance in batch:
                yield utterance if utterance.text else self._written(utterance, next(heard))

    def _spoken(self, utterance: Utterance) -> Spoken:
        samples = load(self._store, utterance.audio, utterance.start, utterance.end)
        return Spoken(samples, language_of(utterance.language))

    def _written(self, utterance: Utterance, heard: Transcript | Unusable) -> Utterance | Reject:
        if isinstance(heard, Unusable):
            return _reject(utterance, heard.reason, heard.detail)
        if not heard.text.strip():
            return _reject(utterance, "nothing_heard", "the transcriber heard no words")
        if heard.confidence < self.transcriber.min_confidence:
            sure = f"{heard.confidence:.2f}, where min_confidence is {self.transcriber.min_confidence:g}"
            return _reject(utterance, "unsure", f"{sure}: {heard.text[:80]!r}")
        language = utterance.language or heard.language
        name = type(self.transcriber).__module__.rpartition(".")[2]
        return replace(
            utterance, text=" ".join(heard.text.split()), language=language, confidence=heard.confidence,
            transcriber=f"{name} {self.version()}",
        )  # fmt: skip


def _reject(utterance: Utterance, reason: str, detail: str) -> Reject:
    return Reject(utterance.key, "transcribe", utterance.source, utterance.audio.uri, reason, detail, utterance.seconds)
