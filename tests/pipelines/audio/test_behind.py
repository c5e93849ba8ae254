"""What lies behind the structure of a file, where no decoder reads it."""

import io
import random
from functools import cache

import av
import pytest

from weft.pipelines.audio.behind import fault
from weft.pipelines.audio.scan import scan
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.schemas.ledger import Unusable
from weft.tests.pipelines.audio.clips import encoded, noise

KINDS = {  # the name in the message, with coding and container
    "MP4": ("aac", "ipod", 16000),
    "AVI": ("libmp3lame", "avi", 16000),
    "ASF": ("wmav2", "asf", 44100),
    "FLV": ("libmp3lame", "flv", 44100),
    "TTA": ("tta", "tta", 16000),
    "AAC": ("aac", "adts", 16000),
    "MPEG": ("mp2", "mpeg", 16000),
    "MPEG transport stream": ("aac", "mpegts", 16000),
}
BEHIND = [random.Random(0).randbytes(20_000), b"Nobody reads this.\n" * 1000, bytes(100) + b"x" * 100]


@cache
def muxed(kind: str) -> bytes:
    """Three seconds of noise."""
    codec, container, rate = KINDS[kind]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, bit_rate=64_000)
        stream.layout = "mono"
        coder = stream.codec_context
        coder.open()
        frame = av.AudioFrame.from_ndarray(noise(3 * rate)[None], format="fltp", layout="mono")
        frame.sample_rate = rate
        shape = av.AudioResampler(coder.format, "mono", rate, coder.frame_size or 1024)
        for part in [*shape.resample(frame), *shape.resample(None), None]:
            out.mux(stream.encode(part))
    return buffer.getvalue()


@pytest.fixture(params=[*KINDS, "CAF"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@cache
def file_of(kind: str) -> bytes:
    return encoded(noise(48_000), kind="CAF", subtype="ALAC_16") if kind == "CAF" else muxed(kind)


@pytest.mark.parametrize("behind", BEHIND, ids=["random", "text", "zeros and more"])
def test_other_bytes_are_refused_with_their_place(store: Store, kind: str, behind: bytes) -> None:
    data = file_of(kind)
    with pytest.raises(Unusable, match=f"bytes that are no {kind} begin at byte") as refused:
        scan(store, Audio("memory", data=data + behind))
    assert refused.value.reason == "damaged"
    place = int(refused.value.detail.split(" byte ")[1].split(" of ")[0].replace(",", ""))
    assert len(data) <= place <= len(data) + len(behind) - 64


@pytest.mark.parametrize("behind", [b"", b"\r\n", bytes(5000), b"TAG" + bytes(125), b"ID3\x04" + bytes(500)])
def test_tags_and_padding_are_no_other_bytes(store: Store, kind: str, behind: bytes) -> None:
    assert fault(io.BytesIO(file_of(kind) + behind)) == ""


def test_a_file_that_was_cut_off_has_none(kind: str) -> None:
    data = file_of(kind)
    assert not {fault(io.BytesIO(data[:end])) for end in range(600, len(data), len(data) // 37)} - {""}


@pytest.mark.parametrize("kind", ["FLV", "TTA"])
def test_joined_files_that_no_decoder_reads_whole(kind: str) -> None:
    data = file_of(kind)
    assert f" begin at byte {len(data):,} of {3 * len(data):,}" in fault(io.BytesIO(3 * data))


@pytest.mark.parametrize("kind", ["AAC", "MPEG", "MPEG transport stream"])
def test_joined_files_that_are_read_through(store: Store, kind: str) -> None:
    joined = Audio("memory", data=12 * file_of(kind))
    assert scan(store, joined).seconds == pytest.approx(36.0, abs=1.2)


def test_tags_between_pieces_of_aac(store: Store) -> None:
    data = file_of("AAC") + b"TAG" + bytes(125) + file_of("AAC")
    assert scan(store, Audio("memory", data=data)).seconds == pytest.approx(6.0, abs=0.3)


def test_other_bytes_within_aac_are_refused(store: Store) -> None:
    data = file_of("AAC")
    assert f" begin at byte {len(data):,} of " in fault(io.BytesIO(data + BEHIND[1] + data))
