"""A small corpus of clean speech, spoken on the spot and built up to its aligned and encoded parts.

bench/speech/raw/speaker03/0003.flac  0003.txt        bench/speech/corpus/segment/speech/part-00000.parquet …
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from weft.benchmarks.support.arms import WORKERS
from weft.benchmarks.support.common import Figure
from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.demo import write_once
from weft.jobs.engine import Engine
from weft.jobs.ray_engine import RayEngine
from weft.jobs.schedule import WorkEvent, run
from weft.pipelines.audio.sound import flac
from weft.pipelines.graph import Pipeline
from weft.pipelines.parts.stage_work import PartWork
from weft.pipelines.parts.tables import part_name, read_part
from weft.pipelines.parts.work import Work
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.base import Style
from weft.pipelines.voices.espeak import Voice
from weft.pipelines.writers.grammar import sentences
from weft.schemas.audio import Utterance

SENTENCES, SEED, PART_SIZE = 400, 11, 64
# voices whose words the acoustic model scores well, so that the check's second pass is the exception
CAST = (
    ("gmw/en-US", "f5"),
    ("gmw/en-US", "f2"),
    ("gmw/en-US-nyc", "f5"),
    ("gmw/en-US-nyc", "edward"),
    ("gmw/en", "f5"),
)


def speak(folder: Path, count: int = SENTENCES) -> None:
    """Writes sentences as audio beside text, unless they are there."""
    speak_lines(folder, sentences(count, SEED))


def speak_lines(folder: Path, lines: Iterable[str], cast: Sequence[tuple[str, str]] = CAST) -> list[Path]:
    """Writes each line as audio beside text, in one voice after another, unless it is there. Returns the audio files."""
    voice = Voice()
    paths: list[Path] = []
    voice.setup()
    for number, line in enumerate(lines):
        stem = folder / f"speaker{number % len(cast):02d}" / f"{number:05d}"
        name, variant = cast[number % len(cast)]
        style = Style(voice=name, variant=variant)

        def spoken(text: str = line, style: Style = style) -> bytes:
            speech = voice.speak(text, style)
            return flac(speech.samples, speech.rate)

        write_once(stem.with_suffix(".flac"), spoken)
        write_once(stem.with_suffix(".txt"), lambda text=line: f"{text}\n".encode())  # type: ignore[misc]
        paths.append(stem.with_suffix(".flac"))
    return paths


def recipe(folder: Path) -> dict[str, Any]:
    """The stages of the demo's recipe over this speech. HuBERT gets a few steps only: its speed is that of any weights."""
    return {
        "name": "bench",
        "part_size": PART_SIZE,
        "sources": {"speech": {"use": "folder", "path": str(folder / "raw"), "licence": "CC0-1.0"}},
        "align": {"use": "sphinx"},  # whose kernel is known
        "tokenizers": {"hubert": {"use": "hubert", "training": {"seconds": 30, "steps": 3}}},
        "tasks": {"words": {"use": "words", "sources": ["speech"], "text_words": [3, 8], "speech_words": [3, 6]}},
    }


def pipeline(folder: Path, recipe: dict[str, Any]) -> Pipeline:
    """A recipe written into the folder and read as any other."""
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), "utf-8")
    return read_pipeline(str(path))


@dataclass(frozen=True)
class SpeechCorpus:
    """A built corpus, the engine that built it, and the work it took by node."""

    store: Store
    engine: Engine
    works: dict[str, list[Work]]

    @classmethod
    def built(cls, folder: Path, store: Store, engine: Engine) -> "SpeechCorpus":
        """Speaks and builds what is not there yet."""
        speak(folder / "raw")
        speech = cls(store, engine, {})
        build(pipeline(folder, recipe(folder)), store, engine, lambda event: None, speech._expect)
        return speech

    @classmethod
    def measure(cls, folder: Path, figures: Callable[["SpeechCorpus"], list[Figure]]) -> list[Figure]:
        """What is measured on it, with an engine of two workers, whatever cluster runs on this machine."""
        (folder / "speech").mkdir(parents=True, exist_ok=True)
        store = Store(str(folder / "speech/corpus"))
        engine = RayEngine(store.url, address="local", workers=WORKERS)
        try:
            return figures(cls.built(folder / "speech", store, engine))
        finally:
            engine.close()

    def _expect(self, works: Sequence[Work]) -> None:
        for work in works:
            self.works.setdefault(work.node, []).append(work)

    def again(self, node: str) -> None:
        """Does a node's work anew, as a build does it. Raises AssertionError where some of it counts as done."""
        self.store.manifests = None  # that of the build before, which lists the parts that are removed here
        for work in self.works[node]:
            self.store.remove(work.makes)
        events: list[WorkEvent] = []
        run(self.works[node], self.store, self.engine, events.append)
        assert all(event.what == "done" for event in events), f"{node}: some work was not done again"

    def utterances(self, node: str) -> list[list[Utterance]]:
        """The utterances in each part of `node`."""
        parts = [work.part for work in self.works[node] if isinstance(work, PartWork)]
        return [read_part(self.store, part_name("segment/speech", part), Utterance) for part in parts]
