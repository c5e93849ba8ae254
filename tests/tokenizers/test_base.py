"""Runs and frames: nothing is lost between ids a frame and ids with durations, and bad audio is refused."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from weft.schemas.ledger import Unusable
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.stream import Speech, Stream


class Loudness(SpeechTokenizer):
    """One of four ids by a frame's loudness: the smallest real leaf."""

    rate: float = 100.0
    size: int = 4
    literal: str = "[Lo{}]"

    def train(self, speech: Sequence[Speech], folder: Path, seed: int) -> None: ...

    def load(self, folder: Path) -> None: ...

    def frames(self, n_samples: int) -> int:
        return n_samples // 160

    def version(self) -> str:
        return "loudness-1"

    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray]:
        for one in speech:
            levels = np.abs(one.samples[: len(one.samples) // 160 * 160]).reshape(-1, 160).mean(1)
            yield np.minimum(levels * 4, 3).astype(np.int32)


@given(st.integers(160, 5000), st.booleans())
def test_durations_sum_to_the_frames(n_samples: int, dedup: bool) -> None:
    tokenizer = Loudness(dedup=dedup)
    stream = tokenizer.encode(Speech(np.random.default_rng(n_samples).random(n_samples, dtype=np.float32)))
    assert stream.durations.sum() == tokenizer.frames(n_samples)
    assert len(stream.ids) == len(stream.durations)
    assert dedup or (stream.durations == 1).all()


WRONG = [
    (np.zeros(159, np.float32), "shorter than one frame"),
    (np.zeros(0, np.float32), "shorter than one frame"),
    (np.zeros((2, 1600), np.float32), "shape"),
    (np.zeros(1600, np.int16), "int16"),
    (np.full(1600, np.nan, np.float32), "not finite"),
    (np.append(np.zeros(1600, np.float32), np.float32(np.inf)), "not finite"),
]


@pytest.mark.parametrize(("samples", "fault"), WRONG)
def test_refuses_what_it_cannot_encode(samples: np.ndarray, fault: str) -> None:
    with pytest.raises(Unusable, match=fault):
        Loudness().encode(Speech(samples))


def test_what_is_wrong_is_reported_in_its_place_and_the_others_go_on() -> None:
    loud = [np.full(160 * n, 0.9, np.float32) for n in (1, 2, 3)]
    clips = [loud[0], WRONG[0][0], loud[1], WRONG[2][0], WRONG[4][0], loud[2]]
    streams = list(Loudness().encode_all([Speech(samples) for samples in clips]))
    assert [isinstance(f, Unusable) for f in streams] == [False, True, False, True, True, False]
    assert [f.durations.tolist() for f in streams if isinstance(f, Stream)] == [[1], [2], [3]]


def test_a_leaf_whose_frames_are_not_its_rate_ends_the_run() -> None:
    with pytest.raises(RuntimeError, match=r"10 frames of 50 Hz for 0\.100 s"):
        Loudness(rate=50.0).encode(Speech(np.zeros(1600, np.float32)))


def test_a_leaf_that_gives_too_few_is_named() -> None:
    class Silent(Loudness):
        def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray]:
            return iter(())

    with pytest.raises(RuntimeError, match="test_base gave no ids for a clip of 10 frames"):
        Silent().encode(Speech(np.zeros(1600, np.float32)))


@pytest.mark.parametrize("literal", ["[Lo]", "{}", "1{}2", "{1024}"])
def test_codes_that_nobody_could_read_back(literal: str) -> None:
    with pytest.raises(ValidationError, match="literal"):
        Loudness(literal=literal)


@pytest.mark.parametrize(
    "ids", [np.zeros(9, np.int32), np.zeros(11, np.int32), np.full(10, 4, np.int32), np.full(10, -1)]
)
def test_a_leaf_that_drops_adds_or_invents_ends_the_run(ids: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loudness, "_ids", lambda self, speech: iter([ids]))
    with pytest.raises(RuntimeError, match="ids"):
        Loudness().encode(Speech(np.zeros(1600, np.float32)))


@pytest.mark.parametrize("literal", ["", "[Lo]", "[Lo{x}]"])
def test_codes_are_spelt_apart(literal: str) -> None:
    with pytest.raises(ValidationError, match="the same for all codes"):
        Loudness(literal=literal)
