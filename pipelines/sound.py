"""Reading audio: what a file really holds, and any stretch of it as the stages want it (mono, 16 kHz, float32).

facts = scan(store, Audio("clip.flac"))        Facts(seconds=62.4, rate=44100, channels=2, peak=0.81, …)
samples = load(store, audio, 12.1, 17.9)       92,800 floats
"""

import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from weft.pipelines.stage import Unusable
from weft.pipelines.store import Store
from weft.schemas.audio import Audio

RATE = 16000
BLOCK = 30  # seconds decoded at a time, so that memory does not grow with the file
SILENCE = 1e-4  # peak below which nothing can be heard (-80 dBFS)
SHORTEST = 0.1  # seconds
LOWEST_RATE = 8000  # Hz


@dataclass(frozen=True, slots=True)
class Facts:
    """What decoding a whole file showed. `sha256` is of the encoded bytes."""

    seconds: float
    rate: int
    channels: int
    sha256: str


def scan(store: Store, audio: Audio) -> Facts:
    """Decodes everything once. Raises Unusable with the reason when the audio cannot be relied on."""
    with _opened(store, audio) as file:
        sha256 = _sha256(file)
        with _decoder(file) as sound:
            frames, peak, finite = _listen(sound)
            _judge(sound, frames, peak, finite)
            return Facts(frames / sound.samplerate, sound.samplerate, sound.channels, sha256)


def _listen(sound: soundfile.SoundFile) -> tuple[int, float, bool]:
    frames, peak, finite = 0, 0.0, True
    try:
        while len(block := sound.read(BLOCK * sound.samplerate, dtype="float32", always_2d=True)):
            frames += len(block)
            finite = finite and bool(np.isfinite(block).all())
            peak = max(peak, float(np.abs(block).max()))
    except soundfile.LibsndfileError as error:
        raise Unusable(
            "truncated", f"decoding stops after {frames / sound.samplerate:.2f} s ({error.error_string})"
        ) from None
    return frames, peak, finite


def _judge(sound: soundfile.SoundFile, frames: int, peak: float, finite: bool) -> None:
    seconds = frames / sound.samplerate
    # libsndfile mends a short RIFF header silently; only its log tells.
    cut = re.search(r"data\s*:\s*(\d+) \(should be (\d+)\)", sound.extra_info)
    if frames < sound.frames < 2**62 or (cut and int(cut[2]) < int(cut[1]) < 0xFFFFFFFF - 8):
        raise Unusable("truncated", f"the header promises more audio than the {seconds:.2f} s that are there")
    if not frames:
        raise Unusable("no_samples", "the file holds a header and no audio")
    if not finite:
        raise Unusable("not_finite", "some samples are NaN or infinite")
    if sound.samplerate < LOWEST_RATE:
        raise Unusable("low_rate", f"{sound.samplerate} Hz is below {LOWEST_RATE} Hz")
    if seconds < SHORTEST:
        raise Unusable("too_short", f"{seconds:.4f} s is below {SHORTEST} s")
    if peak < SILENCE:
        raise Unusable("silent", f"the loudest sample is {peak:.1e}")


def load(store: Store, audio: Audio, start: float, end: float) -> np.ndarray:
    """Seconds `start` to `end` as float32 (n,), mono at 16 kHz, channels mixed."""
    with _opened(store, audio) as file, _decoder(file) as sound:
        first = round(start * sound.samplerate)
        sound.seek(first)
        block = sound.read(round(end * sound.samplerate) - first, dtype="float32", always_2d=True)
        return at_16k(_mono(block), sound.samplerate)


def blocks(store: Store, audio: Audio, seconds: float) -> Iterator[np.ndarray]:
    """The whole audio in stretches of `seconds`, mono at 16 kHz, at constant memory."""
    with _opened(store, audio) as file, _decoder(file) as sound:
        while len(block := sound.read(round(seconds * sound.samplerate), dtype="float32", always_2d=True)):
            yield at_16k(_mono(block), sound.samplerate)


def _mono(block: np.ndarray) -> np.ndarray:
    return block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)


def at_16k(samples: np.ndarray, rate: int) -> np.ndarray:
    return samples if rate == RATE else soxr.resample(samples, rate, RATE)


def flac(samples: np.ndarray, rate: int) -> bytes:
    """Mono float32 samples as FLAC, 16 bit; the same samples give the same bytes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def _decoder(file: BinaryIO) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(file)
    except soundfile.LibsndfileError as error:
        raise Unusable("not_audio", f"no decoder reads it ({error.error_string})") from None
    except TypeError:  # soundfile takes a file called .raw for samples whose rate the caller must know
        raise Unusable("no_header", "raw samples say neither rate nor format; convert it to wav or flac") from None


def _opened(store: Store, audio: Audio) -> BinaryIO:
    if audio.uri.startswith("/"):
        regular(audio.uri)
        if not os.path.getsize(audio.uri):
            raise Unusable("empty_file", "it holds 0 bytes")
    try:
        file = store.open(audio.uri)
        if audio.length:
            with file:
                file.seek(audio.offset)
                return io.BytesIO(file.read(audio.length))
        return file
    except OSError as error:
        raise Unusable("unreadable", f"{error.strerror or error}") from None


def regular(path: str) -> None:
    """Raises Unusable for what is no file: a fifo or a device would block the run for ever."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise Unusable(
            "unreadable", f"{error.strerror}" + (" (a dangling link)" if os.path.islink(path) else "")
        ) from None
    if not stat.S_ISREG(mode):
        raise Unusable("not_a_file", "it is a folder, a pipe or a device")


def _sha256(file: BinaryIO) -> str:
    sha = hashlib.sha256()
    try:
        while chunk := file.read(1 << 20):
            sha.update(chunk)
    except OSError as error:
        raise Unusable("unreadable", f"{error.strerror or error}") from None
    file.seek(0)
    return sha.hexdigest()
