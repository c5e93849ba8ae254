"""Work that makes a model the corpus holds: speech tokenizers, the aligner, the text tokenizer and vocabulary.

A model's folder is whole once its `model.json` is there, and stands for what its `fingerprint` says it was made from: by name,
as JSON. A frozen one stands whatever became of what it learnt from.
"""

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import pyarrow as pa

from weft.pipelines.align import ALIGNER
from weft.pipelines.aligners.base import Aligner, Clip, speaker_of
from weft.pipelines.audio.sound import load_utterance
from weft.pipelines.encode import speech_of
from weft.pipelines.models.folders import OWN, commit_model, model_stands, recorded, recorded_inputs
from weft.pipelines.models.progress import steps_in_file
from weft.pipelines.models.training_set import ANY_UTTERANCE, TO_BE_ALIGNED, WITH_TEXT, picked
from weft.pipelines.parts.stage_work import digest_of, model_manifest
from weft.pipelines.parts.tables import read_table
from weft.pipelines.parts.unread import all_unread
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Utterance
from weft.schemas.changes import named_settings, training_set_changes, without_training_set
from weft.schemas.faults import RecipeError
from weft.schemas.fingerprint import content, digest
from weft.schemas.learning import report_step
from weft.schemas.ledger import Unavailable, UnreadItems, Unusable
from weft.schemas.reading import ReadSettings
from weft.schemas.recipe import VocabularySettings
from weft.schemas.resources import Resources
from weft.schemas.settings import Versioned
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.models.card import check_card, seal, write_card
from weft.tokenizers.models.folder import forget_speakers
from weft.tokenizers.stream import Speech
from weft.tokenizers.text import TextTokenizer

BEFORE_LEARNING = ("ingest", "synthesize", "segment", "transcribe", "assess")  # stages
_NO_SAMPLES = np.zeros(0, np.float32)


class _ModelWork(ABC):
    """Makes the folder `node`. A frozen one is done while all but what it learnt from is the same."""

    node: str
    frozen: bool = False
    parts: tuple[str, ...]
    checks: tuple[str, ...]

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

    def fingerprint(self, store: Store) -> str:
        return digest(self.made_from(store))

    def recorded(self, store: Store) -> dict[str, str] | None:
        """What the model that stands was made from; None where there is none."""
        return recorded(store, self.node) if store.exists(model_manifest(self.node)) else None

    def done(self, store: Store) -> bool:
        old = self.recorded(store)
        if not old or not model_stands(store, self.node):
            return False
        if self.frozen or self._same_inputs(store):
            return without_training_set(old) == self.backend(store)
        return old == self.made_from(store)

    def note(self, store: Store) -> str:
        """Of one that is done: whether it is frozen, and what has changed of its training set since it was trained."""
        if not self.frozen:
            return ""
        same = self._same_inputs(store)
        found = [] if same else training_set_changes(self.recorded(store) or {}, self.made_from(store))
        return f"{self.node}: frozen" + (f" ({', '.join(found)} since it was trained)" if found else "")


@dataclass(frozen=True)
class _SpeechModelWork(_ModelWork):
    """Makes the folder of the speech tokenizer that the recipe calls `name`."""

    name: str

    @property
    def node(self) -> str:  # type: ignore[override]
        return f"models/{self.name}"

    @property
    def makes(self) -> str:
        return model_manifest(self.node)

    def made_from(self, store: Store) -> dict[str, str]:
        raise NotImplementedError


@dataclass(frozen=True)
class TokenizerWork(_SpeechModelWork):
    """Trains a speech tokenizer on utterances picked by their keys, or copies in the checkpoint it names."""

    tokenizer: SpeechTokenizer
    parts: tuple[str, ...]
    seed: int
    resources: Resources = (
        Resources()
    )  # one thread: with two, now and then the last bit of a gradient hung on their timing
    frozen: bool = False
    checks: tuple[str, ...] = ()
    reading: ReadSettings = ReadSettings()

    def made_from(self, store: Store) -> dict[str, str]:
        return self._learning(store, self._picked(store))

    def _learning(self, store: Store, chosen: Sequence[Utterance]) -> dict[str, str]:
        """What it is made from where it learns from these."""
        clips = {u.key: (u.sha256, u.start, u.end, self._known(u)) for u in chosen}
        return {**self.backend(store), **_training_set(clips)}

    def backend(self, store: Store) -> dict[str, str]:
        contents = {f"content {name}": content(at) for name, at in self.tokenizer.checkpoint_settings()}
        return {**_backend(self.tokenizer, self.seed), **contents}

    def inputs(self, store: Store) -> str:
        return _digest_of(store, self.parts)

    def run(self, store: Store) -> int:
        with steps_in_file(store, self.node):
            chosen = self._picked(store)
            clips = list(_readable(store, self.node, chosen))
            made_from = self._learning(store, chosen)
            _make_model(store, self.node, made_from, lambda folder: self._train(clips, folder), self.inputs(store))
        return len(clips)

    def _train(self, clips: Sequence[tuple[Utterance, np.ndarray]], folder: Path) -> None:
        self.tokenizer.train([Speech(samples, **self._known(u)) for u, samples in clips], folder, self.seed)
        write_card(folder, self.tokenizer, [utterance for utterance, _ in clips])

    def _known(self, utterance: Utterance) -> dict[str, str]:
        """The fields of an utterance, besides its samples, that the tokenizer learns from."""
        speech = speech_of(utterance, _NO_SAMPLES)
        return {name: getattr(speech, name) for name in self.tokenizer.learns_from}

    def _picked(self, store: Store) -> list[Utterance]:
        keep = WITH_TEXT if "text" in self.tokenizer.learns_from else ANY_UTTERANCE
        return picked(store, self.parts, self.tokenizer.training_seconds, self.seed, self.name, keep)


@dataclass(frozen=True)
class CopyWork(_SpeechModelWork):
    """Copies in a tokenizer that was trained elsewhere; once it is gone from there, the copy stands."""

    tokenizer: SpeechTokenizer
    folder: str
    parts: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()

    @property
    def resources(self) -> Resources:
        return self.tokenizer.resources

    def made_from(self, store: Store) -> dict[str, str]:
        return {"use": "a copy", "content folder": content(self.folder)}

    def done(self, store: Store) -> bool:
        if not Path(self.folder).is_dir():
            return model_stands(store, self.node)
        return super().done(store)

    def run(self, store: Store) -> int:
        _make_model(store, self.node, self.made_from(store), self._copy)
        return 0

    def _copy(self, folder: Path) -> None:
        tokenizer = self.tokenizer.model_copy()
        check_card(Path(self.folder), tokenizer)
        for file in sorted(p for p in Path(self.folder).iterdir() if p.is_file() and p.name not in OWN):
            shutil.copyfile(file, folder / file.name)
        forget_speakers(folder)
        seal(folder, tokenizer)


@dataclass(frozen=True)
class AlignerWork(_ModelWork):
    """Lets an aligner learn from utterances picked by their keys, of those that have a text and no timing yet."""

    aligner: Aligner
    parts: tuple[str, ...]
    seed: int
    resources: Resources = Resources()
    frozen: bool = False
    checks: tuple[str, ...] = ()
    reading: ReadSettings = ReadSettings()

    node = ALIGNER
    makes = model_manifest(ALIGNER)

    def made_from(self, store: Store) -> dict[str, str]:
        return self._learning(store, self._picked(store))

    def _learning(self, store: Store, chosen: Sequence[Utterance]) -> dict[str, str]:
        """What it is made from where it learns from these."""
        clips = {u.key: (u.sha256, u.start, u.end, u.text, speaker_of(u), u.language) for u in chosen}
        return {**self.backend(store), **_training_set(clips)}

    def backend(self, store: Store) -> dict[str, str]:
        return _backend(self.aligner, self.seed)

    def inputs(self, store: Store) -> str:
        return _digest_of(store, self.parts)

    def run(self, store: Store) -> int:
        chosen = self._picked(store)
        aligner = self.aligner.model_copy()
        with _refusals(self.node):
            aligner.setup()
        with steps_in_file(store, self.node):
            readable = _readable(
                store, self.node, [u for u in chosen if aligner.understands(u) and u.seconds <= aligner.longest]
            )
            clips = [Clip(s, words, speaker_of(u)) for u, s in readable if (words := aligner.spoken(u.text or ""))]
            train = partial(aligner.train, clips, seed=self.seed)
            _make_model(store, self.node, self._learning(store, chosen), train, self.inputs(store))
        return len(clips)

    def _picked(self, store: Store) -> list[Utterance]:
        return picked(store, self.parts, self.aligner.training_seconds, self.seed, self.node, TO_BE_ALIGNED)


@dataclass(frozen=True)
class VocabularyWork(_ModelWork):
    """Trains or loads the text tokenizer and lays out the unified vocabulary."""

    text: TextTokenizer
    layout: VocabularySettings
    codebooks: tuple[tuple[str, str, int], ...]
    parts: tuple[str, ...]
    resources: Resources = Resources(cpus=1)
    frozen: bool = False
    checks: tuple[str, ...] = ()
    writes_text: bool = True  # False where no task writes a word of it

    node = "vocabulary"
    makes = model_manifest("vocabulary")

    def made_from(self, store: Store) -> dict[str, str]:
        texts = {f"text {name}": digest_of(store, name) for name in self.parts} if self.text.trains else {}
        # lists, as the order of the markers is that of their ids
        layout = {
            name: list(value.items()) if isinstance(value, dict) else value
            for name, value in self.layout.model_dump(mode="json").items()
        }
        books = {name: [literal, size] for name, literal, size in self.codebooks}
        order = [name for name, _, _ in self.codebooks]
        return {
            **_backend(self.text),
            **named_settings({"vocabulary": layout, "codes": books, "tokenizers": order}),
            **texts,
        }

    def run(self, store: Store) -> int:
        from weft.tokenizers.unified import save, unify

        at = self.layout
        with steps_in_file(store, self.node), _refusals(self.node):
            text = self.text.train(self._at_least_one(store, self._texts(store)))
            vocabulary = unify(
                text, at.markers, self.codebooks, at.pad_to, at.multiple, at.bos, at.codes_from, at.trailing
            )  # fmt: skip
        _make_model(store, self.node, self.made_from(store), lambda folder: save(folder, text, vocabulary))
        return vocabulary.size

    def _at_least_one(self, store: Store, texts: Iterator[str]) -> Iterator[str]:
        """The texts. Raises ValueError where one that trains has none: it would know bytes alone."""
        must_learn = self.text.trains and self.writes_text
        first = next(texts, None) if must_learn else ""
        if first is None:
            raise ValueError(f"nothing to learn from: {self._why_none(store)}")
        return chain([first], texts) if must_learn else texts

    def _why_none(self, store: Store) -> str:
        sources = tuple(dict.fromkeys(name.split("/")[-2] for name in self.parts))
        reasons = rejected(store, sources)
        if reasons and not any(len(read_table(store, name, ["split"])) for name in self.parts):
            counts = ", ".join(f"{items:,} {reason}" for reason, items in reasons.most_common())
            return f"all of {', '.join(sources)} was rejected ({counts}); `weft rejects {quote(store.url)}` shows what and why"
        return f"no text for training in {', '.join(sources)}; name sources with text in `text.sources`"

    def _texts(self, store: Store) -> Iterator[str]:
        for number, name in enumerate(self.parts):
            report_step("parts of text", number + 1, len(self.parts))
            table = read_table(store, name, ["text", "split"])
            yield from table.filter(WITH_TEXT.rows(table))["text"].to_pylist()


def rejected(store: Store, sources: Sequence[str]) -> Counter[str]:
    """Why items of these sources were rejected before anything could learn from them, and how many."""
    folders = (f"rejects/{stage}/{source}" for stage in BEFORE_LEARNING for source in sources)
    tables = (read_table(store, name, ["reason"]) for folder in folders for name in store.names(folder, ".parquet"))
    return Counter(chain.from_iterable(table["reason"].to_pylist() for table in tables))


def _readable(store: Store, node: str, utterances: Sequence[Utterance]) -> Iterator[tuple[Utterance, np.ndarray]]:
    """With their samples; what broke since it was ingested teaches nothing, and the next stage rejects it. Raises UnreadItems."""
    for number, utterance in enumerate(utterances):
        report_step("clips read", number + 1, len(utterances))
        try:
            samples = load_utterance(store, utterance)
        except Unavailable as fault:
            raise UnreadItems(all_unread(store, node, utterances, fault)) from None
        if not isinstance(samples, Unusable):
            yield utterance, samples


def _backend(backend: Versioned, seed: int | None = None) -> dict[str, str]:
    seeded = {} if seed is None else {"setting seed": str(seed)}
    made = {"use": backend.chosen_as, "version": backend.version(), **seeded}
    return {**made, **named_settings(backend.identity_settings())}


def _training_set(utterances: Mapping[str, Any]) -> dict[str, str]:
    return {f"utterance {key}": digest(fields)[:16] for key, fields in utterances.items()}


def _digest_of(store: Store, parts: Sequence[str]) -> str:
    return digest([(name, digest_of(store, name)) for name in parts]) if parts else ""


def _make_model(
    store: Store, folder: str, made_from: dict[str, str], make: Callable[[Path], Any], inputs: str = ""
) -> None:
    """Commits what `make` writes."""
    with _scratch_folder(store, folder, digest(made_from)) as root:
        with _refusals(folder):
            make(root)
        commit_model(store, folder, root, made_from, inputs)


@contextmanager
def _refusals(node: str) -> Iterator[None]:
    """What the settings, the speech or the texts do not allow is for the user to mend: a ValueError becomes a RecipeError."""
    try:
        yield
    except pa.ArrowException:  # a part that is broken; some are ValueErrors
        raise
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
