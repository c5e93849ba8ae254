"""A stage: plain Python over records, ignorant of ranks, clusters and paths.

    class Align(Stage):
        aligner: Aligner                                  # a setting
        def setup(self, store): self.aligner.setup()      # once a worker
        def __call__(self, utterances): ...               # yields Alignment or Reject

Conservation is checked by whoever runs it: each input must turn up as the `parent` of an output or a reject.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from weft.pipelines.storage.store import Store
from weft.schemas.audio import Recording, Utterance
from weft.schemas.changes import named_settings
from weft.schemas.fingerprint import digest
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.passage import Passage
from weft.schemas.resources import Resources
from weft.schemas.settings import Settings, Versioned
from weft.schemas.text import Dialogue, Document


def rejected(record: Recording | Utterance | Dialogue | Document | Passage, stage: str, fault: Unusable) -> Reject:
    """The row that says why a stage could not use a record, and where it lies."""
    return Reject(
        key=record.key,
        stage=stage,
        source=record.source,
        path=_place(record),
        reason=fault.reason,
        detail=fault.detail,
        seconds=record.seconds,
    )


def _place(record: Recording | Utterance | Dialogue | Document | Passage) -> str:
    if isinstance(record, Dialogue):
        return record.key
    return record.path or (record.audio.uri if isinstance(record, Recording | Utterance) else record.key)


class Stage(Settings):
    """Fields are its settings and count in its fingerprint unless marked; `setup` runs once a worker, `__call__` once a part."""

    resources: ClassVar[Resources] = Resources()
    makes_seconds: ClassVar[bool] = False
    one_by_one: ClassVar[bool] = False  # whether what it makes of an item depends on that item alone

    @property
    def makes(self) -> type:
        """The record that comes out."""
        raise NotImplementedError

    def setup(self, store: Store) -> None:
        """Loads models. `store` is the corpus, to read from."""

    def version(self) -> str:
        """The version of the stage's own code; its backends have theirs."""
        return "1"

    def made_from(self) -> dict[str, str]:
        """What shapes its records, by name: its version and settings, and each backend's, without where and how fast."""
        named = {"use": type(self).__name__, "version": self.version()}
        for name, value in self.fingerprint_settings().items():
            backend = getattr(self, name)
            if isinstance(backend, Versioned):
                named |= {f"use {name}": backend.backend_name, f"version {name}": backend.version()}
                inner = named_settings(value)
                named |= {key if key not in named else f"{key} of {name}": setting for key, setting in inner.items()}
            else:
                named |= named_settings({name: value})
        return {name: value for name, value in named.items() if self.is_decisive(name)}

    def is_decisive(self, name: str) -> bool:
        """Whether what is called so in `made_from` shapes the records."""
        return True

    @property
    def decisive_reading(self) -> tuple[str, ...]:
        """Which settings of the recipe's section `reading` shape its records."""
        return ()

    def fingerprint(self) -> str:
        """A digest of what shapes its records."""
        return digest(self.made_from())

    def parent(self, record: Any) -> str:
        """The key of the input that an output was made from."""
        return record.key

    def doubled(self, records: Sequence[Any]) -> float:
        """Seconds of the input that lie in more than one output, each time after the first."""
        return 0.0

    def size(self, record: Any) -> int:
        """Bytes of an output that may be large: a part is written in slices of so many."""
        return 0

    def counted(self, record: Any) -> Any:
        """The output without them, once it is written: to be counted."""
        return record

    def __call__(self, records: Iterable[Any]) -> Iterator[Any]:
        raise NotImplementedError
