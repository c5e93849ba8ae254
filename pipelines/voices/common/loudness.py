"""Loudness by design: speech of any voice at the level that its style asks for.

levelled(samples, [(2205, 9000)], loudness=-27.0, volume=1.7)  ->  the samples, with -22.4 dBFS RMS in those stretches
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LOUDNESS = -27.0  # dBFS: the loudest emotion, 5 dB above it, still has 20 dB for its peaks
PEAK = 0.99  # of full scale; a sound with higher peaks becomes quieter as a whole


def levelled(
    samples: NDArray[np.float32], words: Sequence[tuple[int, int]], loudness: float, volume: float
) -> NDArray[np.float32]:
    """Scaled so that the RMS over the stretches (first sample, end) is `loudness` dBFS times `volume`, and no peak is cut off."""
    inside = np.concatenate([samples[start:end] for start, end in words] or [samples])
    rms, peak = (
        float(np.sqrt(np.mean(np.square(inside, dtype=np.float64)))) if len(inside) else 0.0,
        np.abs(samples).max(),
    )
    if not rms:
        return samples
    gain = min(volume * 10 ** (loudness / 20) / rms, PEAK / float(peak))
    return samples * np.float32(gain)
