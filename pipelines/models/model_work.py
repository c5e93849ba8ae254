"""Work that makes the models of a corpus: speech tokenizers and the aligner."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from weft.pipelines.aligners.base import Aligner, Clip, speaker_of
from weft.pipelines.audio.sound import load_utterance
from weft.pipelines.models.base_work import ModelWork, backend_facts, committed_model, digest_of_parts, refusals
from weft.pipelines.models.folders import ALIGNER, OWN, model_is_complete
from weft.pipelines.models.inputs import speech_of
from weft.pipelines.models.progress import steps_in_file
from weft.pipelines.models.training_set import ANY_UTTERANCE, TO_BE_ALIGNED, WITH_TEXT, sample_utterances
from weft.pipelines.parts.unread import all_unread
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Utterance
from weft.schemas.fingerprint import content, digest
from weft.schemas.learning import report_step
from weft.schemas.ledger import Unavailable, UnreadItems, Unusable
from weft.schemas.reading import ReadSettings
from weft.schemas.resources import Resources
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.models.card import check_card, update_checksum, write_card
from weft.tokenizers.models.folder import forget_speakers
from weft.tokenizers.stream import Speech

_NO_SAMPLES = np.zeros(0, np.float32)


@dataclass(frozen=True)
class _SpeechModelWork(ModelWork):
    """Makes the folder of the speech tokenizer that the recipe calls `name`."""

    name: str

    @property
    def node(self) -> str:  # type: ignore[override]
        return f"models/{self.name}"


@dataclass(frozen=True)
class TokenizerWork(_SpeechModelWork):
    """Trains a speech tokenizer on utterances chosen by their keys, or copies the checkpoint that it names."""

    tokenizer: SpeechTokenizer
    parts: tuple[str, ...]
    seed: int
    # one thread: with two, the last bit of a gradient sometimes depended on their timing
    resources: Resources = Resources()
    frozen: bool = False
    checks: tuple[str, ...] = ()
    reading: ReadSettings = ReadSettings()

    def made_from(self, store: Store) -> dict[str, str]:
        return self._made_from(store, self._training_utterances(store))

    def _made_from(self, store: Store, utterances: Sequence[Utterance]) -> dict[str, str]:
        """What it is made from, with these utterances as its training set."""
        clips = {u.key: (u.sha256, u.start, u.end, self._labels(u)) for u in utterances}
        return {**self.backend(store), **_training_set(clips)}

    def backend(self, store: Store) -> dict[str, str]:
        contents = {f"content {name}": content(at) for name, at in self.tokenizer.checkpoint_settings()}
        return {**backend_facts(self.tokenizer, self.seed), **contents}

    def inputs(self, store: Store) -> str:
        return digest_of_parts(store, self.parts)

    def run(self, store: Store) -> int:
        with steps_in_file(store, self.node):
            chosen = self._training_utterances(store)
            clips = list(_readable(store, self.node, chosen))
            made_from = self._made_from(store, chosen)
            with committed_model(store, self.node, made_from, inputs=self.inputs(store)) as folder:
                self._train(clips, folder)
        return len(clips)

    def _train(self, clips: Sequence[tuple[Utterance, np.ndarray]], folder: Path) -> None:
        self.tokenizer.train([Speech(samples, **self._labels(u)) for u, samples in clips], folder, self.seed)
        write_card(folder, self.tokenizer, [utterance for utterance, _ in clips])

    def _labels(self, utterance: Utterance) -> dict[str, str]:
        """The fields of an utterance, besides its samples, that the tokenizer learns from, by name."""
        speech = speech_of(utterance, _NO_SAMPLES)
        return {name: getattr(speech, name) for name in self.tokenizer.learns_from}

    def _training_utterances(self, store: Store) -> list[Utterance]:
        only = WITH_TEXT if "text" in self.tokenizer.learns_from else ANY_UTTERANCE
        return sample_utterances(
            store, self.parts, self.tokenizer.training_seconds, seed=self.seed, name=self.name, only=only
        )


@dataclass(frozen=True)
class CopyWork(_SpeechModelWork):
    """Copies a tokenizer that was trained elsewhere into the corpus. Once it is gone from there, the copy is kept."""

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
            return model_is_complete(store, self.node)
        return super().done(store)

    def run(self, store: Store) -> int:
        with committed_model(store, self.node, self.made_from(store)) as folder:
            self._copy(folder)
        return 0

    def _copy(self, folder: Path) -> None:
        tokenizer = self.tokenizer.model_copy()
        check_card(Path(self.folder), tokenizer)
        for file in sorted(p for p in Path(self.folder).iterdir() if p.is_file() and p.name not in OWN):
            shutil.copyfile(file, folder / file.name)
        forget_speakers(folder)
        update_checksum(folder, tokenizer)


@dataclass(frozen=True)
class AlignerWork(ModelWork):
    """Trains an aligner on utterances chosen by their keys, of those with a text and without timing."""

    aligner: Aligner
    parts: tuple[str, ...]
    seed: int
    resources: Resources = Resources()
    frozen: bool = False
    checks: tuple[str, ...] = ()
    reading: ReadSettings = ReadSettings()

    node = ALIGNER

    def made_from(self, store: Store) -> dict[str, str]:
        return self._made_from(store, self._training_utterances(store))

    def _made_from(self, store: Store, utterances: Sequence[Utterance]) -> dict[str, str]:
        """What it is made from, with these utterances as its training set."""
        clips = {u.key: (u.sha256, u.start, u.end, u.text, speaker_of(u), u.language) for u in utterances}
        return {**self.backend(store), **_training_set(clips)}

    def backend(self, store: Store) -> dict[str, str]:
        return backend_facts(self.aligner, self.seed)

    def inputs(self, store: Store) -> str:
        return digest_of_parts(store, self.parts)

    def run(self, store: Store) -> int:
        chosen = self._training_utterances(store)
        aligner = self.aligner.model_copy()
        with refusals(self.node):
            aligner.setup()
        with steps_in_file(store, self.node):
            readable = _readable(
                store, self.node, [u for u in chosen if aligner.can_align(u) and u.seconds <= aligner.longest]
            )
            clips = [
                Clip(s, words, speaker_of(u)) for u, s in readable if (words := aligner.spoken_words(u.text or ""))
            ]
            made_from = self._made_from(store, chosen)
            with committed_model(store, self.node, made_from, inputs=self.inputs(store)) as folder:
                aligner.train(clips, folder, seed=self.seed)
        return len(clips)

    def _training_utterances(self, store: Store) -> list[Utterance]:
        return sample_utterances(
            store, self.parts, self.aligner.training_seconds, seed=self.seed, name=self.node, only=TO_BE_ALIGNED
        )


def _readable(store: Store, node: str, utterances: Sequence[Utterance]) -> Iterator[tuple[Utterance, np.ndarray]]:
    """Utterances with their samples. Files that broke after ingest are left out; the next stage rejects them. Raises UnreadItems."""
    for number, utterance in enumerate(utterances):
        report_step("clips read", number + 1, len(utterances))
        try:
            samples = load_utterance(store, utterance)
        except Unavailable as fault:
            raise UnreadItems(all_unread(store, node, utterances, fault)) from None
        if not isinstance(samples, Unusable):
            yield utterance, samples


def _training_set(utterances: Mapping[str, Any]) -> dict[str, str]:
    return {f"utterance {key}": digest(fields)[:16] for key, fields in utterances.items()}
