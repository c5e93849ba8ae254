"""Utterances become one stream of ids a tokenizer.

Utterance(start=12.1, end=17.9)  ->  Units(tokenizer="hubert", rate=25.0, ids=(17, 3, 88, …), durations=(2, 1, 4, …))
"""

from collections.abc import Iterable, Iterator

from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.sound import heard
from weft.pipelines.stage import Stage, Unusable, rejected
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
        for utterance in utterances:
            found = self._encoded(utterance)
            yield rejected(utterance, "encode", found) if isinstance(found, Unusable) else found

    def _encoded(self, utterance: Utterance) -> Units | Unusable:
        samples = heard(self._store, utterance)
        if isinstance(samples, Unusable):
            return samples
        try:
            ids, durations = self.tokenizer.encode(samples)
        except ValueError as fault:
            return Unusable("not_encodable", str(fault))
        model = f"{self.tokenizer.version()} {self.tokenizer.checksum}"
        return Units(
            utterance.key, utterance.seconds, self.name, model, self.tokenizer.rate,
            tuple(ids.tolist()), tuple(durations.tolist()),
        )  # fmt: skip
