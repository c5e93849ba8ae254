"""The work that makes a model of the corpus: what its kinds share.

A model's folder is complete once its `model.json` is there. Its file `fingerprint` records what it was made from, by name and as JSON.
A frozen model is kept when its training set changes.
"""

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from weft.pipelines.models.folders import commit_model, model_is_complete, recorded, recorded_inputs
from weft.pipelines.parts.committed import digest_of, model_manifest
from weft.pipelines.parts.work import BaseWork
from weft.pipelines.storage.store import Store
from weft.schemas.changes import named_settings, training_set_changes, without_training_set
from weft.schemas.faults import RecipeError, TooLittleData
from weft.schemas.fingerprint import digest
from weft.schemas.settings import Versioned


class ModelWork(BaseWork, ABC):
    """Makes the folder `node`. A frozen model is done while all but its training set is the same."""

    node: str
    frozen: bool = False
    parts: tuple[str, ...]
    checks: tuple[str, ...]

    @property
    def makes(self) -> str:
        return model_manifest(self.node)

    @property
    def needs(self) -> tuple[str, ...]:
        """The parts it learns from, and the checks that must pass before: they change nothing of what it learns."""
        return (*self.parts, *self.checks)

    @abstractmethod
    def made_from(self, store: Store) -> dict[str, str]:
        """What it is made from, by name. Raises FileNotFoundError while an input is missing."""

    def backend(self, store: Store) -> dict[str, str]:
        """The same without what it learns from."""
        return without_training_set(self.made_from(store))

    def inputs(self, store: Store) -> str:
        """A digest of all that its training set is chosen from; empty where it chooses nothing."""
        return ""

    def _same_inputs(self, store: Store) -> bool:
        """Whether its training set is the same because all is the same that it was chosen from: nothing is read for that."""
        inputs = self.inputs(store)
        return bool(inputs) and recorded_inputs(store, self.node) == inputs

    def recorded(self, store: Store) -> dict[str, str] | None:
        """What the present model was made from; None where there is none."""
        return recorded(store, self.node) if store.exists(model_manifest(self.node)) else None

    def done(self, store: Store) -> bool:
        old = self.recorded(store)
        if not old or not model_is_complete(store, self.node):
            return False
        if self.frozen or self._same_inputs(store):
            return without_training_set(old) == self.backend(store)
        return old == self.made_from(store)

    def note(self, store: Store) -> str:
        """Of one that is done: whether it is frozen, and what has changed of its training set since it was trained."""
        if not self.frozen:
            return ""
        same = self._same_inputs(store)
        differences = [] if same else training_set_changes(self.recorded(store) or {}, self.made_from(store))
        return f"{self.node}: frozen" + (f" ({', '.join(differences)} since it was trained)" if differences else "")


def backend_facts(backend: Versioned, seed: int | None = None) -> dict[str, str]:
    seeded = {} if seed is None else {"setting seed": str(seed)}
    made = {"use": backend.backend_name, "version": backend.version(), **seeded}
    return {**made, **named_settings(backend.fingerprint_settings())}


def digest_of_parts(store: Store, parts: Sequence[str]) -> str:
    return digest([(name, digest_of(store, name)) for name in parts]) if parts else ""


@contextmanager
def committed_model(store: Store, folder: str, made_from: dict[str, str], inputs: str = "") -> Iterator[Path]:
    """Where a model is written; it is committed once the block has ended. A ValueError of the block becomes a RecipeError."""
    with _scratch_folder(store, folder, digest(made_from)) as root:
        with refusals(folder):
            yield root
        commit_model(store, folder, root, made_from, inputs)


@contextmanager
def refusals(node: str) -> Iterator[None]:
    """What the settings, the speech or the texts do not allow is for the user to mend: a ValueError becomes a RecipeError."""
    try:
        yield
    except pa.ArrowException:  # a part that is broken; some are ValueErrors
        raise
    except TooLittleData as fault:
        raise TooLittleData(f"{node}: {fault}") from fault
    except ValueError as fault:
        raise RecipeError(f"{node}: {fault}") from fault


@contextmanager
def _scratch_folder(store: Store, folder: str, fingerprint: str) -> Iterator[Path]:
    """Where a model's files are made. In a corpus on disk it outlives a run that is killed, and training goes on from there."""
    if not store.local:
        with tempfile.TemporaryDirectory() as scratch:
            yield Path(scratch)
        return
    root = Path(store.root, "unfinished", folder)
    here = root / fingerprint  # nothing of another model may get among its files
    here.mkdir(parents=True, exist_ok=True)
    yield here
    shutil.rmtree(root)
