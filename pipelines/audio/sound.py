"""Reading audio: what a file really holds, and any stretch of it as the stages want it (mono, 16 kHz, float32).

facts = scan(store, Audio("clip.flac"))        AudioFacts(seconds=62.4, rate=44100, channels=2, peak=0.81, …)
samples = load(store, audio, 12.1, 17.9)       92,800 floats
"""

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from weft.pipelines.audio.damage import damage
from weft.pipelines.audio.declared import HIGHEST_RATE
from weft.pipelines.audio.decoders import OpenAudio, opened
from weft.pipelines.audio.ffmpeg import BrokenStream
from weft.pipelines.storage import retries as reading
from weft.pipelines.storage.retries import retrying, settings, without_secrets
from weft.pipelines.storage.store import SOURCE, Store
from weft.schemas.audio import Audio, Utterance
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.limits import SpeechLimits

RATE = 16000
AT_ONCE = 1 << 23  # samples of all channels that are decoded at a time
BLOCK = 30  # seconds decoded at a time, so that memory does not grow with the file
FULL = 0.98  # of full scale; mu-law reaches no further
_EXACT = 0.02  # seconds by which an utterance may differ from what was cut
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
    with _file(store, audio) as file:
        sha256 = _sha256(file)
        if fault := damage(file):
            raise Unusable("damaged", fault)
        with opened(file) as sound:
            levels = _measure(sound, audio.channel)
            _check(sound, levels, limits)
            seconds = levels.frames / sound.rate
            return AudioFacts(seconds=seconds, rate=sound.rate, channels=sound.channels, sha256=sha256)


def channels_of(store: Store, audio: Audio) -> int:
    """Raises Unusable."""
    with _file(store, audio) as file, opened(file) as sound:
        return sound.channels


def declared_seconds(store: Store, audio: Audio) -> float | None:
    """The length in seconds that the header declares, or an estimate from the size; None where there is neither."""
    try:
        with _file(store, audio) as file, opened(file) as sound:
            return sound.declared or None
    except (Unusable, Unavailable, OSError):
        return None


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
        while len(block := sound.read(min(BLOCK * sound.rate, _frames_at_once(sound)))):
            mono = _mono(block, channel)
            levels.add(block if channel < 0 else mono[:, None], mono)
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


def load(store: Store, audio: Audio, start: float, end: float) -> np.ndarray:
    """Seconds `start` to `end` as float32 (n,), one channel or all mixed, at 16 kHz. Raises Unusable."""
    with _file(store, audio) as file, opened(file) as sound:
        first = round(start * sound.rate)
        try:
            sound.seek(first)
            wanted = round(end * sound.rate) - first
            samples = _read(sound, wanted, audio.channel)
            if len(samples) < wanted:
                sound.read(1)  # raises what stopped it
        except BrokenStream as error:
            raise Unusable("truncated", f"decoding stops before {end:.2f} s ({error})") from None
        return at_16k(samples, sound.rate)


def load_utterance(store: Store, utterance: Utterance) -> np.ndarray | Unusable:
    """An utterance's samples, as `load` gives them; or why they are of no use. Raises Unavailable where the file is gone."""
    try:
        samples = load(store, utterance.audio, utterance.start, utterance.end)
    except Unusable as fault:
        _check_same(store, utterance)
        return fault
    if abs(len(samples) / RATE - utterance.seconds) > _EXACT:
        _check_same(store, utterance)
    return samples


def _check_same(store: Store, utterance: Utterance) -> None:
    """Raises Unavailable where a server sends another file than the one that was read before: its fault, not the item's."""
    audio = utterance.audio
    if "://" not in audio.uri or audio.uri.startswith(SOURCE) or audio.offset or audio.length:
        return
    with store.open(audio.uri) as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != utterance.sha256:  # type: ignore[arg-type]
            raise Unavailable(without_secrets(audio.uri), "another file than was read before comes now")


def blocks(store: Store, audio: Audio, seconds: float) -> Iterator[np.ndarray]:
    """The whole audio in stretches of `seconds`, one channel or all mixed, at 16 kHz, at constant memory. Raises Unusable."""
    with _file(store, audio) as file, opened(file) as sound:
        try:
            while len(samples := _read(sound, round(seconds * sound.rate), audio.channel)):
                yield at_16k(samples, sound.rate)
        except BrokenStream as error:
            raise Unusable("truncated", str(error)) from None


def _frames_at_once(sound: OpenAudio) -> int:
    """So that memory does not grow with the number of channels."""
    return max(1, AT_ONCE // sound.channels)


def _read(sound: OpenAudio, frames: int, channel: int) -> np.ndarray:
    """The next `frames`, fewer at the end, as float32 (n,): one channel or all mixed. Raises Unusable, BrokenStream."""
    pieces: list[np.ndarray] = []
    while frames > 0 and len(block := sound.read(min(frames, _frames_at_once(sound)))):
        pieces.append(_mono(block, channel))
        frames -= len(block)
    return np.concatenate(pieces) if pieces else np.empty(0, np.float32)


def _mono(block: np.ndarray, channel: int) -> np.ndarray:
    """Raises Unusable where there is no such channel."""
    if channel >= block.shape[1]:
        raise Unusable("no_channel", f"channel {channel} of {block.shape[1]}, which count from 0")
    if channel >= 0 or block.shape[1] == 1:
        return block[:, max(0, channel)]
    return block.mean(axis=1)


def at_16k(samples: np.ndarray, rate: int) -> np.ndarray:
    return samples if rate == RATE else soxr.resample(samples, rate, RATE)


def flac(samples: np.ndarray, rate: int) -> bytes:
    """Mono float32 samples as FLAC, 16 bit; the same samples give the same bytes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


@contextmanager
def _file(store: Store, audio: Audio) -> Iterator[BinaryIO]:
    """Raises Unusable, and Unavailable for what is gone."""
    if audio.data:
        yield io.BytesIO(audio.data)
        return
    uri = store.located(audio.uri)
    if uri.startswith("/"):
        regular(uri)
        if not os.path.getsize(uri):
            raise Unusable("empty_file", "it holds 0 bytes")
    file = reading.opened(lambda: _opened(store, uri, audio), audio.uri)
    with retrying(file, audio.uri) as reader:
        yield reader


def _opened(store: Store, uri: str, audio: Audio) -> BinaryIO:
    """The file, or the bytes of it that are the audio."""
    file = store.open(uri)
    if not audio.length:
        return file
    with file:
        there = file.seek(0, os.SEEK_END) - audio.offset
        if there < audio.length:
            raise Unusable("truncated", f"{audio.length:,} bytes are declared, and {max(0, there):,} are there")
        if audio.length > settings().largest:  # it is held in memory
            raise Unusable("too_large", f"it has {audio.length:,} bytes, more than `reading.largest`")
        file.seek(audio.offset)
        return io.BytesIO(file.read(audio.length))


def regular(path: str) -> None:
    """Raises Unusable for what is no file: a fifo or a device would block the run for ever; Unavailable for what is gone."""
    mode = reading.opened(lambda: os.stat(path), path).st_mode
    if not stat.S_ISREG(mode):
        raise Unusable("not_a_file", "it is a folder, a pipe or a device")


def _sha256(file: BinaryIO) -> str:
    sha = hashlib.sha256()
    while chunk := file.read(1 << 20):
        sha.update(chunk)
    file.seek(0)
    return sha.hexdigest()
