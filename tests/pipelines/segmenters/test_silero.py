"""The embedded segmenter's chores."""

import numpy as np
import pytest

from weft.pipelines.audio.sound import RATE
from weft.pipelines.segmenters.base import SpeakerSpan
from weft.pipelines.segmenters.silero import Segmenter


def test_silence_holds_no_speech_and_needs_no_model() -> None:
    assert Segmenter().speech([np.zeros(RATE * 5, np.float32)] * 3) == []


def test_spans_are_seconds_of_the_whole() -> None:
    class Fixed(Segmenter):
        def _in_block(self, block: np.ndarray) -> list[tuple[float, float]]:
            return [(0.25, 0.5)]

    assert Fixed().speech([np.ones(RATE, np.float32), np.ones(RATE // 2, np.float32)]) == [
        SpeakerSpan(0.25, 0.5),
        SpeakerSpan(1.25, 1.5),
    ]


def test_how_quiet_silence_is_is_a_setting() -> None:
    """Where nothing is quiet enough, the model is asked; here none was loaded."""
    quiet = np.full(RATE, 3e-5, np.float32)
    assert Segmenter().speech([quiet]) == []
    with pytest.raises(AttributeError):
        Segmenter(silence=1e-5).speech([quiet])
