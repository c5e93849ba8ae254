"""Aligns the words of utterances with their audio: a start and an end in seconds for each.

Utterance(text="and then")  ->  Alignment(words=(Word("and", 0.31, 0.52), Word("then", 0.52, 0.80)))
"""

from collections.abc import Iterable, Iterator, Sequence

from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.aligners import given
from weft.pipelines.aligners.base import Aligner
from weft.pipelines.aligners.common.utterances import align_utterances
from weft.pipelines.audio.batches import by_seconds
from weft.pipelines.audio.reader import AudioReader
from weft.pipelines.models.folders import ALIGNER, verified_folder
from weft.pipelines.stage import Stage, rejected
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Alignment, Utterance
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.resources import Resources


class Align(Stage):
    """Uses the word times that came with an utterance; the aligner times the others."""

    aligner: SerializeAsAny[Aligner]
    _audio: AudioReader = PrivateAttr()

    @property
    def makes(self) -> type:
        return Alignment

    def setup(self, store: Store) -> None:
        self._audio = AudioReader(store)
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
        """The alignment of each utterance, or why it has none, in order."""
        timed = align_utterances(self._timed, self._audio, [u for u in batch if u.words])
        untimed = align_utterances(self.aligner, self._audio, [u for u in batch if not u.words])
        for utterance in batch:
            yield next(timed if utterance.words else untimed)

    @property
    def _timed(self) -> Aligner:
        """What takes the word times that came with utterances."""
        return self.aligner if isinstance(self.aligner, given.Aligner) else given.Aligner()
