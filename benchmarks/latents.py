"""Memory of work on samples with latent audio: a part of 1,000 clips of 25 s, from composing to the tars.

Each piece of work runs alone in one process. Its figure is the peak of resident memory while it runs, above what the process held
before it. What is held must be a slice of the part, not the part.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from weft.benchmarks.support import speech
from weft.benchmarks.support.common import MB, Figure, alone, in_child, peak, scratch
from weft.jobs.build import build
from weft.jobs.engine import End, LocalEngine
from weft.pipelines.audio.sound import flac
from weft.pipelines.models.folders import checksum_of
from weft.pipelines.parts.tables import part_name
from weft.pipelines.storage.store import Store
from weft.schemas.fingerprint import digest

CLIPS, SECONDS, DISTINCT, RATE = 1000, 25, 20, 16000
TITLE = f"latents: memory of work on {CLIPS:,} clips of {SECONDS} s with latent audio"
KINDS = ("compose", "order", "shards")
LIMIT = 300  # MB


def measure(folder: Path) -> list[Figure]:
    with scratch(folder / "latents") as place:
        _write_clips(place / "raw")
        (peaks, size, content), _ = in_child(_build, place)
    print(f"digest of the tars: {content}")
    return [
        Figure("composed part", size / MB, "MB"),
        *(Figure(f"{kind}: peak above what was held before", peaks[kind] / MB, "MB", limit=LIMIT) for kind in KINDS),
    ]


def _write_clips(folder: Path) -> None:
    """Files with a transcript each; a few contents, to be quick."""
    folder.mkdir()
    for number in range(CLIPS):
        file = folder / f"{number:04d}.flac"
        if number < DISTINCT:
            file.write_bytes(flac(_noise(number), RATE))
        else:
            os.link(folder / f"{number % DISTINCT:04d}.flac", file)
        file.with_suffix(".txt").write_text("What is said in it.")


def _noise(seed: int) -> np.ndarray:
    """Noise of as many bytes a second as speech, about, in FLAC."""
    white = np.random.default_rng(seed).normal(size=SECONDS * RATE)
    loudness = 0.03 * (1 + np.sin(np.arange(len(white)) / 2000))
    return (np.convolve(white, np.ones(4) / 4, "same") * loudness).astype(np.float32)


def _recipe(folder: Path) -> dict[str, Any]:
    names = ("start", "patch", "end")
    markers = [{"marker": f"audio-{n}", "literal": f"<audio_{n}>", "modality": "audio"} for n in names]
    turns = [{"role": "human", "say": "audio"}, {"role": "assistant", "say": "text"}]
    stage = {
        "mixture": {"unit": "samples", "total": CLIPS, "shares": {"asr": 1}, "exhausted": "stop"},
        "context": 1024,
        "model": {"config": {"model_type": "llama"}},
        "optimiser": {"lr": 1e-3, "batch_tokens": 8192},
    }
    return {
        "name": "latents",
        "part_size": CLIPS,
        "sources": {"read": {"use": "folder", "path": str(folder / "raw")}},
        "align": {"use": "none"},
        "encoder": {"use": "step_audio"},
        "text": {"use": "bpe", "size": 300},
        "vocabulary": {"tokens": markers},
        "tasks": {"asr": {"use": "turns", "sources": ["read"], "turns": turns}},
        "training": {"align": stage},
    }


@dataclass
class Measuring(LocalEngine):
    """Notes the peak of each piece of work above what was held before, by the first folder of what it makes."""

    store: Store
    peaks: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.store)

    def finished(self, wait: bool = True) -> End | None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = peak()
        end = super().finished(wait)
        if end:
            kind = end.work.makes.partition("/")[0]
            self.peaks[kind] = max(self.peaks.get(kind, 0), peak() - before)
        return end


def _build(folder: Path) -> tuple[dict[str, int], int, str]:
    """The peaks, the bytes of the composed part, and a digest of the tars."""
    store = Store(str(folder / "corpus"))
    engine = Measuring(store)
    build(speech.pipeline(folder, _recipe(folder)), store, engine, lambda event: None, lambda works: None)
    tars = digest([checksum_of(store, tar) for tar in store.names("shards", ".tar")])
    return engine.peaks, store.size(part_name("compose/asr/pass-0/read", 0)), tars


if __name__ == "__main__":
    alone(TITLE, measure)
