"""Clips of tones and noise, and their files."""

import io

import numpy as np
import soundfile

from weft.pipelines.audio.sound import RATE


def tone(seconds: float, rate: int = RATE, hertz: float = 300.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-0.5, 0.5, count).astype(np.float32)


def encoded(samples: np.ndarray, rate: int = RATE, kind: str = "WAV", subtype: str = "PCM_16") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()
