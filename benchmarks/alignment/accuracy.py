"""Word boundaries beside ones that are known, and what each step of `adapted` is worth.

error of an utterance = the mean over its words of (|start error| + |end error|) / 2; `mean` is the mean over utterances,
`median` and `within` are of all starts and ends together. `alone`: the labelled utterances are all that there is to learn from.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from weft.benchmarks.support.common import Figure, alone
from weft.benchmarks.support.labelled import Labelled, emodb, emur, espeak, others
from weft.pipelines.acoustic import locating
from weft.pipelines.aligners import adapted, sphinx
from weft.pipelines.aligners.base import Aligner, Clip, Unalignable
from weft.pipelines.aligners.common.at_once import align_samples
from weft.pipelines.audio.sound import RATE

TITLE = "alignment: word boundaries against known ones (milliseconds), and transcripts of other clips"
LENIENT = {"min_score": -1e9, "max_seconds": 1800.0}


def measure(folder: Path) -> list[Figure]:
    espeak_table = [*_table("espeak", espeak(), learned(espeak()))]
    if not emur():
        return [*espeak_table, Figure("hand-labelled speech: no shared data here (WEFT_DATA)", 0, "utterances")]
    together, german = (*emur(), *others()), emodb()
    corpus = learned(together)
    return [
        *espeak_table,
        *_table("emur", emur(), learned(emur()), "adapted, alone", limit=18.0),
        *_scores("emur, adapted, with 76 others", emur(), aligned(corpus, emur())),
        *_table("emodb (German)", german, learned(german, language="de"), language="de"),
        *_steps(),
        *_long(corpus, together),
        *_refusals("English", corpus, together),
        *_refusals("German", learned(german, language="de"), german),
    ]


def learned(clips: Sequence[Labelled], **settings: Any) -> Aligner:
    """`adapted`, having learned from these clips and nothing else."""
    aligner = adapted.Aligner(**settings)
    aligner.setup()
    with tempfile.TemporaryDirectory() as folder:
        aligner.train(
            [Clip(c.samples, aligner.spoken_words(" ".join(c.words)), c.speaker) for c in clips], Path(folder), 1
        )
        aligner.load(Path(folder))
    return aligner


def aligned(aligner: Aligner, clips: Sequence[Labelled]) -> list[list[tuple[float, float]]]:
    """Spans of the words of each clip; nothing for one that is refused."""
    out = []
    for clip in clips:
        try:
            out.append([(w.start, w.end) for w in align_samples(aligner, clip.samples, clip.words, clip.speaker).words])
        except Unalignable:
            out.append([])
    return out


def _table(
    name: str,
    clips: Sequence[Labelled],
    aligner: Aligner,
    label: str = "adapted",
    limit: float | None = None,
    language: str = "en-us",
) -> list[Figure]:
    first = sphinx.Aligner(language=language, **LENIENT)
    first.setup()
    theirs = _scores(f"{name}, pocketsphinx", clips, aligned(first, clips))
    ours = _scores(f"{name}, {label}", clips, aligned(aligner, clips), limit)
    return [
        *theirs,
        *ours,
        Figure(name=f"{name}, {label} / pocketsphinx", value=ours[0].value / theirs[0].value, unit="x", limit=1.0),
    ]


def _scores(
    name: str,
    clips: Sequence[Labelled],
    aligned_spans: Sequence[Sequence[tuple[float, float]]],
    limit: float | None = None,
) -> list[Figure]:
    errors = [np.abs(np.array(c.spans) - np.array(f)) * 1000 for c, f in zip(clips, aligned_spans, strict=True) if f]
    every = np.concatenate([e.ravel() for e in errors])
    within = " ".join(f"{100 * np.mean(every <= most):.0f}" for most in (10, 25, 50, 100))
    return [
        Figure(name=f"{name}: mean", value=float(np.mean([e.mean() for e in errors])), unit="ms", limit=limit),
        Figure(f"{name}: median; within 10 25 50 100 ms: {within} %", float(np.median(every)), "ms"),
    ]


def _steps() -> Iterator[Figure]:
    """Each step of `adapted` left out in turn, on both hand-labelled sets."""
    sets = ((emur(), learned((*emur(), *others()))), (emodb(), learned(emodb(), language="de")))
    for name, doubt, edges in (
        ("learned, likeliest path alone", 1.0, False), ("+ medians of the edges", 0.1, False), ("+ edges at pauses", 0.1, True),
    ):  # fmt: skip
        with _only(doubt, edges):
            means = [_scores("", clips, aligned(aligner, clips))[0].value for clips, aligner in sets]
        yield Figure(f"step {name}: English", means[0], "ms")
        yield Figure(f"step {name}: German", means[1], "ms")


@contextmanager
def _only(doubt: float, edges: bool) -> Iterator[None]:
    kept = locating._DOUBT, adapted.at_edges
    locating._DOUBT = doubt
    adapted.at_edges = kept[1] if edges else lambda samples, words: list(words)
    try:
        yield
    finally:
        locating._DOUBT, adapted.at_edges = kept


def _long(aligner: Aligner, clips: Sequence[Labelled]) -> list[Figure]:
    """The clips one after another, twice, a third of a second between them, in one go."""
    row, starts, at = [], [], 0
    for clip in (*clips, *clips):
        starts.append(at / RATE)
        row += [clip.samples, np.random.default_rng(0).normal(0, 1e-4, RATE // 3).astype(np.float32)]
        at += len(clip.samples) + RATE // 3
    words = [word for clip in (*clips, *clips) for word in clip.words]
    aligned_words = align_samples(aligner, np.concatenate(row), words).words
    known, taken, done = [], [], 0
    for clip, start in zip((*clips, *clips), starts, strict=True):
        mine = aligned_words[done : done + len(clip.words)]
        done += len(clip.words)
        if clip.spans:
            known.append(clip)
            taken.append([(w.start - start, w.end - start) for w in mine])
    whole, single = _scores("", known, taken)[0].value, _scores("", known, aligned(aligner, known))[0].value
    name = f"{at / RATE / 60:.1f} minutes in one go"
    return [
        Figure(f"{name}: mean", whole, "ms"),
        Figure(name=f"{name} / clip by clip", value=whole / single, unit="x", limit=1.5),
    ]


def _refusals(name: str, aligner: Aligner, clips: Sequence[Labelled]) -> list[Figure]:
    """Each clip with its own transcript, and with those of the eight after it."""
    own = aligned(aligner, clips)
    wrong = [
        not aligned(aligner, [Labelled(name="", samples=a.samples, words=b.words, spans=(), speaker=a.speaker)])[0]
        for shift in range(1, 9)
        for a, b in zip(clips, (*clips[shift:], *clips[:shift]), strict=True)
        if a.words != b.words
    ]
    refused = sum(not words for words in own) / len(own)
    return [
        Figure(name=f"{name}: right transcripts refused", value=100 * refused, unit="%", limit=3.0),
        Figure(
            name=f"{name}: other clips' transcripts refused",
            value=100 * float(np.mean(wrong)),
            unit=f"% of {len(wrong)}",
            limit=95.0,
            at_least=True,
        ),
    ]


if __name__ == "__main__":
    alone(TITLE, measure)
