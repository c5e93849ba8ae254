"""Reading audio: any stretch of it as the stages want it (mono, 16 kHz, float32), and writing it as FLAC.

samples = load(store, audio, 12.1, 17.9)       92,800 floats
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr

from weft.pipelines.audio.decoders import OpenAudio, opened
from weft.pipelines.audio.ffmpeg import BrokenStream
from weft.pipelines.audio.opening import audio_file
from weft.pipelines.storage.retries import without_secrets
from weft.pipelines.storage.store import SOURCE, Store
from weft.schemas.audio import Audio, Utterance
from weft.schemas.ledger import Unavailable, Unusable

RATE = 16000
AT_ONCE = 1 << 23  # samples of all channels that are decoded at a time
_EXACT = 0.02  # seconds by which an utterance may differ from what was cut


def channels_of(store: Store, audio: Audio) -> int:
    """Raises Unusable."""
    with audio_file(store, audio) as file, opened(file) as sound:
        return sound.channels


@dataclass(frozen=True, slots=True)
class DeclaredLength:
    """Seconds that a header declares; where it `is_estimate`, from the size or of a format that may be joined, more may be there."""

    seconds: float
    is_estimate: bool = False


def declared_length(store: Store, audio: Audio) -> DeclaredLength | None:
    """None where it is not known, as of several files in one: the header that it begins with counts the first of them alone."""
    try:
        with audio_file(store, audio) as file, opened(file) as sound:
            return DeclaredLength(sound.declared, sound.is_estimate) if sound.declared else None
    except (Unusable, Unavailable, OSError):
        return None


def load(store: Store, audio: Audio, start: float, end: float) -> np.ndarray:
    """Seconds `start` to `end` as float32 (n,), one channel or all mixed, at 16 kHz. Raises Unusable."""
    with audio_file(store, audio) as file, opened(file) as sound:
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
    with audio_file(store, audio) as file, opened(file) as sound:
        try:
            while len(samples := _read(sound, round(seconds * sound.rate), audio.channel)):
                yield at_16k(samples, sound.rate)
        except BrokenStream as error:
            raise Unusable("truncated", str(error)) from None


def frames_at_once(sound: OpenAudio) -> int:
    """So that memory does not grow with the number of channels."""
    return max(1, AT_ONCE // sound.channels)


def _read(sound: OpenAudio, frames: int, channel: int) -> np.ndarray:
    """The next `frames`, fewer at the end, as float32 (n,): one channel or all mixed. Raises Unusable, BrokenStream."""
    pieces: list[np.ndarray] = []
    while frames > 0 and len(block := sound.read(min(frames, frames_at_once(sound)))):
        pieces.append(mono(block, channel))
        frames -= len(block)
    return np.concatenate(pieces) if pieces else np.empty(0, np.float32)


def mono(block: np.ndarray, channel: int) -> np.ndarray:
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
