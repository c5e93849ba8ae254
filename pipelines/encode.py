"""Utterances become one stream of ids a tokenizer.

Utterance(start=12.1, end=17.9)  ->  Units(tokenizer="hubert", rate=25.0, ids=(17, 3, 88, …), durations=(2, 1, 4, …))
"""

from collections.abc import Iterable, Iterator

from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.sound import load
from weft.pipelines.stage import Stage
from weft.pipelines.store import Store
from weft.schemas.audio import Units, Utterance
from weft.schemas.fingerprint import version_of
from weft.schemas.ledger import Reject
from weft.tokenizers.base import SpeechTokenizer


class Encode(Stage):
    """`name` is the tokenizer's name in the recipe; its model lies in the corpus under `models/<name>`."""

    name: str
    tokenizer: SerializeAsAny[SpeechTokenizer]
    _store: Store = PrivateAttr()

    @property
    def makes(self) -> type:
        return Units

    def version(self) -> str:
        return f"torch {version_of('torch')}, transformers {version_of('transformers')}"

    def setup(self, store: Store) -> None:
        self._store = store
        self.tokenizer.load(store.folder(f"models/{self.name}"))

    def __call__(self, utterances: Iterable[Utterance]) -> Iterator[Units | Reject]:
        model = f"{self.tokenizer.version()} {self.tokenizer.checksum}"
        for utterance in utterances:
            samples = load(self._store, utterance.audio, utterance.start, utterance.end)
            try:
                ids, durations = self.tokenizer.encode(samples)
            except ValueError as fault:
                yield Reject(
                    utterance.key, "encode", utterance.source, utterance.audio.uri, "not_encodable", str(fault),
                    utterance.seconds,
                )  # fmt: skip
                continue
            yield Units(
                utterance.key, utterance.seconds, self.name, model, self.tokenizer.rate,
                tuple(ids.tolist()), tuple(durations.tolist()),
            )  # fmt: skip
