"""Measures the quality of utterances and rejects those beyond the recipe's limits; the reason is the name of the measure.

snr        decibels between its speech and its pauses
clipping   share of samples within 2 % of the peak, where a clipped wave is flat
bandwidth  highest frequency in Hz: 3,400 for a telephone
speech     share of its time that silero-vad marks as speech
rate       letters of its text per second of speech: about 100 for a hallucination, 2 for a wrong transcript
repeats    share of its words that repeat the one to four words before them, as in a transcriber's loop
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from pydantic import PrivateAttr

from weft.pipelines.audio.sound import RATE, load_utterance
from weft.pipelines.segmenters.base import SpeakerSpan
from weft.pipelines.segmenters.silero import Segmenter
from weft.pipelines.stage import Stage, rejected
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Quality, Utterance
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.quality import QualitySettings

_FRAME = RATE // 100
_FFT = 1024
_LOUDEST = 0.98  # of the peak
_AUDIBLE = 60.0  # decibels under the loudest frequency
_QUIETEST = 1e-10  # power; digital silence


class Assess(Stage):
    """Measures every utterance; a limit that is not set rejects nothing."""

    limits: QualitySettings
    vad: Segmenter = Segmenter(pad=0.03)
    _store: Store = PrivateAttr()

    @property
    def makes(self) -> type:
        return Utterance

    def setup(self, store: Store) -> None:
        self._store = store
        self.vad.setup()

    def __call__(self, utterances: Iterable[Utterance]) -> Iterator[Utterance | Reject]:
        for utterance in utterances:
            output = self._assessed(utterance)
            yield rejected(utterance, "assess", output) if isinstance(output, Unusable) else output

    def _assessed(self, utterance: Utterance) -> Utterance | Unusable:
        samples = load_utterance(self._store, utterance)
        if isinstance(samples, Unusable):
            return samples
        assessed = replace(utterance, quality=measured(samples, self.vad.speech([samples]), utterance.text or ""))
        return missed(assessed, self.limits) or assessed


def missed(utterance: Utterance, limits: QualitySettings) -> Unusable | None:
    """The first limit that an assessed utterance exceeds, with value and limit; None where it meets all."""
    quality, spoken = utterance.quality, bool(utterance.text)
    assert quality is not None
    share = utterance.overlap / utterance.seconds
    for reason, applies, value, least, most in (
        ("noisy", True, quality.snr, limits.snr, None),
        ("clipped", True, quality.clipping, None, limits.clipping),
        ("narrow", True, quality.bandwidth, limits.bandwidth, None),
        ("little_speech", True, quality.speech, limits.speech, None),
        ("overlapped", True, share, None, limits.overlap),
        ("slow_text", spoken, quality.rate, limits.slowest, None),
        ("fast_text", spoken, quality.rate, None, limits.fastest),
        ("repeats", spoken, quality.repeats, None, limits.repeats),
    ):
        if applies and least is not None and value < least:
            return Unusable(reason, f"{value:.4g} is below {least:g}")
        if applies and most is not None and value > most:
            return Unusable(reason, f"{value:.4g} is above {most:g}")
    return None


def measured(samples: np.ndarray, speech: Sequence[SpeakerSpan], text: str) -> Quality:
    """The quality of float32 samples [n] at 16 kHz, with their spans of speech and their text."""
    seconds = len(samples) / RATE
    spoken = min(seconds, sum(piece.seconds for piece in speech))
    letters = sum(c.isalnum() for c in text)
    rate = letters / spoken if spoken else math.inf if letters else 0.0
    return Quality(
        snr=snr(samples, speech),
        clipping=clipping(samples),
        bandwidth=bandwidth(samples),
        speech=spoken / seconds if seconds else 0.0,
        rate=rate,
        repeats=repeats(text.lower().split()),
    )


def snr(samples: np.ndarray, speech: Sequence[SpeakerSpan]) -> float:
    """Mean power of speech over that of the pauses, in decibels. Without pauses, the quietest tenth of the frames is the noise."""
    count = len(samples) // _FRAME
    power = (samples[: count * _FRAME].reshape(count, _FRAME).astype(np.float64) ** 2).mean(1)
    talking = np.zeros(count, bool)
    for piece in speech:
        talking[int(piece.start * 100) : int(piece.end * 100)] = True
    if not talking.any():
        return 0.0
    quiet = power[~talking] if (~talking).sum() >= 10 else np.sort(power)[: max(1, count // 10)]
    return float(10 * np.log10((power[talking].mean() + _QUIETEST) / (quiet.mean() + _QUIETEST)))


def clipping(samples: np.ndarray) -> float:
    """Share of samples within 2 % of the peak."""
    size = np.abs(samples)
    peak = size.max(initial=0.0)
    return float((size >= _LOUDEST * peak).mean()) if peak > 0 else 0.0


def bandwidth(samples: np.ndarray) -> float:
    """The highest frequency within 60 dB of the loudest, in the mean over the utterance; Hz."""
    if len(samples) < _FFT or not np.any(samples):
        return 0.0
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FFT)[:: _FFT // 2]
    power = (np.abs(np.fft.rfft(frames * np.hanning(_FFT))) ** 2).mean(0)
    audible = np.flatnonzero(10 * np.log10(power / power.max() + 1e-30) > -_AUDIBLE)
    return float(audible[-1] * RATE / _FFT)


def repeats(words: Sequence[str]) -> float:
    """Share of words that, as the end of a run of one to four, repeat the run right before.

    >>> repeats("thank you thank you thank you".split())
    0.6666666666666666
    """
    again = np.zeros(len(words), bool)
    for size in range(1, 5):
        for at in range(size, len(words) - size + 1):
            if words[at : at + size] == words[at - size : at]:
                again[at : at + size] = True
    return float(again.mean()) if len(words) else 0.0
