"""Encodes utterances as a stream of ids, for one tokenizer.

Utterance(start=12.1, end=17.9)  ->  Codes(tokenizers=("hubert",), rate=25.0, ids=(17, 3, 88, …), starts=(0, 2, 3, …))
"""

from collections.abc import Iterable, Iterator, Sequence

from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.audio.batches import by_seconds
from weft.pipelines.audio.reader import AudioReader
from weft.pipelines.models.folders import verified_folder
from weft.pipelines.models.inputs import speech_of
from weft.pipelines.stage import Stage, rejected
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Codes, Utterance
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.resources import Resources
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.stream import Stream


class Encode(Stage):
    """`name` is the tokenizer's name in the recipe; its model lies in the corpus under `models/<name>`."""

    name: str
    tokenizer: SerializeAsAny[SpeechTokenizer]
    _audio: AudioReader = PrivateAttr()

    @property
    def makes(self) -> type:
        return Codes

    def version(self) -> str:
        return "3"

    def setup(self, store: Store) -> None:
        self._audio = AudioReader(store)
        self.tokenizer.load(verified_folder(store, f"models/{self.name}"))

    @property
    def resources(self) -> Resources:  # type: ignore[override]
        return self.tokenizer.resources

    def __call__(self, utterances: Iterable[Utterance]) -> Iterator[Codes | Reject]:
        for batch in by_seconds(utterances, self.tokenizer.batch_seconds):
            for utterance, output in zip(batch, self._encoded(batch), strict=True):
                yield rejected(utterance, "encode", output) if isinstance(output, Unusable) else output

    def _encoded(self, batch: Sequence[Utterance]) -> Iterator[Codes | Unusable]:
        sounds = [self._audio.exact(utterance) for utterance in batch]
        speech = [speech_of(u, s) for u, s in zip(batch, sounds, strict=True) if not isinstance(s, Unusable)]
        streams = self.tokenizer.encode_all(speech)
        for utterance, sound in zip(batch, sounds, strict=True):
            yield sound if isinstance(sound, Unusable) else self._codes(utterance, next(streams))

    def _codes(self, utterance: Utterance, stream: Stream | Unusable) -> Codes | Unusable:
        if isinstance(stream, Unusable):
            return stream
        model = f"{self.tokenizer.version()} {self.tokenizer.checksum}"
        return Codes(
            key=utterance.key,
            seconds=utterance.seconds,
            tokenizers=(self.name,),
            models=(model,),
            rate=stream.rate,
            ticks=int(stream.durations.sum()),
            which=(0,) * len(stream.ids),
            ids=tuple(stream.ids.tolist()),
            starts=tuple(stream.begins.tolist()),
        )
