"""What reads utterances: whole, as long as they were, or a stretch of them."""

from pathlib import Path

import numpy as np
import pytest

from weft.pipelines.audio.reader import AudioReader
from weft.pipelines.audio.sound import RATE, flac
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Utterance
from weft.schemas.ledger import Unusable


@pytest.fixture
def audio(tmp_path: Path) -> AudioReader:
    """Two seconds: one of silence, one at half of the full scale."""
    samples = np.repeat(np.array([0.0, 0.5], np.float32), RATE)
    (tmp_path / "a.flac").write_bytes(flac(samples, RATE))
    return AudioReader(Store(str(tmp_path)))


def utterance(tmp_path: Path, start: float, end: float) -> Utterance:
    return Utterance(
        key="a", recording="a", source="s", audio=Audio(f"{tmp_path}/a.flac"), sha256="", start=start, end=end
    )


def test_an_utterance_is_read_whole_or_in_part(audio: AudioReader, tmp_path: Path) -> None:
    last = utterance(tmp_path, 0.5, 2.0)
    loaded = audio.load(last)
    assert isinstance(loaded, np.ndarray) and len(loaded) == 1.5 * RATE
    assert np.array_equal(audio.exact(last), loaded)
    assert np.array_equal(audio.stretch(last, 0.25, 0.75), loaded[RATE // 4 : 3 * RATE // 4])
    assert audio.stretch(last, 0.0, 0.5).max() == 0.0 and audio.stretch(last, 0.5, 1.0).min() > 0.49


def test_audio_that_has_become_shorter_is_of_another_length(audio: AudioReader, tmp_path: Path) -> None:
    longer = utterance(tmp_path, 0.0, 2.5)
    fault = audio.exact(longer)
    assert isinstance(audio.load(longer), np.ndarray)
    assert isinstance(fault, Unusable) and fault.reason == "wrong_length"
    assert fault.detail == "2.000 s of an utterance of 2.500 s: its audio has changed"


def test_audio_that_is_none_stays_refused(audio: AudioReader, tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(b"no audio")
    whole = utterance(tmp_path, 0.0, 2.0)
    fault = audio.exact(whole)
    assert isinstance(fault, Unusable) and fault.reason != "wrong_length"
    with pytest.raises(Unusable):
        audio.stretch(whole, 0.0, 1.0)
