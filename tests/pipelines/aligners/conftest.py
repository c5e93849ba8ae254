"""Speech whose words are known, because espeak-ng says it here."""

from collections.abc import Callable

import numpy as np
import pytest
import soxr

from weft.pipelines.audio.sound import RATE
from weft.pipelines.voices.base import Style
from weft.pipelines.voices.espeak import Voice
from weft.schemas.audio import Word


@pytest.fixture(scope="session")
def spoken() -> Callable[..., tuple[np.ndarray, tuple[Word, ...]]]:
    """A text as samples at 16 kHz, and its words as the voice times them."""

    def say(text: str, variant: str = "f3") -> tuple[np.ndarray, tuple[Word, ...]]:
        synthesized = Voice().speak(text, Style(voice="gmw/en-US", variant=variant))
        return soxr.resample(synthesized.samples, synthesized.rate, RATE).astype(np.float32), synthesized.words

    return say
