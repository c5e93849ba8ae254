"""How fast: the CTC Viterbi beside torchaudio's and WhisperX's on the same log-probabilities, one core each and in turn; the aligners
and the decoding beside real time; the ctc stage beside its model alone.

The peers live in the environment that `make test-backends` makes (.venv-backends); without it they are left out.
"""

import os
import statistics
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from weft.benchmarks.alignment.accuracy import learned
from weft.benchmarks.support.common import MB, Figure, alone, alternate, in_child, peak, seconds
from weft.benchmarks.support.labelled import Labelled, espeak
from weft.benchmarks.support.model import checkpoint
from weft.benchmarks.support.stubs import stub
from weft.outside.process import Outside
from weft.pipelines.aligners import ctc, sphinx
from weft.pipelines.aligners.base import Aligner, Clip
from weft.pipelines.aligners.common.at_once import align_samples
from weft.pipelines.aligners.common.viterbi import best_path
from weft.pipelines.audio.sound import RATE, flac, load
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.tokenizers.features.windows import batches

TITLE = "alignment: speed"
BACKENDS = Path(os.environ.get("BACKENDS", ".venv-backends"))
CLASSES = 32
SIZES = ((10, 150, 9), (30, 450, 9), (600, 9000, 3))  # seconds, tokens, rounds


def measure(folder: Path) -> list[Figure]:
    return [*_viterbi(), *_aligners(), *_decoding(folder), *_busy()]


def problem(length: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities float32 [frames of 20 ms, classes] in which the tokens are likely where they are spoken."""
    rng = np.random.default_rng(length)
    frames = length * 50
    tokens = rng.integers(1, CLASSES, count)
    logits = rng.normal(0, 2, (frames, CLASSES))
    logits[np.linspace(0, frames - 1, count).astype(int), tokens] += 6
    logits[:, 0] += 2
    return (logits - np.log(np.exp(logits).sum(1, keepdims=True))).astype(np.float32), tokens


def _viterbi() -> Iterator[Figure]:
    best_path(*problem(1, 5))  # compiles it
    with tempfile.TemporaryDirectory() as libraries:
        peers = _peers(Path(libraries))
        for length, count, rounds in SIZES:
            yield from _raced(peers, length, count, rounds)


def _peers(libraries: Path) -> Outside | None:
    python = BACKENDS / "bin" / "python"
    if not python.exists():
        return None
    stub(libraries)
    return Outside(str(python.absolute()), str(Path(__file__).parents[1].absolute() / "support/peers.py"), {})


def _raced(peers: Outside | None, length: int, count: int, rounds: int) -> Iterator[Figure]:
    log_probs, tokens = problem(length, count)
    name = f"viterbi, {length} s and {count:,} tokens"
    ours, theirs, others = [], [], []
    question = {"classes": CLASSES, "tokens": tokens.tolist(), "double": False}
    for _ in range(rounds):
        ours.append(seconds(lambda: best_path(log_probs, tokens)))
        if peers:
            theirs.append(peers.ask(question | {"peer": "torchaudio"}, log_probs)["seconds"])
        if peers and length < 600:  # a minute and more, and gigabytes
            others.append(peers.ask(question | {"peer": "whisperx"}, log_probs)["seconds"])
    yield Figure(f"{name}: weft", 1000 * statistics.median(ours), "ms")
    if theirs and peers:
        ratio = statistics.median(t / o for t, o in zip(theirs, ours, strict=True))
        yield Figure(name=f"{name}: torchaudio / weft", value=ratio, unit="x", limit=1.0, at_least=True)
        exact = peers.ask(question | {"peer": "torchaudio", "double": True}, log_probs)
        apart = abs(exact["score"] - best_path(log_probs.astype(np.float64), tokens).score)
        yield Figure(name=f"{name}: scores apart, float64", value=apart, unit="nats", limit=1e-6)
    if others:
        ratio = statistics.median(t / o for t, o in zip(others, ours, strict=True))
        yield Figure(name=f"{name}: WhisperX / weft", value=ratio, unit="x", limit=25.0, at_least=True)
    if peers and length == 600:
        mine = max(1, in_child(_grown, length, count)[0])
        theirs_peak = peers.ask(question | {"peer": "torchaudio"}, log_probs)["peak"]
        yield Figure(f"{name}: memory, weft", mine / MB, "MB over the input")
        yield Figure(name=f"{name}: memory, weft / torchaudio", value=mine / theirs_peak, unit="x", limit=0.25)


def _grown(length: int, count: int) -> int:
    """By how many bytes a process of its own grows while it searches."""
    log_probs, tokens = problem(length, count)
    best_path(*problem(1, 5))
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    best_path(log_probs, tokens)
    return peak() - before


def _aligners() -> Iterator[Figure]:
    clips = espeak()
    audio_seconds = sum(len(c.samples) for c in clips) / RATE
    first = sphinx.Aligner(min_score=-1e9)
    first.setup()
    for name, aligner in (("sphinx", first), ("adapted, once learned", learned(clips))):
        _all(aligner, clips)
        took = statistics.median(seconds(partial(_all, aligner, clips)) for _ in range(3))
        yield Figure(
            name=f"{name}, one core", value=audio_seconds / took, unit="x real time", limit=40.0, at_least=True
        )
    yield Figure("adapted, learning", audio_seconds / seconds(lambda: learned(clips)), "x real time")


def _all(aligner: Aligner, clips: tuple[Labelled, ...]) -> None:
    for clip in clips:
        align_samples(aligner, clip.samples, clip.words, clip.speaker)


def _decoding(folder: Path) -> Iterator[Figure]:
    """FLAC of 44.1 kHz to samples of 16 kHz, through the store, one core."""
    path = folder / "decoding.flac"
    rng = np.random.default_rng(0)
    wave = np.cumsum(rng.normal(0, 1, 60 * 44_100))
    path.write_bytes(flac((0.5 * wave / np.abs(wave).max()).astype(np.float32), 44_100))
    store, audio = Store(str(folder)), Audio(str(path))
    load(store, audio, 0.0, 60.0)
    took = statistics.median(seconds(lambda: load(store, audio, 0.0, 60.0)) for _ in range(5))
    yield Figure(
        name="decode and resample, FLAC 44.1 kHz, one core",
        value=60 / took,
        unit="x real time",
        limit=1500.0,
        at_least=True,
    )
    alone_took = statistics.median(seconds(lambda: soundfile.read(path)) for _ in range(5))
    yield Figure("decode and resample / libsndfile alone", took / alone_took, "x")


def _busy() -> Iterator[Figure]:
    """The ctc aligner over a batch, beside the forwards of the same model over the same batches."""
    with tempfile.TemporaryDirectory() as folder:
        aligner = ctc.Aligner(model=str(checkpoint(Path(folder))), min_score=-1e9)
        aligner.setup()
    clips = [Clip(c.samples, aligner.spoken_words(" ".join(c.words)), c.speaker) for c in espeak()]
    model = aligner._ctc
    windows = [w for n, c in enumerate(clips) for w in model.windowing.windows(n, len(c.samples))]
    packed = list(batches(windows, 120 * RATE, 0.03))
    rows = [[clips[w.clip].samples[w.start : w.end] for w in batch] for batch in packed]

    def forwards() -> None:
        for row in rows:
            list(model._forward(row))

    forwards()
    pair = alternate(lambda: list(aligner.align_clips(clips)), forwards, 5)
    samples = sum(w.samples for w in windows)
    padded = sum(max(w.samples for w in batch) * len(batch) for batch in packed)
    yield Figure(
        name="ctc: model alone / stage", value=100 / pair.ratio, unit="% of the time", limit=90.0, at_least=True
    )
    yield Figure(name="ctc: padding", value=100 * (1 - samples / padded), unit="%", limit=3.0)


if __name__ == "__main__":
    alone(TITLE, measure)
