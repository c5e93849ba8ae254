"""MFCCs at the frame rate of the units, whose clusters are the first targets of a HuBERT trained here.

    mfcc(samples[16000], hop=320)  ->  float32 [50, 39]: 13 cepstra with first and second differences

Frame i is centred on samples [i*hop, (i+1)*hop); HuBERT's first iteration clusters them too (Hsu et al. 2021, §III-A).
"""

from functools import cache

import numpy as np

RATE = 16_000
WINDOW = 400  # 25 ms
FFT = 512
WIDTH = 39  # 13 cepstra with first and second differences
BLOCK = 3000  # steps whose spectra are held at once
STEP = 160  # deltas are taken over 10 ms steps, the usual grid, whatever the hop


def mfcc(samples: np.ndarray, hop: int) -> np.ndarray:
    """MFCCs with first and second differences, float32 [len(samples) // hop, 39], for mono 16 kHz float samples.

    `hop` is a multiple of 160. The mean over the utterance is subtracted from each coefficient, which removes loudness and channel.
    """
    if hop % STEP:
        raise ValueError(f"hop {hop} is no multiple of {STEP} samples")
    features = with_slopes(cepstra(samples))
    count, factor = len(samples) // hop, hop // STEP
    pooled = features[: count * factor].reshape(count, factor, -1).mean(1)
    return (pooled - pooled.mean(0, keepdims=True)).astype(np.float32)


def with_slopes(values: np.ndarray) -> np.ndarray:
    """Features [frames, d] with first and second differences: [frames, 3 d]."""
    slopes = _slopes(values)
    return np.concatenate([values, slopes, _slopes(slopes)], axis=1)


def cepstra(samples: np.ndarray) -> np.ndarray:
    """13 cepstra a 10 ms step, float64 [len(samples) // 160, 13], each window centred on its step."""
    emphasised = np.append(samples[:1], samples[1:] - 0.97 * samples[:-1]).astype(np.float64)
    side = (WINDOW - STEP) // 2
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(emphasised, (side, WINDOW)), WINDOW)[::STEP]
    windows = windows[: len(samples) // STEP]
    blocks = [_cepstra(windows[first : first + BLOCK]) for first in range(0, len(windows), BLOCK)]
    return np.concatenate([np.zeros((0, 13)), *blocks])


def _cepstra(windows: np.ndarray) -> np.ndarray:
    from scipy.fft import dct

    power = np.abs(np.fft.rfft(windows * np.hamming(WINDOW), FFT)) ** 2
    return np.asarray(dct(np.log(power @ _filters() + 1e-8), type=2, norm="ortho")[:, :13])


def _slopes(values_TC: np.ndarray) -> np.ndarray:
    """The regression slope over two steps either side, edges repeated."""
    padded = np.pad(values_TC, ((2, 2), (0, 0)), mode="edge")
    steps = len(values_TC)
    first = padded[3 : 3 + steps] - padded[1 : 1 + steps]
    second = padded[4 : 4 + steps] - padded[:steps]
    return (first + 2 * second) / 10


@cache
def _filters() -> np.ndarray:
    from transformers.audio_utils import mel_filter_bank

    return mel_filter_bank(FFT // 2 + 1, 40, 20.0, 7600.0, RATE, norm=None, mel_scale="htk")
