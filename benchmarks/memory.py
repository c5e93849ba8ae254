"""Peak memory as the corpus grows 1, 4 and 16 times: a build, its audit and the training stream, each in a child process.

The corpus is speech with transcripts (aligned, encoded, interleaved) and 60 times as much text, built by the local
engine, so one process does all that the driver and its workers do. What is held must be a part, not the corpus: from 4
to 16 times the size, peaks may grow by a tenth. The stream maps its tars; mapped pages are the kernel's to drop, so its
own memory is what counts, and the mapped peak stands beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weft.benchmarks.support import speech
from weft.benchmarks.support.common import MB, Figure, alone, anonymous, in_child, scratch
from weft.jobs.build import build
from weft.jobs.demo import write_once
from weft.jobs.engine import LocalEngine
from weft.pipelines.mixing.audit import audit
from weft.pipelines.storage.store import Store
from weft.pipelines.writers.grammar import documents
from weft.trainer.loader import DrawReader
from weft.trainer.stream import BatchStream, StreamState

SCALES = (1, 4, 16)
CLIPS, PARAGRAPHS = 8, 3000  # at scale 1
PART_SIZE, STRETCH, SHARD_BYTES = 16, 16384, 2e6
TITLE = "memory: peak of each process as the corpus grows"


@dataclass(frozen=True, slots=True)
class Peaks:
    """Peak resident bytes at one scale; `own` is the stream's without mapped files."""

    build: float
    audit: float
    stream: float
    own: float
    draws: int


def measure(folder: Path) -> list[Figure]:
    with scratch(folder / "memory") as place:
        peaks = [_at(place / f"x{scale}", scale) for scale in SCALES]
    figures = [Figure(f"draws at {s}x", p.draws, "draws") for s, p in zip(SCALES, peaks, strict=True)]
    rows: list[tuple[str, Callable[[Peaks], float]]] = [
        ("build", lambda p: p.build),
        ("audit", lambda p: p.audit),
        ("training stream, its own", lambda p: p.own),
    ]
    for name, of in rows:
        figures += [Figure(f"{name} at {s}x", of(p) / MB, "MB") for s, p in zip(SCALES, peaks, strict=True)]
        figures.append(
            Figure(name=f"{name}: growth 4x to 16x", value=100 * (of(peaks[2]) / of(peaks[1]) - 1), unit="%", limit=10)
        )
    return [*figures, Figure("training stream with mapped tars at 16x", peaks[2].stream / MB, "MB")]


def _at(folder: Path, scale: int) -> Peaks:
    speech.speak(folder / "raw", CLIPS * scale)
    write_once(folder / "books" / "made.txt", lambda: "\n\n".join(documents(PARAGRAPHS * scale, speech.SEED)).encode())
    _, built = in_child(_build, folder, scale)
    faults, audited = in_child(_audit, folder, scale)
    assert not faults, faults
    (draws, own), streamed = in_child(_stream, folder / "corpus" / "shards" / "pretrain")
    return Peaks(build=built, audit=audited, stream=streamed, own=own, draws=draws)


def _recipe(folder: Path, scale: int) -> dict[str, Any]:
    recipe = speech.recipe(folder)
    recipe["sources"]["books"] = {
        "use": "text",
        "path": str(folder / "books"),
        "documents": "paragraph",
        "stretch": STRETCH,
    }
    recipe["tasks"]["text"] = {"use": "text", "sources": ["books"]}
    mixture = {"total": 300_000 * scale, "shares": {"words": 1, "text": 200}, "exhausted": "repeat", "passes": 20}
    stage = {"mixture": mixture, "context": 1024, "model": {"config": {"model_type": "llama"}}}
    stage["optimiser"] = {"lr": 1e-3, "batch_tokens": 8192}
    return recipe | {"part_size": PART_SIZE, "shards": {"bytes": SHARD_BYTES}, "training": {"pretrain": stage}}


def _build(folder: Path, scale: int) -> None:
    pipeline, store = speech.pipeline(folder, _recipe(folder, scale)), Store(str(folder / "corpus"))
    build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None)


def _audit(folder: Path, scale: int) -> tuple[str, ...]:
    return audit(Store(str(folder / "corpus")), speech.pipeline(folder, _recipe(folder, scale))).faults


def _stream(shards: Path) -> tuple[int, int]:
    """Packs the whole stream; returns its draws and the most memory of its own that this process held."""
    own, draws = 0, DrawReader(shards)
    for batch in BatchStream(draws, 1024, 8).batches(StreamState()):
        if batch.after.step % 20 == 1:
            own = max(own, anonymous())
    return len(draws), own


if __name__ == "__main__":
    alone(TITLE, measure)
