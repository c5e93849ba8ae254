"""Aligns the words of utterances with their audio: a start and an end in seconds for each.

Utterance(text="and then")  ->  Alignment(words=(Word("and", 0.31, 0.52), Word("then", 0.52, 0.80)))
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.aligners import given
from weft.pipelines.aligners.base import Aligner, speaker_of
from weft.pipelines.aligners.common.windows import Sound, align_long
from weft.pipelines.audio.batches import by_seconds
from weft.pipelines.audio.sound import load, load_utterance
from weft.pipelines.models.folders import verified_folder
from weft.pipelines.stage import Stage, rejected
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Alignment, Utterance
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.resources import Resources

ALIGNER = "aligner"  # the corpus's folder of the aligner's trained model


class Align(Stage):
    """Uses the word times that came with an utterance; the aligner times the others."""

    aligner: SerializeAsAny[Aligner]
    _store: Store = PrivateAttr()

    @property
    def makes(self) -> type:
        return Alignment

    def setup(self, store: Store) -> None:
        self._store = store
        self.aligner.setup()
        if self.aligner.training_seconds:
            self.aligner.load(verified_folder(store, ALIGNER))

    @property
    def resources(self) -> Resources:  # type: ignore[override]
        return self.aligner.resources

    def __call__(self, utterances: Iterable[Utterance]) -> Iterator[Alignment | Reject]:
        for batch in by_seconds(utterances, self.aligner.batch_seconds):
            for utterance, alignment in zip(batch, self._aligned(batch), strict=True):
                yield rejected(utterance, "align", alignment) if isinstance(alignment, Unusable) else alignment

    def _aligned(self, batch: Sequence[Utterance]) -> Iterator[Alignment | Unusable]:
        long = {u.key for u in batch if u.text and not u.words and u.seconds > self.aligner.longest}
        sounds = {u.key: load_utterance(self._store, u) for u in batch if u.text and not u.words and u.key not in long}
        loaded = [(u, s) for u in batch if isinstance(s := sounds.get(u.key), np.ndarray)]
        alignments = self.aligner.align_utterances(loaded)
        for utterance in batch:
            sound = sounds.get(utterance.key)
            if utterance.key in long:
                yield self._in_windows(utterance)
            elif isinstance(sound, Unusable):
                yield sound
            else:
                yield _from_own_words(utterance) if sound is None else next(alignments)

    def _in_windows(self, utterance: Utterance) -> Alignment | Unusable:
        """An utterance that is longer than the aligner takes at once."""

        def read(start: float, end: float) -> np.ndarray:
            return load(self._store, utterance.audio, utterance.start + start, utterance.start + end)

        try:
            self.aligner.check(utterance)
            sound = Sound(read=read, seconds=utterance.seconds, speaker=speaker_of(utterance))
            return self.aligner.alignment(utterance, align_long(self.aligner, sound, (utterance.text or "").split()))
        except Unusable as fault:
            return fault


def _from_own_words(utterance: Utterance) -> Alignment | Unusable:
    """The alignment by the word times that came with the utterance."""
    if not utterance.words:
        return Unusable("no_transcript", "there is no text to align; tasks that need none still use it")
    try:
        return given.Aligner().align_utterance(utterance, None)
    except Unusable as fault:
        return fault
