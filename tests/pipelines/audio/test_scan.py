"""Scanning audio: what is refused and why, and what is said of what is good."""

import hashlib
import struct
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.pipelines.audio.clips import encoded, noise, tone
from weft.pipelines.audio import decoders
from weft.pipelines.audio import scan as scanning
from weft.pipelines.audio.ffmpeg import BrokenStream
from weft.pipelines.audio.scan import scan
from weft.pipelines.audio.sound import RATE, flac, load
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.limits import SpeechLimits

Put = Callable[[bytes], Audio]


def promising_wav() -> bytes:
    """A header that promises a second over half of one; the file's own size is as the header says."""
    data = bytearray(encoded(tone(1.0)))
    del data[-16000:]
    return bytes(data)


def tall_wav() -> bytes:
    """A header and no samples."""
    return encoded(np.zeros(0, np.float32))


BAD = {
    "empty": (b"", "empty_file"),
    "text": (b"this is a transcript, not a sound\n" * 50, "not_audio"),
    "half a header": (encoded(tone(1.0))[:20], "not_audio"),
    "truncated flac": (flac(noise(RATE * 3), RATE)[:-20_000], "truncated"),
    "flac cut in its middle": (flac(noise(RATE * 3), RATE)[:40_000], "truncated"),
    "truncated wav": (promising_wav(), "truncated"),
    "truncated float wav": (encoded(tone(1.0), subtype="FLOAT")[:-8000], "truncated"),
    "nan": (encoded(np.where(np.arange(RATE) == 777, np.nan, tone(1.0)), subtype="FLOAT"), "not_finite"),
    "infinite": (encoded(np.where(np.arange(RATE) == 777, np.inf, tone(1.0)), subtype="FLOAT"), "not_finite"),
    "digital silence": (encoded(np.zeros(RATE, np.float32)), "silent"),
    "the last bit flickering": (encoded(np.where(np.arange(RATE) % 9, 0, 1 / 32768)), "silent"),
    "20 dB too loud": (encoded(np.clip(noise(RATE) / noise(RATE).std(), -1, 1)), "clipped"),
    "20 dB too loud, as telephones have it": (
        encoded(np.clip(noise(RATE) / noise(RATE).std(), -1, 1), subtype="ULAW"),
        "clipped",
    ),
    "floats of another scale": (encoded(tone(1.0) * 32768, subtype="FLOAT"), "clipped"),
    "channels that cancel": (encoded(np.stack([tone(1.0), -tone(1.0)], axis=1), subtype="FLOAT"), "silent"),
    "0 samples": (tall_wav(), "no_samples"),
    "1 sample": (encoded(np.full(1, 0.5)), "too_short"),
    "99 ms": (encoded(tone(0.099)), "too_short"),
    "4 kHz": (encoded(tone(1.0, 4000), 4000), "low_rate"),
}


@pytest.mark.parametrize(("data", "reason"), BAD.values(), ids=BAD)
def test_what_cannot_be_relied_on_is_refused(store: Store, put: Put, data: bytes, reason: str) -> None:
    with pytest.raises(Unusable) as fault:
        scan(store, put(data))
    assert fault.value.reason == reason
    assert fault.value.detail


LOUD = np.where(np.arange(RATE) < 99, 1.0, tone(1.0))
LIMITS = {
    "too_short": ({"shortest": 0.05}, {"shortest": 1.5}, encoded(tone(0.099)), encoded(tone(1.0))),
    "silent": ({"silence": 1e-5}, {"silence": 0.6}, encoded(np.where(np.arange(RATE) % 9, 0, 1 / 32768)), encoded(tone(1.0))),
    "clipped": ({"clipped": 1}, {"clipped": 0}, encoded(tone(1.0) * 32768, subtype="FLOAT"), encoded(LOUD)),
    "low_rate": ({"lowest_rate": 4000}, {"lowest_rate": 22_050}, encoded(tone(1.0, 4000), 4000), encoded(tone(1.0))),
}  # fmt: skip


@pytest.mark.parametrize("reason", LIMITS)
def test_each_limit_decides_what_is_refused(store: Store, put: Put, reason: str) -> None:
    """One limit that lets a bad file pass, and one that refuses a good file."""
    wide, narrow, bad, good = LIMITS[reason]
    assert scan(store, put(bad), SpeechLimits.model_validate(wide)).seconds
    assert scan(store, put(good)).seconds == 1.0
    with pytest.raises(Unusable) as fault:
        scan(store, put(good), SpeechLimits.model_validate(narrow))
    assert fault.value.reason == reason


ODD = {"tag 0": (0, 1, 16), "tag 0xffff": (0xFFFF, 1, 16), "no bits": (1, 1, 0), "65,535 bits": (1, 1, 65535),
       "no channels": (1, 0, 16), "no extension": (0xFFFE, 1, 16), "ADPCM without its table": (2, 1, 16)}  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_a_wav_with_an_odd_header_is_refused(store: Store, put: Put, odd: str) -> None:
    tag, channels, bits = ODD[odd]
    block = min(channels * bits // 8, 65535)
    layout = struct.pack("<HHIIHH", tag, channels, RATE, RATE * block, block, bits)
    data = b"\1\0" * RATE
    chunks = b"WAVEfmt " + struct.pack("<I", 16) + layout + b"data" + struct.pack("<I", len(data)) + data
    with pytest.raises(Unusable) as fault:
        scan(store, put(b"RIFF" + struct.pack("<I", len(chunks)) + chunks))
    assert (
        fault.value.reason == ("bad_header" if odd in ("no bits", "no channels") else "not_audio")
        and fault.value.detail
    )


def test_a_place_in_a_file_that_is_not_there(store: Store, put: Put) -> None:
    """As of a tar whose header declares more than it holds."""
    audio = replace(put(flac(noise(RATE), RATE)), offset=512, length=10**12)
    with pytest.raises(Unusable, match=r"1,000,000,000,000 bytes are declared, and [\d,]+ are there"):
        scan(store, audio)


def test_a_device_by_its_url_is_no_file(store: Store) -> None:
    with pytest.raises(Unusable) as fault:
        scan(store, Audio("file:///dev/zero"))
    assert fault.value.reason == "not_a_file"


def test_what_is_not_there_is_unavailable(store: Store, tmp_path: Path) -> None:
    for uri in (str(tmp_path / "gone.wav"), f"memory://{uuid.uuid4().hex}/gone.wav"):
        with pytest.raises(Unavailable, match=r"gone\.wav: ") as fault:
            scan(store, Audio(uri))
        assert fault.value.absent


GOOD = {
    "8 kHz": (encoded(tone(1.0, 8000), 8000), 8000, 1),
    "44.1 kHz": (encoded(tone(1.0, 44100), 44100), 44100, 1),
    "192 kHz": (encoded(tone(1.0, 192000), 192000), 192000, 1),
    "12 channels": (encoded(np.stack([tone(1.0)] * 12, axis=1)), RATE, 12),
    "float": (encoded(tone(1.0), subtype="FLOAT"), RATE, 1),
    "double": (encoded(tone(1.0), subtype="DOUBLE"), RATE, 1),
    "24 bit": (encoded(tone(1.0), subtype="PCM_24"), RATE, 1),
    "8 bit": (encoded(tone(1.0), subtype="PCM_U8"), RATE, 1),
    "flac": (encoded(tone(1.0), kind="FLAC"), RATE, 1),
    "24 bit flac": (encoded(tone(1.0), kind="FLAC", subtype="PCM_24"), RATE, 1),
    "aiff": (encoded(tone(1.0), kind="AIFF"), RATE, 1),
    "au": (encoded(tone(1.0), kind="AU"), RATE, 1),
}


@pytest.mark.parametrize(("data", "rate", "channels"), GOOD.values(), ids=GOOD)
def test_good_audio_is_what_it_was(store: Store, put: Put, data: bytes, rate: int, channels: int) -> None:
    audio = put(data)
    facts = scan(store, audio)
    assert (facts.seconds, facts.rate, facts.channels) == (1.0, rate, channels)
    assert facts.sha256 == hashlib.sha256(data).hexdigest()
    heard = load(store, audio, 0.0, 1.0)
    assert heard.dtype == np.float32 and heard.shape == (RATE,)
    inner = slice(800, -800)  # resampling rings at the ends
    assert np.abs(heard[inner] - tone(1.0)[inner]).max() < 0.02


def test_what_is_clipped_here_and_there_can_be_used(store: Store, put: Put) -> None:
    loud = tone(1.0)
    loud[::20] = 1.0
    assert scan(store, put(encoded(loud))).seconds == 1.0
    half = np.stack([np.clip(noise(RATE) / noise(RATE).std(), -1, 1), 0.01 * noise(RATE)], axis=1)
    with pytest.raises(Unusable) as fault:
        scan(store, put(encoded(half)))
    assert fault.value.reason == "clipped"
    stuck = np.stack([tone(1.0), np.ones(RATE, np.float32)], axis=1)
    assert scan(store, put(encoded(stuck))).channels == 2
    with pytest.raises(Unusable):
        scan(store, replace(put(encoded(stuck)), channel=1))


def test_a_wav_whose_header_was_never_finished_is_read_to_its_end(store: Store, put: Put) -> None:
    """Recorders that stream write 0xFFFFFFFF for the length they do not know."""
    data = bytearray(encoded(tone(1.0)))
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", 0xFFFFFFFF)
    assert scan(store, put(bytes(data))).seconds == 1.0


def test_a_rate_that_nothing_has_is_refused(store: Store, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a format whose header only its decoder reads."""
    monkeypatch.setattr(scanning, "HIGHEST_RATE", RATE - 1)
    with pytest.raises(Unusable, match="it declares 16,000 Hz, where up to 15,999") as fault:
        scan(store, put(encoded(noise(RATE), kind="FLAC")))
    assert fault.value.reason == "bad_header"


def test_what_nothing_can_be_decoded_of_is_not_called_truncated(
    store: Store, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: decoders.Sndfile, frames: int) -> np.ndarray:
        raise BrokenStream("invalid data")

    monkeypatch.setattr(decoders.Sndfile, "read", broken)
    with pytest.raises(Unusable, match=r"nothing of it can be decoded \(invalid data\)") as fault:
        scan(store, put(encoded(noise(RATE))))
    assert fault.value.reason == "not_audio"
