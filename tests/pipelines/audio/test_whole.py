"""Audio is read whole, whatever its header says of its length; or refused with what was declared and what is there."""

import io
import struct
from collections.abc import Callable

import av
import numpy as np
import pytest
import soundfile

from weft.pipelines.audio.scan import AudioFacts, scan
from weft.pipelines.audio.sound import DeclaredLength, declared_length, load
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.schemas.ledger import Unusable

RATE = 16000
CBR = {"b": "32k"}
VBR = {"flags": "+qscale", "global_quality": "472"}
Scan = Callable[[bytes], AudioFacts]


def sweep(seconds: float, rate: int = RATE) -> np.ndarray:
    """Of growing loudness, so that no second is like another."""
    time = np.arange(round(seconds * rate)) / rate
    return (np.sin(2 * np.pi * (200 + 100 * time) * time) * np.linspace(0.1, 0.7, len(time))).astype(np.float32)


def written(kind: str, subtype: str = "PCM_16", seconds: float = 3.0, rate: int = RATE) -> bytearray:
    buffer = io.BytesIO()
    soundfile.write(buffer, sweep(seconds, rate), rate, format=kind, subtype=subtype)
    return bytearray(buffer.getvalue())


class Pipe(io.RawIOBase):
    """A file in which nothing can be gone back to."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:  # type: ignore[no-untyped-def]
        self.data += data
        return len(data)


def encoded(
    codec: str,
    container: str,
    rate: int,
    seconds: float,
    muxer: dict,
    options: dict,
    pipe: bool = False,
    layout: str = "mono",
) -> bytes:
    buffer = Pipe() if pipe else io.BytesIO()
    with av.open(buffer, "w", format=container, options=muxer) as out:
        stream = out.add_stream(codec, rate=rate, options=options)
        stream.layout = layout
        frame = av.AudioFrame.from_ndarray(sweep(seconds, rate)[None], format="fltp", layout="mono")
        frame.rate, frame.pts = rate, 0
        shape = av.AudioResampler(stream.codec_context.format, layout, rate, stream.codec_context.frame_size or 1024)
        for piece in [*shape.resample(frame), *shape.resample(None)]:
            out.mux(stream.encode(piece))
        out.mux(stream.encode(None))
    return bytes(buffer.data) if isinstance(buffer, Pipe) else buffer.getvalue()


def mp3(rate: int, header: bool, options: dict, seconds: float = 5.0, tagged: bool | None = None) -> bytes:
    """With ID3 tags where it has a header, unless `tagged` says otherwise."""
    tagged = header if tagged is None else tagged
    tags = {"write_xing": str(int(header)), "id3v2_version": "3" if tagged else "0", "write_id3v1": str(int(tagged))}
    return encoded("libmp3lame", "mp3", rate, seconds, tags, options)


@pytest.fixture
def scanned(store: Store) -> Scan:
    return lambda data: scan(store, Audio("memory", data=bytes(data)))


def refused(scanned: Scan, data: bytes) -> Unusable:
    with pytest.raises(Unusable) as fault:
        scanned(data)
    return fault.value


@pytest.mark.parametrize("header", [True, False], ids=["Xing", "bare"])
@pytest.mark.parametrize("options", [CBR, VBR], ids=["CBR", "VBR"])
@pytest.mark.parametrize("rate", [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000])
def test_an_mp3_with_or_without_a_header(scanned: Scan, store: Store, rate: int, options: dict, header: bool) -> None:
    data = mp3(rate, header, options)
    facts = scanned(data)
    padding = 3 * (1152 if rate >= 32000 else 576) / rate
    assert facts.rate == rate and 5.0 - 0.01 <= facts.seconds <= 5.0 + padding
    audio = Audio("memory", data=data)
    whole = load(store, audio, 0.0, facts.seconds)
    piece = load(store, audio, 3.0, 4.0)
    assert np.abs(piece[800:-800] - whole[48000:64000][800:-800]).max() < 0.01
    loud = [float(np.abs(whole[a * RATE : (a + 1) * RATE]).mean()) for a in range(5)]
    assert loud == sorted(loud) and loud[-1] > 3 * loud[0]


@pytest.mark.parametrize("header", [True, False], ids=["Xing alone", "ID3 alone"])
@pytest.mark.parametrize("options", [CBR, VBR], ids=["CBR", "VBR"])
@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_an_mp3_with_either_a_header_or_tags(scanned: Scan, rate: int, options: dict, header: bool) -> None:
    """Those of Common Voice have tags and no header."""
    data = mp3(rate, header, options, tagged=not header)
    assert data.startswith(b"ID3") is not header
    padding = 3 * (1152 if rate >= 32000 else 576) / rate
    assert 5.0 - 0.01 <= scanned(data).seconds <= 5.0 + padding
    assert scanned(data * 2).seconds == pytest.approx(10.0, abs=2 * padding)


@pytest.mark.parametrize("header", [True, False], ids=["Xing", "bare"])
@pytest.mark.parametrize("options", [CBR, VBR], ids=["CBR", "VBR"])
def test_joined_mp3s(scanned: Scan, header: bool, options: dict) -> None:
    assert scanned(mp3(44100, header, options) * 3).seconds == pytest.approx(15.0, abs=0.25)


@pytest.mark.parametrize("fill", [bytes(20_000), np.random.default_rng(1).bytes(20_000)], ids=["zeros", "noise"])
def test_an_mp3_without_a_header_that_is_damaged_in_the_middle(scanned: Scan, fill: bytes) -> None:
    """Nothing declares its length, so what was lost would be missed by nobody."""
    data = mp3(44100, False, CBR, seconds=10.0)
    begin = len(data) // 3
    fault = refused(scanned, data[:begin] + fill + data[begin + len(fill) :])
    assert "are no MP3" in fault.detail


def test_an_mp3_that_its_header_says_was_longer(scanned: Scan) -> None:
    data = mp3(44100, True, VBR)
    fault = refused(scanned, data[: len(data) * 3 // 4])
    assert fault.reason == "truncated" and "declares 5.0" in fault.detail and "3.7" in fault.detail


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_chained_ogg(scanned: Scan, subtype: str) -> None:
    first, second = written("OGG", subtype, rate=48000), written("OGG", subtype, seconds=2.0, rate=48000)
    assert scanned(first + second).seconds == pytest.approx(5.0, abs=0.02)
    assert scanned(first + first).seconds == pytest.approx(6.0, abs=0.02)
    assert scanned(first).seconds == pytest.approx(3.0, abs=0.001)


def test_flac_that_goes_on_after_its_end_is_refused_with_both_figures(scanned: Scan) -> None:
    data = written("FLAC")
    fault = refused(scanned, bytes(data + data))
    assert "3.00 s were read" in fault.detail and f"byte {len(data):,} of {2 * len(data):,}" in fault.detail


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "AU", "CAF", "W64", "RF64"])
def test_two_files_put_end_to_end_are_refused_with_the_place(scanned: Scan, kind: str) -> None:
    data = written(kind)
    fault = refused(scanned, bytes(data + data))
    assert fault.reason == "truncated" and f"byte {len(data):,} of {2 * len(data):,}" in fault.detail
    assert scanned(data).seconds == 3.0


def test_two_mp4s_put_end_to_end_are_refused_with_the_place(scanned: Scan) -> None:
    data = encoded("aac", "mp4", 44100, 3.0, {}, {})
    assert f"byte {len(data):,} of {2 * len(data):,}" in refused(scanned, data * 2).detail
    assert scanned(data).seconds == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("other", ["flac", "vorbis", "mp4", "webm", "flv", "tagged mp3"])
@pytest.mark.parametrize("kind", ["WAV", "RF64", "W64", "AIFF", "AU", "CAF"])
def test_a_file_of_another_kind_behind_samples_is_no_samples(scanned: Scan, kind: str, other: str) -> None:
    data = bytes(written(kind))
    others = {
        "flac": lambda: bytes(written("FLAC")),
        "vorbis": lambda: bytes(written("OGG", "VORBIS")),
        "mp4": lambda: encoded("aac", "mp4", 44100, 3.0, {}, {}),
        "webm": lambda: encoded("libopus", "webm", 48000, 3.0, {}, {}),
        "flv": lambda: encoded("libmp3lame", "flv", 44100, 3.0, {}, {}),
        "tagged mp3": lambda: mp3(44100, True, CBR),
    }
    fault = refused(scanned, data + others[other]())
    place = int(fault.detail.split(" at byte ")[1].split(" of ")[0].replace(",", ""))
    assert fault.reason == "truncated" and "a second file begins at byte" in fault.detail
    assert len(data) <= place <= len(data) + 64  # behind the tags of an MP3


def test_other_bytes_behind_the_tag_of_an_mp3_are_refused(scanned: Scan) -> None:
    data = mp3(16000, False, CBR) + b"TAG" + bytes(125)
    assert "are no MP3" in refused(scanned, data + b"Nobody reads this.\n" * 3000).detail


@pytest.mark.parametrize(("codec", "container"), [("libmp3lame", "mp3"), ("aac", "adts")])
@pytest.mark.parametrize("first", ["mono", "stereo"])
def test_joined_pieces_may_differ_in_channels(store: Store, codec: str, container: str, first: str) -> None:
    """Each piece is given the channels of the first."""
    other = "stereo" if first == "mono" else "mono"
    one, two = (encoded(codec, container, 44100, 3.0, {}, {}, layout=layout) for layout in (first, other))
    joined = Audio("memory", data=one + two)
    assert scan(store, joined).seconds == pytest.approx(6.0, abs=0.3)
    for data, begin in ((one, 0.2), (two, 3.2)):
        alone = load(store, Audio("memory", data=data), 0.2, 2.7)
        read = load(store, joined, begin, begin + 2.7)
        spectra = np.fft.rfft(read, 2 * len(read)) * np.conj(np.fft.rfft(alone, 2 * len(read)))
        assert np.fft.irfft(spectra).max() > 0.85 * np.linalg.norm(alone) * np.linalg.norm(read)


def put(data: bytearray, at: int, number: int, layout: str) -> bytearray:
    out = bytearray(data)
    struct.pack_into(layout, out, at, number)
    return out


@pytest.mark.parametrize("size", [0, 20_000, 20_001, 0x7FFFFFFF, 0xFFFFFF00, 0xFFFFFFFF])
@pytest.mark.parametrize("riff", [True, False])
def test_a_wav_that_does_not_know_its_length(scanned: Scan, store: Store, size: int, riff: bool) -> None:
    data = written("WAV")
    out = put(data, data.index(b"data") + 4, size, "<I")
    out = put(out, 4, min(size + 36, 0xFFFFFFFF), "<I") if riff else out
    assert scanned(out).seconds == 3.0
    read = load(store, Audio("memory", data=bytes(out)), 0.0, 3.0)
    assert np.abs(read - sweep(3.0)).max() < 1e-4


def test_what_follows_the_samples_of_a_wav_is_no_sound(scanned: Scan) -> None:
    data = written("WAV")
    for tail in (
        b"LIST" + struct.pack("<I", 4000) + b"INFO" + bytes(3996),
        b"ID3\x04" + bytes(500),
        b"TAG" + bytes(125),
    ):
        assert scanned(data + tail).seconds == 3.0


def unknown() -> dict[str, bytearray]:
    """Each format with a length that says: not known."""
    rf64, w64, aiff, au, flac, caf = (written(kind) for kind in ("RF64", "W64", "AIFF", "AU", "FLAC", "CAF"))
    made = {"aiff": put(put(aiff, aiff.index(b"SSND") + 4, 0, ">I"), aiff.index(b"COMM") + 10, 0, ">I")}
    at = rf64.index(b"ds64") + 16
    made |= {"rf64 0": put(rf64, at, 0, "<Q"), "rf64 -1": put(rf64, at, 2**64 - 1, "<Q")}
    at = w64.index(b"data") + 16
    made |= {"w64 0": put(w64, at, 0, "<Q"), "w64 -1": put(w64, at, 2**63 - 1, "<Q")}
    made |= {"au 0": put(au, 8, 0, ">I"), "au -1": put(au, 8, 2**32 - 1, ">I"), "au small": put(au, 8, 20_000, ">I")}
    made |= {"caf -1": put(caf, caf.index(b"data") + 4, 2**64 - 1, ">Q")}
    return made | {"flac 0": put(put(flac, 22, 0, ">I"), 21, flac[21] & 0xF0, ">B")}


@pytest.mark.parametrize("kind", unknown())
def test_headers_that_do_not_know_the_length(scanned: Scan, kind: str) -> None:
    assert scanned(unknown()[kind]).seconds == 3.0


@pytest.mark.parametrize(("codec", "container"), [("libopus", "webm"), ("flac", "matroska")])
def test_matroska_of_a_recorder_that_was_killed(scanned: Scan, codec: str, container: str) -> None:
    data = encoded(codec, container, 48000, 3.0, {"live": "1"}, {}, pipe=True)
    assert scanned(data).seconds == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize("size", [0, 0xFFFFFF])
def test_a_voc_of_a_pipe(scanned: Scan, size: int) -> None:
    """Its block says no length, which libsndfile refuses; FFmpeg reads to the end."""
    samples = (np.sin(np.arange(48_000) / 20) * 100 + 128).astype(np.uint8).tobytes()
    head = b"Creative Voice File\x1a" + struct.pack("<HHH", 26, 0x0114, 0x111F)
    block = b"\x01" + size.to_bytes(3, "little") + bytes([256 - 1_000_000 // 16_000, 0])
    assert scanned(bytearray(head + block + samples)).seconds == pytest.approx(3.0, abs=0.05)


def test_adts_declares_no_length(scanned: Scan) -> None:
    """FFmpeg only estimates it, from the first frames."""
    quiet = encoded("aac", "adts", 48000, 3.0, {}, {"b": "24k"})
    loud = encoded("aac", "adts", 48000, 3.0, {}, {"b": "128k"})
    assert scanned(quiet + loud).seconds == pytest.approx(6.0, abs=0.1)
    assert scanned(loud + quiet).seconds == pytest.approx(6.0, abs=0.1)


@pytest.mark.parametrize("kind", ["WAV", "RF64", "W64", "AIFF", "AU", "CAF"])
def test_what_is_cut_is_refused_with_both_figures(scanned: Scan, kind: str) -> None:
    fault = refused(scanned, bytes(written(kind)[:-20_000]))
    assert fault.reason == "truncated" and "96,000 bytes" in fault.detail and "76,000 are there" in fault.detail


def test_a_flac_that_is_cut_says_how_far_it_was_read(scanned: Scan) -> None:
    fault = refused(scanned, bytes(written("FLAC")[:-9000]))
    assert fault.reason == "truncated" and "stops after 2." in fault.detail


def test_an_ogg_that_is_cut_within_a_page(scanned: Scan) -> None:
    data = written("OGG", "OPUS", rate=48000)
    assert "its last page declares" in refused(scanned, bytes(data[: len(data) // 2])).detail


def test_what_is_declared_is_reported_without_decoding(store: Store) -> None:
    for data, seconds in ((mp3(44100, True, VBR), 5.0), (bytes(written("FLAC")), 3.0), (bytes(unknown()["au 0"]), 3.0)):
        declared = DeclaredLength(pytest.approx(seconds, abs=0.1), is_estimate=False)
        assert declared_length(store, Audio("memory", data=data)) == declared
    assert declared_length(store, Audio("memory", data=b"nonsense" * 100)) is None


@pytest.mark.parametrize("tags", [b"", b"TAG" + bytes(125), b"APETAGEX" + bytes(3000)], ids=["none", "ID3v1", "APE"])
def test_tags_behind_an_mp3_are_no_second_file(store: Store, tags: bytes) -> None:
    declared = declared_length(store, Audio("memory", data=mp3(16000, True, CBR) + tags))
    assert declared == DeclaredLength(pytest.approx(5.0, abs=0.1), is_estimate=False)


@pytest.mark.parametrize("count", [2, 12])
def test_of_joined_files_no_length_is_declared(store: Store, count: int) -> None:
    for data in (mp3(16000, True, CBR), mp3(44100, True, VBR), bytes(written("OGG", "VORBIS"))):
        assert declared_length(store, Audio("memory", data=data * count)) is None


def test_the_length_of_what_has_no_header_is_an_estimate(store: Store) -> None:
    for data in (mp3(16000, False, CBR), encoded("aac", "adts", 16000, 5.0, {}, {})):
        declared = declared_length(store, Audio("memory", data=data))
        assert declared and declared.is_estimate and declared.seconds == pytest.approx(5.0, abs=0.5)
