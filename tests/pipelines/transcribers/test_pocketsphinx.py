"""The transcriber for trials, on what espeak says here."""

import numpy as np
import pytest
import soxr

from weft.pipelines.transcribers.base import SpokenClip, Transcript
from weft.pipelines.transcribers.pocketsphinx import Transcriber
from weft.pipelines.voices.base import Style
from weft.pipelines.voices.espeak import Voice
from weft.schemas.ledger import Unusable

RATE = 16_000


@pytest.fixture(scope="module")
def transcriber() -> Transcriber:
    made = Transcriber()
    made.setup()
    return made


def test_it_hears_english_and_silence(transcriber: Transcriber) -> None:
    synthesized = Voice().speak("this is a good day", Style(voice="gmw/en-US", variant="f2"))
    clip = SpokenClip(soxr.resample(synthesized.samples, synthesized.rate, RATE).astype(np.float32))
    first, silence, again = transcriber.transcribe([clip, SpokenClip(np.zeros(RATE, np.float32)), clip])
    assert isinstance(first, Transcript) and isinstance(silence, Transcript)
    assert first == again
    assert 0 <= silence.confidence <= 1
    assert first.language == "en"
    assert first.text.islower() and first.confidence > 0


def test_another_language_is_not_written_down_as_english(transcriber: Transcriber) -> None:
    german, english = transcriber.transcribe([SpokenClip(np.zeros(RATE, np.float32), code) for code in ("de", "en")])
    assert isinstance(german, Unusable) and german.reason == "language"
    assert isinstance(english, Transcript)
