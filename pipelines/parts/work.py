"""What the scheduler can have done: a piece of work makes one file of the corpus from others.

    OrderWork(of="compose/words/pass-0/speech", parts=4, …).run(store)      makes order/words/pass-0/speech-held.parquet

A kind of work says what it `makes` and `needs` (names in the corpus), what it is `made_from`, and how it is `run`; `BaseWork` does the
rest. What it was made from is in its fingerprint, so a piece of work is done exactly when nothing that it depends on has changed.
"""

from typing import Protocol

from weft.pipelines.parts.tables import footer_of, made_from_of
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.changes import reasons
from weft.schemas.fingerprint import digest
from weft.schemas.reading import ReadSettings
from weft.schemas.resources import Resources


class Work(Protocol):
    """Anything that the scheduler can have done. Only `run` changes the corpus."""

    @property
    def node(self) -> str:
        """The stage and source that it belongs to, such as `align/speech`."""

    @property
    def makes(self) -> str:
        """The file whose presence says that it was done; it is written last."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The files that must be there before it can run."""

    @property
    def resources(self) -> Resources: ...

    @property
    def reading(self) -> ReadSettings | None:
        """How often it asks again for a source's files; None where it reads the corpus alone."""

    @property
    def frozen(self) -> bool:
        """Whether it stays done when what it was made from changes."""

    def made_from(self, store: Store) -> dict[str, str]:
        """What it is made from, by name. Raises FileNotFoundError while an input is missing."""

    def fingerprint(self, store: Store) -> str:
        """The digest of all that it is made from. Raises FileNotFoundError while an input is missing."""

    def recorded(self, store: Store) -> dict[str, str] | None:
        """What the present file was made from; None where there is none, or it cannot be read."""

    def done(self, store: Store) -> bool:
        """Whether the present file is whole and made from the present inputs. Raises FileNotFoundError as `made_from` does."""

    def why(self, store: Store) -> list[str] | None:
        """How inputs and settings differ from those of the present file; None where there is none."""

    def note(self, store: Store) -> str:
        """What to say of work that is done, such as that a model is frozen."""

    def run(self, store: Store) -> int:
        """Makes the file; returns the number of records in it."""


class BaseWork:
    """What all kinds of work share."""

    @property
    def beside(self) -> tuple[str, ...]:
        """Other files that belong to the one it makes."""
        return ()

    @property
    def resources(self) -> Resources:
        return Resources()

    @property
    def reading(self) -> ReadSettings | None:
        return None

    @property
    def frozen(self) -> bool:
        return False

    def fingerprint(self: Work, store: Store) -> str:
        return digest(self.made_from(store))

    def recorded(self: Work, store: Store) -> dict[str, str] | None:
        return made_from_of(store, self.makes)

    def done(self: "_WithFiles", store: Store) -> bool:
        footer = footer_of(store, self.makes)
        return (
            footer is not None
            and footer.fingerprint == self.fingerprint(store)
            and all(store.exists(name) for name in self.beside)
        )

    def why(self: Work, store: Store) -> list[str] | None:
        old = self.recorded(store)
        return None if old is None else reasons(old, self.made_from(store))

    def note(self, store: Store) -> str:
        return ""


class _WithFiles(Work, Protocol):
    @property
    def beside(self) -> tuple[str, ...]: ...


def is_done(work: Work, store: Store) -> bool:
    """Whether a piece of work is done; false where its inputs are missing or damaged."""
    try:
        return work.done(store)
    except (FileNotFoundError, Damaged):
        return False
