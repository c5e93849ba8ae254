"""Encoded audio as frames: libsndfile where it can, FFmpeg (through PyAV) for the rest (m4a, webm, aac, wma, video).

with opened(file) as sound:      sound.rate = 44100, sound.channels = 2
    sound.seek(88_200)
    block = sound.read(44_100)   float32 (44_100, 2), shorter at the end
"""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from types import TracebackType
from typing import BinaryIO, Protocol, TypeVar

import av
import numpy as np
import soundfile
from av.container import InputContainer

from weft.schemas.ledger import Unusable

T = TypeVar("T")
Block = tuple[int, np.ndarray]

# Formats that hold their own sound. Playlists are not among them: they would open what they name.
_FORMATS = (
    "mov,mp4,m4a,3gp,matroska,webm,aac,asf,avi,flv,mpegts,mpeg,mp3,ogg,wav,w64,flac,caf,amr,ac3,eac3,ape,tta,wv,dsf"
)
_RUN_UP = 1.0  # seconds decoded before a place that is sought: a codec's frame leans on those before it
_SLACK = 0.2  # seconds that a container's own times may be out
_LONGEST_GAP = 3600.0  # seconds of silence that time stamps may declare


class BrokenStream(Exception):
    """Decoding stopped at bytes that no decoder understands."""


class Sound(Protocol):
    """Frames of float32, from -1 to 1, at `rate` frames a second."""

    rate: int
    channels: int

    def read(self, frames: int) -> np.ndarray: ...
    def seek(self, frame: int) -> None: ...
    def is_short(self, frames: int) -> bool: ...
    def __enter__(self) -> "Sound": ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def opened(file: BinaryIO) -> Sound:
    """The decoder of a file. Raises Unusable: no_header, not_audio."""
    try:
        return Sndfile(file)
    except TypeError:  # soundfile takes a file called .raw for samples whose rate the caller must know
        raise Unusable("no_header", "raw samples say neither rate nor format; convert it to wav or flac") from None
    except soundfile.LibsndfileError as error:
        file.seek(0)
        try:
            return Ffmpeg(file)
        except BrokenStream:
            raise Unusable("not_audio", f"no decoder reads it ({error.error_string})") from None


class _Closing:
    """Closes with its block."""

    def close(self) -> None:
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Sndfile(_Closing):
    """What libsndfile reads: wav, flac, mp3, ogg, opus, aiff, au, SPHERE."""

    def __init__(self, file: BinaryIO) -> None:
        self._sound = soundfile.SoundFile(file)
        self.rate, self.channels = self._sound.samplerate, self._sound.channels

    def __enter__(self) -> "Sndfile":
        return self

    def close(self) -> None:
        self._sound.close()

    def read(self, frames: int) -> np.ndarray:
        try:
            return self._sound.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise BrokenStream(error.error_string) from None

    def seek(self, frame: int) -> None:
        self._sound.seek(min(frame, self._sound.frames))

    def is_short(self, frames: int) -> bool:
        """Whether the header promises more than `frames`. libsndfile mends a short RIFF header silently: its log tells."""
        cut = re.search(r"data\s*:\s*(\d+) \(should be (\d+)\)", self._sound.extra_info)
        return frames < self._sound.frames < 2**62 or bool(cut and int(cut[2]) < int(cut[1]) < 0xFFFFFFFF - 8)


class Ffmpeg(_Closing):
    """The first audio stream of whatever FFmpeg reads. A frame's place is its time stamp's; gaps between frames are silence."""

    def __init__(self, file: BinaryIO) -> None:
        try:
            container = av.open(file, container_options={"format_whitelist": _FORMATS}, metadata_errors="replace")
        except (av.FFmpegError, ValueError, OSError) as error:
            raise BrokenStream(str(error)) from None
        assert isinstance(container, InputContainer)
        self._container = container
        if not container.streams.audio or not container.streams.audio[0].codec_context.sample_rate:
            raise BrokenStream("it holds no audio stream")
        self._stream = container.streams.audio[0]
        self._stream.codec_context.thread_count = 1
        self.rate, self.channels = self._stream.codec_context.sample_rate, self._stream.codec_context.channels
        self._begin(0, self._decode())

    def __enter__(self) -> "Ffmpeg":
        return self

    def close(self) -> None:
        self._container.close()

    def _begin(self, place: int, decoded: Iterator[Block]) -> None:
        self._blocks = self._from(place, decoded)
        self._rest = np.empty((0, self.channels), np.float32)

    def read(self, frames: int) -> np.ndarray:
        got, held = [self._rest], len(self._rest)
        while held < frames and (block := next(self._blocks, None)) is not None:
            got.append(block)
            held += len(block)
        joined = np.concatenate(got)
        self._rest = joined[frames:]
        return joined[:frames]

    def seek(self, frame: int) -> None:
        """By the container's index where its times are exact to the frame (mp4); elsewhere all that comes before is decoded.

        Before the first read: going back to the beginning would cost some codecs their first frame.
        """
        early = frame / self.rate - _RUN_UP
        if early > 0 and self._stream.time_base == Fraction(1, self.rate):
            _tried(lambda: self._container.seek(round((early + self._start) * av.time_base)))
        self._begin(frame, self._decode())

    @property
    def _start(self) -> float:
        first = self._stream.start_time
        return float(first * self._stream.time_base) if first and self._stream.time_base else 0.0

    def is_short(self, frames: int) -> bool:
        """Whether the container promises more. Raw AAC has no header, and beside a film the sound may be shorter."""
        length = self._container.duration
        if self._container.format.name in ("aac", "mp3") or not length or len(self._container.streams) > 1:
            return False
        return frames / self.rate < length / av.time_base - _SLACK

    def _decode(self) -> Iterator[Block]:
        """Blocks (n, channels) with the place, in frames, that their time stamps give them (-1: none)."""
        planar = av.AudioResampler(format="fltp", layout=self._stream.codec_context.layout, rate=self.rate)
        frames = self._container.decode(self._stream)
        while (frame := _tried(lambda: next(frames, None))) is not None:
            place = -1 if frame.time is None else max(0, round((frame.time - self._start) * self.rate))
            for part in planar.resample(frame):
                yield place, np.ascontiguousarray(part.to_ndarray().T, np.float32)

    def _from(self, wanted: int, decoded: Iterator[Block]) -> Iterator[np.ndarray]:
        """The sound from frame `wanted` on. Small jumps of the time stamps are jitter, large ones are silence."""
        now: int | None = None
        for place, block in decoded:
            now = max(0, place) if now is None else now
            gap = place - now
            if gap > _LONGEST_GAP * self.rate:
                raise BrokenStream(f"its time stamps jump by {gap / self.rate:.0f} s")
            if gap > _SLACK * self.rate:
                yield np.zeros((max(0, place - max(now, wanted)), self.channels), np.float32)
                now = place
            yield block[max(0, wanted - now) :]
            now += len(block)


def _tried(action: Callable[[], T]) -> T:
    try:
        return action()
    except (av.FFmpegError, ValueError) as error:
        raise BrokenStream(str(error)) from None
