"""A header that declares what no sound has is told as it is, whatever the format; nothing of it is decoded."""

import io
import struct

import pytest

from weft.pipelines.audio.declared import fault
from weft.pipelines.audio.decoders import opened
from weft.schemas.ledger import Unusable

SAMPLES = bytes(range(256)) * 125


def wav(channels: int = 1, rate: int = 16000, bits: int = 16, tag: int = 1) -> bytes:
    form = struct.pack("<HHIIHH", tag, channels, rate, 32000, 2, bits)
    chunks = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(SAMPLES)) + SAMPLES
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def w64(channels: int = 1, rate: int = 16000) -> bytes:
    tail = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
    form = b"fmt " + tail + struct.pack("<QHHIIHH", 40, 1, channels, rate, 32000, 2, 16)
    data = b"data" + tail + struct.pack("<Q", 24 + len(SAMPLES)) + SAMPLES
    body = b"wave" + tail + form + data
    return b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00" + struct.pack("<Q", 24 + len(body)) + body


def aiff(channels: int = 1, rate: bytes = b"\x40\x0c\xfa" + bytes(7), bits: int = 16) -> bytes:
    form = b"COMM" + struct.pack(">IhIh", 18, channels, len(SAMPLES) // 2, bits) + rate
    data = b"SSND" + struct.pack(">III", len(SAMPLES) + 8, 0, 0) + SAMPLES
    return b"FORM" + struct.pack(">I", 4 + len(form) + len(data)) + b"AIFF" + form + data


def au(channels: int = 1, rate: int = 16000) -> bytes:
    return b".snd" + struct.pack(">IIIII", 24, len(SAMPLES), 3, rate, channels) + SAMPLES


def caf(channels: int = 1, rate: float = 16000.0, bits: int = 16) -> bytes:
    form = struct.pack(">Qd", 32, rate) + b"lpcm" + struct.pack(">IIIII", 0, 2, 1, channels, bits)
    return b"caff\0\1\0\0desc" + form + b"data" + struct.pack(">Q", len(SAMPLES) + 4) + bytes(4) + SAMPLES


def sphere(channels: int = 1, rate: int = 16000) -> bytes:
    lines = f"NIST_1A\n   1024\nsample_rate -i {rate}\nchannel_count -i {channels}\nsample_count -i 16000\nsample_n_bytes -i 2\n"
    return (lines + "sample_byte_format -s2 01\nsample_coding -s3 pcm\nend_head\n").encode().ljust(1024) + SAMPLES


@pytest.mark.parametrize("made", [wav, w64, aiff, au, caf, sphere])
def test_no_channels(made) -> None:  # type: ignore[no-untyped-def]
    assert not fault(io.BytesIO(made()))
    with opened(io.BytesIO(made())) as sound:
        assert (sound.channels, sound.rate, len(sound.read(100))) == (1, 16000, 100)
    with pytest.raises(Unusable, match="its header declares 0 channels") as refused:
        opened(io.BytesIO(made(channels=0)))
    assert refused.value.reason == "bad_header"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (wav(rate=0), "0 Hz"),
        (wav(rate=2**32 - 1), r"4\.29497e\+09 Hz, where .* up to 3,072,000"),
        (wav(channels=2000), "2,000 channels, where 1 to 1,024"),
        (wav(bits=0), "samples of 0 bits"),
        (wav(bits=0, tag=3), "samples of 0 bits"),
        (w64(rate=0), "0 Hz"),
        (aiff(rate=bytes(10)), "0 Hz"),
        (aiff(rate=b"\x7f\xff" + b"\xff" * 8), "inf Hz"),
        (aiff(rate=b"\xc0\x0c\xfa" + bytes(7)), "-16,000 Hz"),
        (aiff(channels=-1), "-1 channels"),
        (aiff(bits=0), "samples of 0 bits"),
        (au(rate=0), "0 Hz"),
        (caf(rate=float("nan")), "nan Hz"),
        (caf(rate=float("inf")), "inf Hz"),
        (caf(rate=-1.0), "-1 Hz"),
        (caf(bits=0), "samples of 0 bits"),
        (sphere(rate=0), "0 Hz"),
    ],
)
def test_what_no_sound_has(data: bytes, fault: str) -> None:
    with pytest.raises(Unusable, match=f"its header declares {fault}") as refused:
        opened(io.BytesIO(data))
    assert refused.value.reason == "bad_header"


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", wav()[:20], wav(bits=0, tag=0x55), caf()[:30], b"NIST_1A\n   1024\n", b".snd\0"]
)
def test_what_says_nothing_of_it_is_left_to_the_decoders(data: bytes) -> None:
    assert not fault(io.BytesIO(data))
