"""Reading audio: what is refused and why, and what comes out of what is good."""

import hashlib
import io
import struct
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import fsspec
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.pipelines.audio import decoders, sound
from weft.pipelines.audio.ffmpeg import BrokenStream
from weft.pipelines.audio.sound import RATE, at_16k, blocks, flac, load, load_utterance, scan
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Utterance
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.limits import SpeechLimits


def tone(seconds: float, rate: int = RATE, hertz: float = 300.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-0.5, 0.5, count).astype(np.float32)


def encoded(samples: np.ndarray, rate: int = RATE, kind: str = "WAV", subtype: str = "PCM_16") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


@pytest.fixture
def put(tmp_path: Path) -> Callable[[bytes], Audio]:
    def written(data: bytes, name: str = "a.wav") -> Audio:
        (tmp_path / name).write_bytes(data)
        return Audio(str(tmp_path / name))

    return written


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


def test_channels_are_mixed(store: Store, put: Put) -> None:
    both = np.stack([tone(0.5), -tone(0.5) * 0.5], axis=1)
    assert np.allclose(load(store, put(encoded(both, subtype="FLOAT")), 0, 0.5), both.mean(axis=1), atol=1e-6)


@given(start=st.floats(0, 2.5), length=st.floats(0.1, 0.5))
@settings(max_examples=30)
def test_a_stretch_at_16_khz_is_the_slice_of_the_whole(start: float, length: float) -> None:
    fs = fsspec.filesystem("memory")
    whole = noise(3 * RATE)
    fs.pipe("/sound/whole.wav", encoded(whole, subtype="FLOAT"))
    heard = load(Store("memory://sound"), Audio("whole.wav"), start, start + length)
    first, last = round(start * RATE), round((start + length) * RATE)
    assert np.array_equal(heard, whole[first:last])


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_a_stretch_at_other_rates_is_the_slice_of_the_whole(store: Store, put: Put, rate: int) -> None:
    audio = put(encoded(tone(4.0, rate), rate, subtype="FLOAT"))
    whole = load(store, audio, 0.0, 4.0)
    part = load(store, audio, 1.2, 2.4)
    assert len(part) == round(1.2 * RATE)
    inner = slice(400, -400)
    assert np.abs(part[inner] - whole[19200:38400][inner]).max() < 1e-3


def test_audio_may_lie_inside_a_file(store: Store, put: Put) -> None:
    one, two = flac(tone(0.5), RATE), flac(tone(0.25, hertz=500), RATE)
    store.write("synthesize/d/part-00000.bin", one + two)
    audio = Audio("synthesize/d/part-00000.bin", len(one), len(two))
    assert np.allclose(load(store, audio, 0, 0.25), tone(0.25, hertz=500), atol=1e-4)


def test_a_stretch_that_is_no_longer_there_is_reported(store: Store, put: Put) -> None:
    broken = put(flac(noise(RATE * 3), RATE)[:40_000])
    for read in (lambda: load(store, broken, 0.0, 3.0), lambda: list(blocks(store, broken, 1.0))):
        with pytest.raises(Unusable) as caught:
            read()
        assert caught.value.reason == "truncated"
    gone = Utterance(key="u-0", recording="u", source="s", audio=Audio("gone.wav"), sha256="", start=0.0, end=1.0)
    with pytest.raises(Unavailable):
        load_utterance(store, gone)


@given(seconds=st.floats(0.2, 1.7), block=st.floats(0.05, 0.8))
@settings(max_examples=30)
def test_blocks_cover_every_sample_once(seconds: float, block: float) -> None:
    fs = fsspec.filesystem("memory")
    whole = noise(round(seconds * RATE))
    fs.pipe("/sound/blocks.wav", encoded(whole, subtype="FLOAT"))
    found = list(blocks(Store("memory://sound"), Audio("blocks.wav"), block))
    assert np.array_equal(np.concatenate(found), whole)
    assert all(len(b) == round(block * RATE) for b in found[:-1])


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_blocks_at_other_rates_keep_the_time(store: Store, put: Put, rate: int) -> None:
    found = list(blocks(store, put(encoded(tone(2.3, rate), rate)), 0.5))
    assert [len(b) for b in found] == [8000] * 4 + [4800]


@given(count=st.integers(1, 5000), rate=st.sampled_from([8000, 16000, 44100, 48000]))
@settings(max_examples=30)
def test_resampling_keeps_the_length_in_seconds(count: int, rate: int) -> None:
    assert abs(len(at_16k(noise(count), rate)) - count * RATE / rate) <= 1


def test_flac_is_the_same_bytes_and_nearly_the_same_samples() -> None:
    assert flac(tone(0.5), RATE) == flac(tone(0.5), RATE)
    back, rate = soundfile.read(io.BytesIO(flac(tone(0.5), RATE)), dtype="float32")
    assert rate == RATE and np.abs(back - tone(0.5)).max() <= 1 / 32768


def test_many_channels_are_decoded_in_small_pieces(store: Store, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory does not grow with them: 200 channels of 30 s would take more than a gigabyte."""
    few = np.stack([noise(2 * RATE) * (0.2 + n / 20) for n in range(12)], axis=1)
    audio = put(encoded(few))
    facts, whole = scan(store, audio), load(store, audio, 0.25, 1.5)
    (block,) = blocks(store, audio, 30.0)
    asked: list[int] = []
    read = decoders.Sndfile.read
    monkeypatch.setattr(sound, "AT_ONCE", 12_000)
    monkeypatch.setattr(decoders.Sndfile, "read", lambda self, n: asked.append(n) or read(self, n))
    assert scan(store, audio) == facts
    assert np.array_equal(load(store, audio, 0.25, 1.5), whole)
    assert np.array_equal(next(blocks(store, audio, 30.0)), block)
    assert max(asked) == 1000


def test_a_rate_that_nothing_has_is_refused(store: Store, put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a format whose header only its decoder reads."""
    monkeypatch.setattr(sound, "HIGHEST_RATE", RATE - 1)
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


def test_another_file_than_was_read_before_is_the_servers_fault() -> None:
    """A server that once sends half of a file, or a page of HTML, has not changed the item."""
    store, good = Store("memory://corpus"), encoded(tone(2.0))
    uri = "memory://elsewhere/clip.wav"
    known = Utterance(
        key="k",
        recording="r",
        source="s",
        audio=Audio(uri),
        sha256=hashlib.sha256(good).hexdigest(),
        start=0.0,
        end=2.0,
    )
    for sent in (good[: len(good) // 2], b"<html>"):
        with fsspec.open(uri, "wb") as file:
            file.write(sent)
        with pytest.raises(Unavailable, match="another file than was read before"):
            load_utterance(store, known)
    with fsspec.open(uri, "wb") as file:
        file.write(good)
    assert len(load_utterance(store, known)) == 2 * RATE  # type: ignore[arg-type]
