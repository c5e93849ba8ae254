"""Emotions as espeak speaks them: the designed change of pitch, energy and rate beside the measured one, for every variant.

    emotion, level     pitch x designed measured     energy dB designed measured     rate x designed measured    (medians)
    happy 5                       1.350    1.355                   2.61     2.60               1.150    1.161

Measured on the audio: pitch is the median F0 of WORLD's voiced frames, energy the RMS of those frames, rate the words a
second between the first and the last word time. Each is beside the same words without emotion. An order is right where
each of the five levels lies beyond the one before. `bench/voices.tsv` has the rows of all variants.
"""

import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from itertools import pairwise
from math import log2, log10
from pathlib import Path
from statistics import median

import numpy as np

from weft.benchmarks.support.common import Figure, alone, processes
from weft.pipelines.audio.sound import at_16k
from weft.pipelines.voices.base import Synthesized, style_for
from weft.pipelines.voices.common.emotions import EMOTIONS
from weft.pipelines.voices.espeak import Voice
from weft.schemas.text import LEVELS
from weft.tokenizers.features.f0 import STEP, f0

TITLE = "voices: emotions of espeak by level, designed and measured"
TEXT = "I did not know that she would come home so early today. We were all waiting near the old station."
FEELINGS = tuple(name for name in EMOTIONS if name not in ("", "neutral"))
CHANGES = ("pitch", "energy", "rate")


@dataclass(frozen=True, slots=True)
class StyleMeasures:
    """Median F0 (Hz), its 10th to 90th percentile (semitones) and RMS (dB) of the voiced frames, NaN without any; words a second."""

    pitch: float
    spread: float
    energy: float
    rate: float


@dataclass(frozen=True, slots=True)
class Change:
    """Against the same words without emotion: factors of pitch, its spread and the rate, decibels of energy.

    `cut` counts samples in flat tops.
    """

    variant: str
    emotion: str
    level: int
    pitch: float
    spread: float
    energy: float
    rate: float
    pitch_designed: float
    energy_designed: float
    rate_designed: float
    cut: int


def measure(folder: Path) -> list[Figure]:
    variants = sorted({variant for _, variant in Voice().styles()})
    with processes.Pool(os.cpu_count()) as pool:
        rows = [row for rows in pool.imap(changes, variants) for row in rows]
    _write(folder / "voices.tsv", rows)
    _print(rows)
    right = {change: _right(rows, change) for change in CHANGES}
    orders = [
        Figure(name=f"right order of {c}", value=100 * float(np.mean(r)), unit="%", limit=100, at_least=True)
        for c, r in right.items()
    ]
    clipped = sum(row.cut > 2 for row in rows)
    spread = Figure(
        name="range of F0 in semitones, level 5 / none, median",
        value=median(r.spread for r in rows if r.level == 5),
        unit="x",
    )
    return [
        Figure("variants", len(variants), "variants"),
        *orders,
        spread,
        Figure(name="clipped", value=clipped, unit="clips", limit=0),
    ]


def changes(variant: str, voice: str = "gmw/en-US", feelings: Sequence[str] = FEELINGS) -> list[Change]:
    """Every level of every emotion of one variant."""
    spoken = Voice(language="en")
    cast = [(voice, variant)]
    plain = measured(spoken.speak(TEXT, style_for("speaker", cast=cast)))
    rows = []
    for emotion, level in ((e, n) for e in feelings for n in LEVELS):
        style = style_for("speaker", emotion, level, cast=cast)
        now = measured(speech := spoken.speak(TEXT, style))
        row = Change(
            variant=variant, emotion=emotion, level=level,
            pitch=now.pitch / plain.pitch, spread=now.spread / plain.spread,
            energy=now.energy - plain.energy, rate=now.rate / plain.rate,
            pitch_designed=style.pitch, energy_designed=20 * log10(style.volume), rate_designed=style.rate,
            cut=flat_tops(speech.samples),
        )  # fmt: skip
        rows.append(row)
    return rows


def measured(speech: Synthesized) -> StyleMeasures:
    """What a listener gets, from the audio and the voice's word times."""
    samples = at_16k(speech.samples, speech.rate)
    track = f0(samples)
    hertz = track[track > 0]
    voiced = samples[: len(track) * STEP].reshape(-1, STEP)[track > 0].astype(np.float64)
    low, middle, high = np.percentile(hertz, (10, 50, 90)) if len(hertz) else (float("nan"),) * 3
    return StyleMeasures(
        pitch=float(middle),
        spread=12 * log2(high / low),
        energy=10 * log10(np.mean(voiced**2)) if len(hertz) else float("nan"),
        rate=len(speech.words) / (speech.words[-1].end - speech.words[0].start),
    )


def flat_tops(samples: np.ndarray) -> int:
    """Samples at the highest peak beside one that is there too, as where peaks are cut off."""
    at_top = np.abs(samples) >= np.abs(samples).max() * (1 - 1e-6)
    return int((at_top[1:] & at_top[:-1]).sum())


def in_order(rows: Sequence[Change], change: str) -> bool:
    """Whether the levels of one emotion and variant go where the design does, each beyond the one before."""
    start = 0.0 if change == "energy" else 1.0
    up = getattr(rows[-1], f"{change}_designed") > start
    values = [start, *(getattr(row, change) for row in sorted(rows, key=lambda row: row.level))]
    return all((b > a) if up else (b < a) for a, b in pairwise(values))


def _right(rows: Sequence[Change], change: str) -> list[bool]:
    groups: dict[tuple[str, str], list[Change]] = {}
    for row in rows:
        groups.setdefault((row.variant, row.emotion), []).append(row)
    for (variant, emotion), of in groups.items():
        if not in_order(of, change):
            print(f"  wrong order: {change} of {variant}, {emotion}: {[round(getattr(r, change), 3) for r in of]}")
    return [in_order(of, change) for of in groups.values()]


def _print(rows: Sequence[Change]) -> None:
    print(f"\n{'':14}{'pitch x':>18}{'energy dB':>18}{'rate x':>18}\n{'':14}" + f"{'designed':>10}{'measured':>8}" * 3)
    for emotion, level in ((e, n) for e in FEELINGS for n in LEVELS):
        of = [row for row in rows if (row.emotion, row.level) == (emotion, level)]
        pairs = [(getattr(of[0], f"{c}_designed"), median(getattr(r, c) for r in of)) for c in CHANGES]
        print(f"{f'{emotion} {level}':14}" + "".join(f"{a:10.3f}{b:8.3f}" for a, b in pairs))


def _write(path: Path, rows: Sequence[Change]) -> None:
    lines = ["\t".join(field.name for field in fields(Change))]
    lines += ["\t".join(f"{v:.4f}" if isinstance(v, float) else str(v) for v in astuple(row)) for row in rows]
    path.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    alone(TITLE, measure)
