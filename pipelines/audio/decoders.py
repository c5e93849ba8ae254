"""Encoded audio as frames: libsndfile where it can, FFmpeg (through PyAV) for the rest (mp3, m4a, webm, aac, wma, video).

MP3 and joined Ogg files are FFmpeg's: libsndfile takes an estimate for their length, or stops after the first piece. Where
libsndfile fails in the middle of a file, FFmpeg goes on.

with opened(file) as sound:      sound.rate = 44100, sound.channels = 2
    sound.seek(88_200)
    block = sound.read(44_100)   float32 (44_100, 2), shorter at the end
"""

from types import TracebackType
from typing import BinaryIO, Protocol

import numpy as np
import soundfile

from weft.pipelines.audio import declared, pieces, streams
from weft.pipelines.audio.ffmpeg import BrokenStream, Closing, Ffmpeg
from weft.pipelines.audio.headers import length_of
from weft.pipelines.audio.shortage import shortage_of
from weft.pipelines.audio.whole import whole
from weft.schemas.ledger import Unusable

# Endings of audio files, which folders and tars are searched for; files that no decoder reads are rejected.
ENDINGS = (
    ".wav", ".wave", ".bwf", ".rf64", ".w64", ".flac", ".mp3", ".mp2", ".mpga", ".ogg", ".oga", ".ogv", ".opus", ".spx",
    ".aiff", ".aif", ".aifc", ".au", ".snd", ".sph", ".nist", ".caf", ".voc", ".m4a", ".m4b", ".mp4", ".m4v", ".mov", ".3gp",
    ".webm", ".weba", ".mka", ".mkv", ".aac", ".wma", ".wmv", ".asf", ".avi", ".flv", ".mpg", ".mpeg", ".amr", ".ac3", ".eac3",
    ".ape", ".tta", ".wv", ".dsf", ".raw",
)  # fmt: skip


class OpenAudio(Protocol):
    """Frames of float32, from -1 to 1, at `rate` frames a second. `declared` is the length in seconds, 0 where it is not known; where
    it `is_estimate`, more may be there.
    """

    rate: int
    channels: int

    @property
    def declared(self) -> float: ...
    @property
    def is_estimate(self) -> bool: ...
    def read(self, frames: int) -> np.ndarray: ...
    def seek(self, frame: int) -> None: ...
    def shortage(self, frames: int) -> str: ...
    def __enter__(self) -> "OpenAudio": ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def opened(file: BinaryIO) -> OpenAudio:
    """The decoder of a file. Raises Unusable: no_header, bad_header, mixed_pieces, not_audio."""
    if fault := declared.fault(file):
        raise Unusable("bad_header", fault)
    is_joined = streams.is_joined_ogg(file)
    if is_joined and (fault := pieces.change(file)):
        raise Unusable("mixed_pieces", f"{fault}: split it there")
    if is_joined or streams.is_mp3(file):
        try:
            return Ffmpeg(file, is_joined=is_joined or streams.is_joined_mp3(file))
        except BrokenStream:
            file.seek(0)
    try:
        return Sndfile(file)
    except TypeError:  # soundfile takes a file called .raw for samples whose rate the caller must know
        raise Unusable("no_header", "raw samples say neither rate nor format; convert it to wav or flac") from None
    except soundfile.LibsndfileError as error:
        file.seek(0)
        try:
            return Ffmpeg(file)
        except BrokenStream:
            if fault := shortage_of(file):
                raise Unusable("truncated", fault) from None
            raise Unusable("not_audio", f"no decoder reads it ({error.error_string})") from None


class Sndfile(Closing):
    """What libsndfile reads: wav, flac, ogg, opus, aiff, au, caf, SPHERE. FFmpeg goes on where it fails."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._place = file, 0
        self._shortage = shortage_of(file)
        self._sound = soundfile.SoundFile(whole(file))
        self._other: Ffmpeg | None = None
        self.rate, self.channels = self._sound.samplerate, self._sound.channels

    def __enter__(self) -> "Sndfile":
        return self

    def close(self) -> None:
        self._sound.close()
        if self._other:
            self._other.close()

    def read(self, frames: int) -> np.ndarray:
        if self._other is None:
            try:
                block = self._sound.read(frames, dtype="float32", always_2d=True)
                self._place += len(block)
                return block
            except soundfile.LibsndfileError as error:
                self._other = self._ffmpeg(error)
        return self._other.read(frames)

    def _ffmpeg(self, error: soundfile.LibsndfileError) -> "Ffmpeg":
        """The other decoder, at the place where this one failed. Raises BrokenStream with this one's reason."""
        self._file.seek(0)
        try:
            other = Ffmpeg(self._file)
        except BrokenStream:
            raise BrokenStream(error.error_string) from None
        if (other.rate, other.channels) != (self.rate, self.channels):
            raise BrokenStream(error.error_string) from None
        other.seek(self._place)
        return other

    def seek(self, frame: int) -> None:
        self._place = frame if self._is_unknown() else min(frame, self._sound.frames)
        try:
            self._sound.seek(self._place)
        except soundfile.LibsndfileError as error:
            self._other = self._ffmpeg(error)

    @property
    def declared(self) -> float:
        """Seconds; 0 where they are not known."""
        return 0.0 if self._is_unknown() else self._sound.frames / self.rate

    @property
    def is_estimate(self) -> bool:
        """Of MPEG audio libsndfile estimates the length; elsewhere no more than declared is read."""
        return self._sound.format == "MP3"

    def _is_unknown(self) -> bool:
        return not 0 < self._sound.frames < 2**62

    def shortage(self, frames: int) -> str:
        """A message where less was read than the file declares; else ""."""
        if self._shortage:
            return self._shortage
        if frames < self._sound.frames and not self._is_unknown():
            declared, read = self._sound.frames / self.rate, frames / self.rate
            return f"its header declares {declared:.2f} s, and {read:.2f} s are there"
        if second := streams.next_flac(self._file):
            place = f"byte {second:,} of {length_of(self._file):,}"
            return f"{frames / self.rate:.2f} s were read to {place}: a second stream begins there"
        return streams.ogg_shortage(self._file)
