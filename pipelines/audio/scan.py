"""What an audio file really holds: it is decoded to its end, and refused where it cannot be relied on.

scan(store, Audio("clip.flac"))        AudioFacts(seconds=62.4, rate=44100, channels=2, sha256="9f…")
"""

import hashlib
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from weft.pipelines.audio.damage import damage
from weft.pipelines.audio.declared import HIGHEST_RATE
from weft.pipelines.audio.decoders import OpenAudio, opened
from weft.pipelines.audio.ffmpeg import BrokenStream
from weft.pipelines.audio.opening import audio_file
from weft.pipelines.audio.sound import frames_at_once, mono
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.schemas.ledger import Unusable
from weft.schemas.limits import SpeechLimits

BLOCK = 30  # seconds decoded at a time, so that memory does not grow with the file; what is found does not depend on it
FULL = 0.98  # of full scale; mu-law reaches no further. The share that may reach it is the limit `clipped`
_LIMITS = SpeechLimits()


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """Length, rate and channels of a file that was decoded to its end. `sha256` is of the encoded bytes."""

    seconds: float
    rate: int
    channels: int
    sha256: str


def scan(store: Store, audio: Audio, limits: SpeechLimits = _LIMITS) -> AudioFacts:
    """Decodes everything once. Raises Unusable with the reason when the audio cannot be relied on, or is beyond a limit."""
    with audio_file(store, audio) as file:
        sha256 = _sha256(file)
        if fault := damage(file):
            raise Unusable("damaged", fault)
        with opened(file) as sound:
            levels = _measure(sound, audio.channel)
            _check(sound, levels, limits)
            seconds = levels.frames / sound.rate
            return AudioFacts(seconds=seconds, rate=sound.rate, channels=sound.channels, sha256=sha256)


@dataclass(slots=True)
class _Levels:
    """Levels of the audio decoded so far: the peak of `load`'s samples; the peak and the samples at full scale of each channel."""

    frames: int = 0
    peak: float = 0.0
    finite: bool = True
    peaks: np.ndarray = field(default_factory=lambda: np.zeros(1))
    full: np.ndarray = field(default_factory=lambda: np.zeros(1))

    def add(self, channels: np.ndarray, mono: np.ndarray) -> None:
        size = np.abs(channels)
        self.frames += len(mono)
        self.peak = max(self.peak, float(np.abs(mono).max()))
        self.finite = self.finite and bool(np.isfinite(mono).all())
        self.peaks = np.maximum(self.peaks, size.max(axis=0))
        self.full = self.full + (size >= FULL).sum(axis=0)

    @property
    def clipped(self) -> float:
        """Share of samples at full scale or beyond, in the best of the channels that are not quiet beside the others."""
        return float(self.full[self.peaks >= 0.1 * self.peaks.max()].min()) / self.frames


def _measure(sound: OpenAudio, channel: int) -> _Levels:
    levels = _Levels()
    try:
        while len(block := sound.read(min(BLOCK * sound.rate, frames_at_once(sound)))):
            chosen = mono(block, channel)
            levels.add(block if channel < 0 else chosen[:, None], chosen)
    except BrokenStream as error:
        if not levels.frames:
            raise Unusable("not_audio", f"nothing of it can be decoded ({error})") from None
        raise Unusable("truncated", f"decoding stops after {levels.frames / sound.rate:.2f} s ({error})") from None
    return levels


def _check(sound: OpenAudio, levels: _Levels, limits: SpeechLimits) -> None:
    seconds = levels.frames / sound.rate
    if levels.frames and (shortage := sound.shortage(levels.frames)):
        raise Unusable("truncated", shortage)
    if not levels.frames:
        raise Unusable("no_samples", "the file holds a header and no audio")
    if not levels.finite:
        raise Unusable("not_finite", "some samples are NaN or infinite")
    if sound.rate > HIGHEST_RATE:
        raise Unusable("bad_header", f"it declares {sound.rate:,} Hz, where up to {HIGHEST_RATE:,} are possible")
    if sound.rate < limits.lowest_rate:
        raise Unusable("low_rate", f"{sound.rate} Hz is below {limits.lowest_rate} Hz")
    if seconds < limits.shortest:
        raise Unusable("too_short", f"{seconds:.4f} s is below {limits.shortest} s")
    if levels.peak < limits.silence:
        raise Unusable("silent", f"the loudest sample is {levels.peak:.1e}")
    if levels.clipped > limits.clipped:
        share = f"{100 * levels.clipped:.0f} %"
        raise Unusable(
            "clipped", f"{share} of the samples are at full scale or beyond: record or export at a lower level"
        )


def _sha256(file: BinaryIO) -> str:
    sha = hashlib.sha256()
    while chunk := file.read(1 << 20):
        sha.update(chunk)
    file.seek(0)
    return sha.hexdigest()
