"""Whatever FFmpeg reads, through PyAV, as blocks of float32 at the places that its time stamps give them.

with Ffmpeg(file) as sound:      block = sound.read(44_100)      float32 (44_100, 2), shorter at the end
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from types import TracebackType
from typing import BinaryIO, TypeVar

import av
import numpy as np
from av.container import InputContainer

from weft.pipelines.audio import streams
from weft.pipelines.audio.shortage import shortage_of
from weft.pipelines.audio.unread import unread

T = TypeVar("T")
DecodedFrames = tuple[int, np.ndarray]

# Formats that hold their own sound. Playlists are not among them: they would open what they name.
_FORMATS = (
    "mov,mp4,m4a,3gp,matroska,webm,aac,asf,avi,flv,mpegts,mpeg,mp3,ogg,wav,w64,flac,caf,amr,ac3,eac3,ape,tta,wv,dsf,"
    "voc,au,aiff,nistsphere,ircam,pvf,avr,iff,wve,sds,paf,epaf"
)
_CHECKED = {"err_detect": "crccheck+explode"}  # a wrong checksum is an error
_CHECKSUMMED = ("flac", "tta", "wavpack", "ape", "ac3", "eac3")  # codecs whose frames carry checksums
_RUN_UP = 1.0  # seconds decoded before a place that is sought: a codec's frame leans on those before it
_LARGEST_FRAME = 2881  # bytes: two of an MP3's largest frames (1,440 each), and one
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")
_SLACK = 0.2  # seconds that a container's own times may be out
# Silence that time stamps may declare, in seconds: at once and in all, since a few kilobytes may declare days. No settings: stages that
# read the file again have to come to the same sound as its ingest.
_LONGEST_GAP = 3600.0
LONGEST_GAPS = 6 * 3600.0


class BrokenStream(Exception):
    """Decoding stopped at bytes that no decoder understands."""


class Closing:
    """Closes with its block."""

    def close(self) -> None:
        raise NotImplementedError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Ffmpeg(Closing):
    """The first audio stream of whatever FFmpeg reads. A frame's place is its time stamp's; gaps between frames are silence."""

    def __init__(self, file: BinaryIO, is_joined: bool = False) -> None:
        """`is_joined`: several files were put end to end, so that the first one's header counts that one alone."""
        try:
            self._file, self._shortage, self._is_joined = file, shortage_of(file), is_joined
            self._counted = streams.mp3_count(file) if streams.is_mp3(file) else streams.Mp3Count()
            container = av.open(file, container_options={"format_whitelist": _FORMATS}, metadata_errors="replace")
        except (av.FFmpegError, ValueError, OSError) as error:
            raise BrokenStream(_words(error)) from None
        assert isinstance(container, InputContainer)
        self._container = container
        if not container.streams.audio:
            raise BrokenStream("it holds no audio stream")
        self._stream = container.streams.audio[0]
        if self._stream.codec_context is None or not self._stream.codec_context.sample_rate:
            raise BrokenStream("its audio is of no coding that FFmpeg knows")
        if not self._stream.codec_context.channels:
            raise BrokenStream("its audio has no channels")
        self._stream.codec_context.thread_count = 1
        if self._stream.codec_context.name in _CHECKSUMMED:
            self._stream.codec_context.options = _CHECKED
        self.rate, self.channels = self._stream.codec_context.sample_rate, self._stream.codec_context.channels
        self._layout = self._stream.codec_context.layout.name  # that of the first piece, where joined ones differ
        self._begin(0, self._decode())

    def __enter__(self) -> "Ffmpeg":
        return self

    def close(self) -> None:
        self._container.close()

    def _begin(self, place: int, decoded: Iterator[DecodedFrames]) -> None:
        self._blocks = self._from(place, decoded)
        self._fault: BrokenStream | None = None
        self._rest = np.empty((0, self.channels), np.float32)

    def read(self, frames: int) -> np.ndarray:
        """What was decoded before a fault comes first; the next call raises it."""
        got, held = [self._rest], len(self._rest)
        while held < frames and self._fault is None and (block := self._next()) is not None:
            got.append(block)
            held += len(block)
        if not held and self._fault:
            raise self._fault
        joined = np.concatenate(got)
        self._rest = joined[frames:]
        return joined[:frames]

    def _next(self) -> np.ndarray | None:
        try:
            return next(self._blocks, None)
        except BrokenStream as fault:
            self._fault = fault
            return None

    def seek(self, frame: int) -> None:
        """By the container's index where its times are exact to the frame (mp4); elsewhere all that comes before is decoded.

        Before the first read: going back to the beginning would cost some codecs their first frame.
        """
        early = frame / self.rate - _RUN_UP
        if early > 0 and self._stream.time_base == Fraction(1, self.rate):
            _tried(lambda: self._container.seek(round((early + self._start) * av.time_base)))
        # an MP3's times count its frames from the first on, so packets before the run-up need no decoding
        self._begin(frame, self._decode(early if self._container.format.name == "mp3" else -1.0))

    @property
    def _start(self) -> float:
        first = self._stream.start_time
        return float(first * self._stream.time_base) if first and self._stream.time_base else 0.0

    def shortage(self, frames: int) -> str:
        """As Sndfile's. Raw AAC and MP3 without a header declare nothing, and beside a film the sound may be shorter."""
        length = self._length()
        if self._shortage:
            return self._shortage
        slack = 0.5 / self.rate if self._container.format.name == "flac" else _SLACK  # it counts its samples
        if frames / self.rate >= length - slack:
            return ""
        return f"its header declares {length:.2f} s, and {frames / self.rate:.2f} s are there"

    @property
    def declared(self) -> float:
        """Seconds, or an estimate of them from the file's size; 0 where neither is known."""
        return 0.0 if self._is_joined else self._length() or (self._container.duration or 0) / av.time_base

    @property
    def is_estimate(self) -> bool:
        """False of an MP3 whose header counts frames and bytes. Elsewhere more files may follow, or the container has no length."""
        return not (self._counted.frames and self._counted.end)

    def _length(self) -> float:
        """Seconds that the container declares; 0 where it declares none, for an estimate is no declaration."""
        if self._container.format.name == "mp3":
            return self._counted.frames * (1152 if self.rate >= 32000 else 576) / self.rate
        length = self._container.duration
        if self._container.format.name in ("aac", "ogg") or not length or len(self._container.streams) > 1:
            return 0.0
        return length / av.time_base

    def _decode(self, after: float = -1.0) -> Iterator[DecodedFrames]:
        """Blocks (n, channels) with the place, in frames, that their time stamps give them (-1: none)."""
        floats, shape = None, None
        frames = self._frames(after)
        while (frame := _tried(lambda: next(frames, None))) is not None:
            if floats is None or shape != (frame.format.name, frame.layout.name, frame.sample_rate):
                shape = (frame.format.name, frame.layout.name, frame.sample_rate)  # joined files may change it
                floats = _tried(self._floats)
            time = None if self._container.format.name == "aac" else frame.time  # raw AAC's are made up by FFmpeg
            place = -1 if time is None else max(0, round((time - self._start) * self.rate))
            for part in _tried(partial(floats.resample, frame)):
                yield place, part.to_ndarray().reshape(-1, self.channels)

    def _floats(self) -> av.AudioResampler:
        """Interleaved: where there are more than eight channels, PyAV looks for their planes where none are, and crashes."""
        return av.AudioResampler(format="flt", layout=self._layout, rate=self.rate)

    def _frames(self, after: float) -> Iterator[av.AudioFrame]:
        """Decoded frames; packets before `after` seconds are passed over."""
        end = 0
        for packet in self._container.demux(self._stream):
            end = packet.pos + packet.size if packet.pos is not None else end
            if packet.pts is None or float(packet.pts * packet.time_base) - self._start >= after:
                try:
                    yield from packet.decode()
                except av.InvalidDataError:
                    if self._container.format.name != "mp3":
                        raise
                    _check_tag(packet)
        # FFmpeg leaves out what follows a tag
        if self._container.format.name == "mp3" and (fault := unread(self._file, end, "MP3")):
            raise BrokenStream(fault)

    def _from(self, wanted: int, decoded: Iterator[DecodedFrames]) -> Iterator[np.ndarray]:
        """The sound from frame `wanted` on. Small jumps of the time stamps are jitter, large ones are silence."""
        now: int | None = None
        silence = 0
        for place, block in decoded:
            now = max(0, place) if now is None else now
            gap = place - now
            if gap > _LONGEST_GAP * self.rate:
                raise BrokenStream(f"its time stamps jump by {gap / self.rate:.0f} s")
            if gap > _SLACK * self.rate:
                silence += gap
                if silence > LONGEST_GAPS * self.rate:
                    raise BrokenStream(f"its time stamps leave out {silence / self.rate:.0f} s")
                for begin in range(max(now, wanted), place, self.rate):
                    yield np.zeros((min(self.rate, place - begin), self.channels), np.float32)
                now = place
            yield block[max(0, wanted - now) :]
            now += len(block)


def _check_tag(packet: av.Packet) -> None:
    """Raises BrokenStream for bytes of an MP3 that are neither frames nor the tags between pieces that were joined."""
    if packet.size > _LARGEST_FRAME and not bytes(packet).startswith(_TAGS):
        raise BrokenStream(f"{packet.size:,} bytes at byte {packet.pos or 0:,} are no MP3")


def _tried(action: Callable[[], T]) -> T:
    try:
        return action()
    except IndexError:  # of PyAV, which made its list of streams when it opened the file
        raise BrokenStream("another stream begins in the middle of it") from None
    except (av.FFmpegError, ValueError) as error:
        raise BrokenStream(_words(error)) from None


def _words(error: Exception) -> str:
    """FFmpeg's own words name its functions, and numbers that mean nothing."""
    words = str(getattr(error, "strerror", None) or error)
    if isinstance(error, av.InvalidDataError | av.PatchWelcomeError) or words.startswith("Error number"):
        return "what follows is nothing that its decoder knows"
    return words
