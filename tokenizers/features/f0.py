"""Fundamental frequency by WORLD (DIO, refined by StoneMask), every 5 ms; 250 times real time.

f0(samples[16000])  ->  float64 [200]: 0 where nothing is voiced, else Hz
"""

import numpy as np

RATE = 16_000
STEP = 80  # samples
LOWEST, HIGHEST = 60.0, 600.0  # Hz
LONGEST, CONTEXT = 60, 2  # seconds: WORLD holds 70 MB a minute


def f0(samples: np.ndarray) -> np.ndarray:
    """Of float samples [n] at 16 kHz: Hz every `STEP` samples, float64 [n // STEP]; 0 where nothing is voiced.

    Audio over `LONGEST` seconds is analysed in pieces, with `CONTEXT` seconds more on either side.
    """
    if len(samples) <= LONGEST * RATE:
        return _f0(samples)
    piece, beside = LONGEST * RATE, CONTEXT * RATE
    pieces = [np.zeros(0)]
    for first in range(0, len(samples), piece):
        begin = max(0, first - beside)
        track = _f0(samples[begin : first + piece + beside])
        pieces.append(track[(first - begin) // STEP :][: piece // STEP])
    return np.concatenate(pieces)


def _f0(samples: np.ndarray) -> np.ndarray:
    import pyworld

    wave = np.ascontiguousarray(samples, np.float64)
    rough, times = pyworld.dio(wave, RATE, f0_floor=LOWEST, f0_ceil=HIGHEST, frame_period=1000 * STEP / RATE)
    refined = np.asarray(pyworld.stonemask(wave, rough, times, RATE))
    return refined[: len(samples) // STEP]


def interpolated(values: np.ndarray) -> np.ndarray:
    """F0 [n] with straight lines over unvoiced stretches; all 0 where nothing is voiced."""
    voiced = np.flatnonzero(values)
    return np.interp(np.arange(len(values)), voiced, values[voiced]) if len(voiced) else values.copy()
