"""What speech sounds like, measured on its samples: how high, how fast, and how long its longest pause is.

measured(Voice().speak("Hello there.", Style("", "f2")))   ->   VoiceMeasures(pitch=189.9, rate=2.8, pause=0.0)
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import soxr

from weft.pipelines.voices.base import Synthesized
from weft.tokenizers.features.f0 import RATE, f0


@dataclass(frozen=True, slots=True)
class VoiceMeasures:
    """The median F0 of the voiced frames in Hz (0 without any), words a second, and the longest silence between words in seconds."""

    pitch: float
    rate: float
    pause: float


def measured(spoken: Synthesized) -> VoiceMeasures:
    """The rate counts the time from the first word to the last, without the longest pause."""
    track = f0(soxr.resample(spoken.samples, spoken.rate, RATE).astype(np.float64))
    voiced = track[track > 0]
    pause = max((after.start - before.end for before, after in pairwise(spoken.words)), default=0.0)
    seconds = spoken.words[-1].end - spoken.words[0].start - pause
    pitch = float(np.median(voiced)) if len(voiced) else 0.0
    return VoiceMeasures(pitch=pitch, rate=len(spoken.words) / max(seconds, 1e-3), pause=pause)
