"""Utterances get their words in time.

Utterance(text="and then")  ->  Alignment(words=(Word("and", 0.31, 0.52), Word("then", 0.52, 0.80)))
"""

from collections.abc import Iterable, Iterator

from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.aligners import given
from weft.pipelines.aligners.base import Aligner
from weft.pipelines.sound import load
from weft.pipelines.stage import Stage, Unusable
from weft.pipelines.store import Store
from weft.schemas.audio import Alignment, Utterance
from weft.schemas.ledger import Reject

ALIGNER = "aligner"  # where the corpus keeps what its aligner has learned


class Align(Stage):
    """Timing that came with the utterance is taken; the aligner finds the rest."""

    aligner: SerializeAsAny[Aligner]
    _store: Store = PrivateAttr()

    @property
    def makes(self) -> type:
        return Alignment

    def version(self) -> str:
        return self.aligner.version()

    def setup(self, store: Store) -> None:
        self._store = store
        self.aligner.setup()
        if self.aligner.training_seconds:
            self.aligner.load(store.folder(ALIGNER))

    def __call__(self, utterances: Iterable[Utterance]) -> Iterator[Alignment | Reject]:
        for utterance in utterances:
            try:
                yield self._aligned(utterance)
            except Unusable as fault:
                yield Reject(
                    utterance.key, "align", utterance.source, utterance.audio.uri, fault.reason, fault.detail,
                    utterance.seconds,
                )  # fmt: skip

    def _aligned(self, utterance: Utterance) -> Alignment:
        if utterance.words:
            return given.Aligner().align_utterance(utterance, None)
        if not utterance.text:
            raise Unusable("no_transcript", "there is no text to align; tasks that need none still use it")
        samples = load(self._store, utterance.audio, utterance.start, utterance.end)
        return self.aligner.align_utterance(utterance, samples)
