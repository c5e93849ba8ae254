"""Log-mel spectrograms every 10 ms, not normalised by the utterance.

log_mels(samples[16000], bands=80)  ->  float32 [100, 80]; frame t is centred on samples [160 t, 160 (t + 1))
"""

from functools import cache

import numpy as np
import torch
from transformers.audio_utils import mel_filter_bank

from weft.tokenizers.features.mfcc import BLOCK

RATE, STEP, WINDOW, FFT = 16_000, 160, 400, 512
BAND = (20.0, 7600.0)  # Hz
_FLOOR = 1e-6  # added to the power; below the resolution of 16 bits


def log_mels(samples: np.ndarray, bands: int) -> np.ndarray:
    """Of float samples [n] at 16 kHz: float32 [n // 160, bands]."""
    side = (WINDOW - STEP) // 2
    padded = torch.from_numpy(np.pad(samples.astype(np.float32), (side, WINDOW)))
    windows = padded.unfold(0, WINDOW, STEP)[: len(samples) // STEP]
    blocks = [_log_mels(windows[first : first + BLOCK], bands) for first in range(0, len(windows), BLOCK)]
    return torch.cat([torch.zeros(0, bands), *blocks]).numpy()


def _log_mels(windows: torch.Tensor, bands: int) -> torch.Tensor:
    # torch's FFT and not numpy's, whose threads would wait for torch's
    spectrum = torch.fft.rfft(windows * _window(), FFT)
    power = spectrum.real.square() + spectrum.imag.square()
    return (power @ _filters(bands) + _FLOOR).log()


@cache
def _window() -> torch.Tensor:
    return torch.from_numpy(np.hanning(WINDOW).astype(np.float32))


@cache
def _filters(bands: int) -> torch.Tensor:
    return torch.from_numpy(mel_filter_bank(FFT // 2 + 1, bands, *BAND, RATE, norm=None, mel_scale="htk")).float()
