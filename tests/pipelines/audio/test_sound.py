"""Reading audio: what comes out of a stretch of it."""

import hashlib
import io
from collections.abc import Callable

import fsspec
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pipelines.audio.clips import encoded, noise, tone
from weft.pipelines.audio import decoders, sound
from weft.pipelines.audio.scan import scan
from weft.pipelines.audio.sound import RATE, at_16k, blocks, flac, load, load_utterance
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Utterance
from weft.schemas.ledger import Unavailable, Unusable

Put = Callable[[bytes], Audio]


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
