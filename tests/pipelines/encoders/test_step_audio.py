"""The placeholders of Step-Audio 2."""

import pytest

from weft.pipelines.encoders.step_audio import Encoder


@pytest.mark.parametrize(("seconds", "count"), [(25.0, 313), (0.4, 5), (0.56, 7), (1.0, 13)])
def test_the_published_counts(seconds: float, count: int) -> None:
    assert Encoder().placeholders(round(16_000 * seconds)) == count


def test_the_published_formula() -> None:
    for samples in range(0, 40_000, 37):
        t = (samples + 479) // 160
        assert Encoder().placeholders(samples) == ((t - 2 + 1) // 2 // 2 + 2 - 3) // 2 + 1


def test_longer_audio_is_cut_into_chunks() -> None:
    encoder = Encoder()
    assert encoder.chunks(16_000 * 60) == [400_000, 400_000, 160_000]
    assert [encoder.placeholders(n) for n in encoder.chunks(406_400)] == [313, 5]
    assert Encoder(chunk=29).chunks(406_400) == [406_400]
    assert encoder.rate == 313 / 25


def test_a_remainder_without_a_placeholder_is_left_out() -> None:
    encoder = Encoder()
    assert encoder.chunks(400_000 + 100) == [400_000] and encoder.chunks(100) == []
    left = max(n for n in range(1, 2_000) if not encoder.placeholders(n))
    assert left < 640
