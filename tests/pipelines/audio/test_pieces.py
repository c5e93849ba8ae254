"""Joined files whose pieces differ: refused with both kinds of sound, or read whole."""

import io

import numpy as np
import pytest
import soundfile

from weft.pipelines.audio.pieces import change
from weft.pipelines.audio.scan import scan
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.schemas.ledger import Unusable


def piece(coding: str, rate: int, channels: int) -> bytes:
    buffer = io.BytesIO()
    samples = 0.2 * np.random.default_rng(0).standard_normal((rate, channels))
    soundfile.write(buffer, samples, rate, format="OGG", subtype=coding)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (("VORBIS", 16000, 1), ("VORBIS", 24000, 1), "Vorbis of 24,000 Hz with 1 channel, and before it is Vorbis of 16,000 Hz"),
        (("VORBIS", 16000, 2), ("VORBIS", 16000, 1), "with 1 channel, and before it is Vorbis of 16,000 Hz with 2 channels"),
        (("OPUS", 16000, 1), ("OPUS", 48000, 2), "Opus of 48,000 Hz with 2 channels, and before it is Opus of 48,000 Hz with 1"),
        (("OPUS", 48000, 1), ("VORBIS", 48000, 1), "Vorbis of 48,000 Hz with 1 channel, and before it is Opus"),
    ],
)  # fmt: skip
def test_the_place_and_both_kinds_are_given(
    store: Store, first: tuple[str, int, int], second: tuple[str, int, int], words: str
) -> None:
    begin, end = piece(*first), piece(*second)
    with pytest.raises(Unusable) as caught:
        scan(store, Audio("", data=begin + end))
    assert caught.value.reason == "mixed_pieces"
    assert f"from byte {len(begin):,} of {len(begin + end):,} on it is" in caught.value.detail
    assert words in caught.value.detail and caught.value.detail.endswith(": split it there")


def test_opus_of_another_rate_is_decoded_at_the_same(store: Store) -> None:
    assert scan(store, Audio("", data=piece("OPUS", 16000, 1) + piece("OPUS", 24000, 1))).seconds == 2.0


def test_an_ogg_of_one_piece_does_not_change() -> None:
    assert change(io.BytesIO(piece("VORBIS", 16000, 2))) == ""


def test_streams_that_begin_together_are_no_change() -> None:
    """As of a film with two sound tracks: their first pages stand before all others."""
    one, other = piece("OPUS", 48000, 1), piece("VORBIS", 48000, 1)
    second = other.index(b"OggS", 1)
    assert change(io.BytesIO(other[:second] + one + other[second:])) == ""
    assert change(io.BytesIO(one + other)) != ""
