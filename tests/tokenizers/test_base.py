"""Runs and frames: nothing is lost between ids a frame and ids with durations, and bad audio is refused."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.tokenizers.base import SpeechTokenizer, deduplicate, expand


class Loudness(SpeechTokenizer):
    """One of four ids by a frame's loudness: the smallest real leaf."""

    rate: float = 100.0
    size: int = 4
    literal: str = "[Lo{}]"

    def train(self, clips: Sequence[np.ndarray], folder: Path, seed: int) -> None: ...

    def load(self, folder: Path) -> None: ...

    def frames(self, n_samples: int) -> int:
        return n_samples // 160

    def version(self) -> str:
        return "loudness-1"

    def _frames(self, samples: np.ndarray) -> np.ndarray:
        levels = np.abs(samples[: len(samples) // 160 * 160]).reshape(-1, 160).mean(1)
        return np.minimum(levels * 4, 3).astype(np.int32)


@given(st.lists(st.integers(0, 3)))
def test_expand_undoes_deduplicate(frames: list[int]) -> None:
    ids, durations = deduplicate(np.array(frames, np.int32))
    assert expand(ids, durations).tolist() == frames
    assert durations.sum() == len(frames)
    assert not len(ids) or (durations.min() > 0 and (np.diff(ids) != 0).all())
    assert ids.dtype == durations.dtype == np.int32


@given(st.integers(160, 5000), st.booleans())
def test_durations_sum_to_the_frames(n_samples: int, dedup: bool) -> None:
    tokenizer = Loudness(dedup=dedup)
    ids, durations = tokenizer.encode(np.random.default_rng(n_samples).random(n_samples, dtype=np.float32))
    assert durations.sum() == tokenizer.frames(n_samples)
    assert len(ids) == len(durations)
    assert dedup or (durations == 1).all()


@pytest.mark.parametrize(
    ("samples", "fault"),
    [
        (np.zeros(159, np.float32), "shorter than one frame"),
        (np.zeros(0, np.float32), "shorter than one frame"),
        (np.zeros((2, 1600), np.float32), "shape"),
        (np.zeros(1600, np.int16), "int16"),
        (np.full(1600, np.nan, np.float32), "not finite"),
        (np.append(np.zeros(1600, np.float32), np.float32(np.inf)), "not finite"),
    ],
)
def test_refuses_what_it_cannot_encode(samples: np.ndarray, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Loudness().encode(samples)
