"""A stage: plain Python over records, ignorant of ranks, clusters and paths.

    class Align(Stage):
        aligner: Aligner                                  # a setting
        def setup(self, store): self.aligner.setup()      # once a worker
        def __call__(self, utterances): ...               # yields Alignment or Reject

Conservation is checked by whoever runs it: each input must turn up as the `parent` of an output or a reject.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from weft.pipelines.store import Store
from weft.schemas.audio import Utterance
from weft.schemas.fingerprint import digest
from weft.schemas.ledger import Reject
from weft.schemas.settings import Settings


class Unusable(Exception):
    """An item that a stage cannot use: `reason` is one short fixed word, `detail` a sentence about this item."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


def rejected(utterance: Utterance, stage: str, fault: Unusable) -> Reject:
    """The row that says why a stage could not use an utterance."""
    where = utterance.key, stage, utterance.source, utterance.audio.uri
    return Reject(*where, fault.reason, fault.detail, utterance.seconds)


@dataclass(frozen=True, slots=True)
class Resources:
    """What one worker of a stage holds; `cpus` is also the number of threads its libraries may use."""

    cpus: int = 1
    gpus: float = 0

    @classmethod
    def on(cls, device: str) -> "Resources":
        """A core, and the GPU where torch's `device` is one."""
        return cls(gpus=1.0 if device.startswith("cuda") else 0.0)


class Stage(Settings):
    """Fields are its settings and make its identity; `setup` runs once a worker, `__call__` once a part."""

    resources: ClassVar[Resources] = Resources()
    makes_seconds: ClassVar[bool] = False

    @property
    def makes(self) -> type:
        """The record that comes out."""
        raise NotImplementedError

    def setup(self, store: Store) -> None:
        """Loads models. `store` is the corpus, to read from."""

    def version(self) -> str:
        """The version of the backend, part of the fingerprint."""
        return "1"

    def identity(self) -> str:
        """A digest of the settings and the backend's version."""
        return digest([type(self).__name__, self.model_dump(mode="json"), self.version()])

    def parent(self, record: Any) -> str:
        """The key of the input that an output was made from."""
        return record.key

    def doubled(self, records: Sequence[Any]) -> float:
        """Seconds of the input that lie in more than one output, each time after the first."""
        return 0.0

    def __call__(self, records: Iterable[Any]) -> Iterator[Any]:
        raise NotImplementedError
