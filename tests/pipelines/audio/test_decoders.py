"""Decoders: what libsndfile cannot read, FFmpeg does, to the frame; playlists and nonsense are refused."""

import io
import struct
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from weft.pipelines.audio import ffmpeg, sound
from weft.pipelines.audio.decoders import opened
from weft.pipelines.audio.ffmpeg import BrokenStream, Ffmpeg
from weft.pipelines.audio.scan import scan
from weft.pipelines.audio.sound import load
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.schemas.ledger import Unusable

RATE = 48000
SWEEP = (0.5 * np.sin(2 * np.pi * np.cumsum(np.linspace(200, 4000, 6 * RATE)) / RATE)).astype(np.float32)
KINDS = {"m4a": ("aac", "ipod"), "webm": ("libopus", "webm"), "aac": ("aac", "adts"), "mkv": ("flac", "matroska")}


def encoded(path: Path, kind: str) -> Path:
    codec, container = KINDS[kind]
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=RATE)
        stream.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(np.stack([SWEEP, SWEEP * 0.5]), format="fltp", layout="stereo")
        frame.rate, frame.pts = RATE, 0
        shape = av.AudioResampler(stream.codec_context.format, "stereo", RATE, stream.codec_context.frame_size or 1024)
        for piece in [*shape.resample(frame), *shape.resample(None)]:
            for packet in stream.encode(piece):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_what_libsndfile_cannot_read(kind: str, tmp_path: Path, store: Store) -> None:
    audio = Audio(str(encoded(tmp_path / f"a.{kind}", kind)))
    facts = scan(store, audio)
    assert (facts.rate, facts.channels) == (RATE, 2)
    assert facts.seconds == pytest.approx(6.0, abs=0.06)
    whole = load(store, audio, 0.0, 6.0)
    for start in (0.0, 0.5, 2.0, 4.7):
        piece = load(store, audio, start, start + 1)
        assert len(piece) == 16000
        at = round(start * 16000)
        inside = slice(1000, 15000)  # the resampler's filter differs at the edges
        assert np.abs(piece[inside] - whole[at:][inside]).max() < 0.02, start


def test_channels_are_told_apart(tmp_path: Path, store: Store) -> None:
    path = str(encoded(tmp_path / "a.m4a", "m4a"))
    left, right = (load(store, Audio(path, channel=n), 1.0, 2.0) for n in (0, 1))
    assert np.abs(right).max() == pytest.approx(np.abs(left).max() / 2, rel=0.15)
    with pytest.raises(Unusable, match="channel 2 of 2"):
        scan(store, Audio(path, channel=2))


@pytest.mark.parametrize("kind", ["m4a", "webm"])
def test_a_file_that_breaks_off_is_refused(kind: str, tmp_path: Path, store: Store) -> None:
    path = encoded(tmp_path / f"a.{kind}", kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(Unusable) as fault:
        scan(store, Audio(str(path)))
    assert fault.value.reason in ("truncated", "not_audio")


def test_a_playlist_opens_nothing(tmp_path: Path) -> None:
    inner = encoded(tmp_path / "a.aac", "aac")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{inner}\n#EXT-X-ENDLIST\n"
    with pytest.raises(Unusable, match="no decoder reads it"):
        opened(io.BytesIO(playlist.encode()))


@pytest.mark.parametrize(
    "data", [b"", b"nonsense" * 100, b"\x00\x00\x00\x20ftypM4A " + bytes(3000), b"\x1aE\xdf\xa3" + bytes(999)]
)
def test_nonsense_is_no_audio(data: bytes) -> None:
    with pytest.raises((Unusable, BrokenStream)) as fault:
        opened(io.BytesIO(data))
    assert isinstance(fault.value, Unusable) and fault.value.reason == "not_audio"


def _wav(tag: int, bits: int, channels: int = 1) -> bytes:
    data = (np.sin(np.arange(16000) / 20) * 10000).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", tag, channels, 16000, 32000, 2, bits)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(data))
        + b"WAVEfmt \x10\0\0\0"
        + form
        + b"data"
        + struct.pack("<I", len(data))
        + data
    )


@pytest.mark.parametrize("tag", [0, 2, 0x160, 0x674F, 0xFFFE, 0xFFFF])
@pytest.mark.parametrize("bits", [0, 16, 63])
def test_odd_tags_and_bits_are_refused_or_read(tag: int, bits: int) -> None:
    with suppress(Unusable, BrokenStream), opened(io.BytesIO(_wav(tag, bits))) as sound:
        while len(sound.read(16000)):
            pass


def _caf(channels: int, bytes_a_packet: int, frames_a_packet: int) -> bytes:
    form = b"lpcm" + struct.pack(">IIIII", 0, bytes_a_packet, frames_a_packet, channels, 16)
    data = (np.sin(np.arange(64000) / 20) * 10000).astype(">i2").tobytes()
    desc = b"desc" + struct.pack(">Qd", 32, 16000.0) + form
    return b"caff\0\x01\0\0" + desc + b"data" + struct.pack(">Q", len(data) + 4) + bytes(4) + data


def test_more_channels_than_any_layout_has_are_read_and_crash_nothing() -> None:
    with Ffmpeg(io.BytesIO(_caf(34, 68, 1))) as sound:
        blocks = []
        while len(block := sound.read(16000)):
            blocks.append(block)
    assert np.concatenate(blocks).shape == (64000 // 34, 34)


def test_a_small_file_that_declares_days_of_silence_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "LONGEST_GAPS", 600.0)
    with (
        Ffmpeg(io.BytesIO(_caf(1, 254, 1_600_000))) as sound,
        pytest.raises(BrokenStream, match="time stamps leave out"),
    ):
        while len(sound.read(30 * 16000)):
            pass


@pytest.mark.parametrize("sought", [False, True])
def test_ffmpeg_goes_on_where_libsndfile_fails(store: Store, monkeypatch: pytest.MonkeyPatch, sought: bool) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, SWEEP, RATE, format="FLAC")
    audio = Audio("memory", data=buffer.getvalue())
    start = 4.0 if sought else 0.0
    facts, whole = scan(store, audio), load(store, audio, start, 6.0)
    read = soundfile.SoundFile.read

    def fails(self: soundfile.SoundFile, frames: int, **kind: object) -> np.ndarray:
        if self.tell() + frames > 3 * RATE:
            raise soundfile.LibsndfileError(1)
        return read(self, frames, **kind)

    monkeypatch.setattr(soundfile.SoundFile, "read", fails)
    monkeypatch.setattr(sound, "AT_ONCE", RATE)
    assert scan(store, audio) == facts
    assert np.abs(load(store, audio, start, 6.0) - whole).max() < 1e-4


def test_a_stream_that_begins_in_mid_file_is_a_reject(tmp_path: Path, store: Store) -> None:
    """PyAV has no place for one that is not among the first 5 MB, which FFmpeg reads when it opens a file."""
    path = tmp_path / "a.flv"
    samples = np.arange(62 * 44_100).astype(np.int16)[None]
    with av.open(str(path), "w", format="flv") as out:
        stream = out.add_stream("pcm_s16le", rate=44100)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.rate, frame.pts = 44100, 0
        shape = av.AudioResampler("s16", "mono", 44100, 4096)
        for piece in [*shape.resample(frame), *shape.resample(None), None]:
            out.mux(stream.encode(piece))
    picture = b"\x22" + bytes(99)
    head = b"\x09" + len(picture).to_bytes(3, "big") + bytes(7)
    path.write_bytes(path.read_bytes() + head + picture + (11 + len(picture)).to_bytes(4, "big"))
    with pytest.raises(Unusable, match="another stream begins in the middle of it") as refused:
        scan(store, Audio(str(path)))
    assert refused.value.reason == "truncated"
