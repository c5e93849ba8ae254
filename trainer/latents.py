"""Latent audio and images of a sample: each run of placeholders, and what the encoder gets for it.

stretches_of(json, flac, png)      (LatentSpan("audio", begin=5, end=318, member=samples of 25 s), …)
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
from PIL import Image

from weft.schemas.sample import PLACEHOLDERS
from weft.schemas.vocabulary import Modality

RATE = 16_000  # Hz, of the FLAC of a sample


@dataclass(frozen=True, slots=True, eq=False)
class LatentSpan:
    """Tokens `begin` to `end` of a sample are placeholders for `member`: samples (N,) float32 at 16 kHz, or pixels (H, W, 3) uint8, or
    what a reader made of them for its encoder.
    """

    modality: Modality
    begin: int
    end: int
    member: Any


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """The placeholders of a stretch that lie in one row: `count` from token `at` of the row on, the `first` of them of the stretch."""

    stretch: LatentSpan
    at: int
    first: int
    count: int


def stretches_of(record: bytes, flac: bytes, png: bytes) -> tuple[LatentSpan, ...]:
    """The stretches of a sample in order, by its KEY.json, KEY.flac and KEY.png (b"": none). Raises ValueError where they disagree."""
    spans = [span for span in json.loads(record)["segments"] if span["role"] == PLACEHOLDERS]
    samples = soundfile.read(io.BytesIO(flac), dtype="float32")[0] if flac else np.zeros(0, np.float32)
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) if png else np.zeros((0, 0, 3), np.uint8)
    stretches = []
    for span in spans:
        part = samples[round(span["start"] * RATE) : round(span["stop"] * RATE)]
        member = part if span["modality"] == "audio" else pixels
        if not member.size:
            raise ValueError(
                f"its tokens {span['begin']} to {span['end']} stand for {span['modality']} that it does not hold"
            )
        stretches.append(LatentSpan(modality=span["modality"], begin=span["begin"], end=span["end"], member=member))
    return tuple(stretches)


def placed(stretches: Sequence[LatentSpan], begin: int, end: int, at: int) -> list[Placed]:
    """What lies in the piece `begin` to `end` of a sample, where the piece begins at token `at` of a row."""
    inside = [(s, max(s.begin, begin), min(s.end, end)) for s in stretches]
    return [
        Placed(stretch=s, at=at + first - begin, first=first - s.begin, count=last - first)
        for s, first, last in inside
        if first < last
    ]
