"""Recordings become utterances, and every second is kept or rejected."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.pipelines import segment
from weft.pipelines.partwork import Input, PartWork, account
from weft.pipelines.segment import Segment, Turns
from weft.pipelines.segmenters import base
from weft.pipelines.segmenters.base import Span
from weft.pipelines.store import Store
from weft.schemas.audio import Audio, Recording, Utterance, Word
from weft.schemas.ledger import Reject
from weft.schemas.text import Dialogue, Turn


class Heard(base.Segmenter):
    """Hears what it is told."""

    spans: tuple[Span, ...] = ()

    def version(self) -> str:
        return "1"

    def speech(self, blocks: Iterable[np.ndarray]) -> list[Span]:
        return list(self.spans)


def recording(seconds: float, text: str | None = None) -> Recording:
    return Recording(
        "rec-1", "speech", "a.wav", Audio("/a.wav"), seconds, 16000, 1, "ab", text=text, speaker="s", language="en",
        licence="CC0", emotion="sad",
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _no_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> Iterator[np.ndarray]:
        return iter(())

    monkeypatch.setattr(segment, "blocks", nothing)


def segmented(seconds: float, spans: tuple[Span, ...] = (), text: str | None = None) -> list[Utterance | Reject]:
    stage = Segment(segmenter=Heard(spans=spans))
    stage.setup(Store("memory://nowhere"))
    found = recording(seconds, text)
    out = list(stage([found]))
    made = [r for r in out if isinstance(r, Utterance)]
    job = PartWork("segment/speech", stage, 0, (Input("ingest/speech", Recording),))
    account(job, stage, [found], [], made, [r for r in out if isinstance(r, Reject)])
    return out


@given(steps=st.lists(st.tuples(st.floats(0.0, 5), st.floats(0.05, 80)), max_size=12), tail=st.floats(0.0, 40))
def test_seconds_are_conserved_whatever_is_heard(steps: list[tuple[float, float]], tail: float) -> None:
    spans, now = [], 0.0
    for silence, speech in steps:
        spans.append((now + silence, now + silence + speech))
        now += silence + speech
    seconds = max(now + tail, 30.001)
    out = segmented(seconds, tuple(spans))
    assert sum(r.seconds for r in out) == pytest.approx(seconds, abs=1e-6)
    utterances = [r for r in out if isinstance(r, Utterance)]
    assert all(0.3 <= u.seconds <= 30.0 + 1e-9 and 0 <= u.start < u.end <= seconds for u in utterances)
    assert all(one.end <= two.start + 1e-9 for one, two in pairwise(utterances))
    assert [u.key for u in utterances] == [f"rec-1-{n:04d}" for n in range(len(utterances))]
    assert all(r.seconds > -1e-6 for r in out)


def test_short_recordings_stay_whole_with_all_that_is_known() -> None:
    (whole,) = segmented(29.9, text="and then")
    assert isinstance(whole, Utterance)
    assert (whole.start, whole.end, whole.text, whole.recording) == (0.0, 29.9, "and then", "rec-1")
    assert (whole.speaker, whole.language, whole.licence, whole.emotion) == ("s", "en", "CC0", "sad")
    assert whole.sha256 == "ab"


def test_one_transcript_for_a_long_recording_cannot_be_cut() -> None:
    (reject,) = segmented(31.0, ((0.0, 31.0),), text="far too long")
    assert isinstance(reject, Reject)
    assert (reject.reason, reject.seconds) == ("long_transcript", 31.0)


def test_what_lies_between_is_one_reject() -> None:
    *made, reject = segmented(60.0, ((1.0, 5.0), (20.0, 20.1), (40.0, 50.0)))
    assert [(u.start, u.end) for u in made if isinstance(u, Utterance)] == [(1.0, 5.0), (40.0, 50.0)]
    assert isinstance(reject, Reject)
    assert (reject.reason, reject.seconds) == ("no_speech", pytest.approx(46.0))


def test_speech_beyond_the_end_is_cut_off() -> None:
    out = segmented(40.0, ((35.0, 40.032), (40.01, 40.5)))
    assert [(u.start, u.end) for u in out if isinstance(u, Utterance)] == [(35.0, 40.0)]


def test_a_recording_without_speech_is_rejected_whole() -> None:
    (reject,) = segmented(100.0)
    assert isinstance(reject, Reject) and reject.seconds == 100.0


def test_turns_become_utterances_with_the_voices_timing() -> None:
    turns = tuple(
        Turn(f"s{n}", f"turn {n}", "happy", 2, "v", Audio("x.bin", n * 10, 10), 1.5 + n, (Word("turn", 0.1, 0.4),))
        for n in range(3)
    )
    dialogue = Dialogue("d-1", "dialogues", turns, "en", "CC0")
    stage = Turns()
    made = list(stage([dialogue]))
    assert [u.key for u in made] == ["d-1-0000", "d-1-0001", "d-1-0002"]
    assert {stage.parent(u) for u in made} == {"d-1"}
    assert sum(u.seconds for u in made) == dialogue.seconds == 7.5
    for number, (utterance, turn) in enumerate(zip(made, turns, strict=True)):
        assert (utterance.audio, utterance.start, utterance.end) == (turn.audio, 0.0, turn.seconds)
        assert (utterance.text, utterance.words, utterance.speaker) == (turn.text, turn.words, turn.speaker)
        assert (utterance.emotion, utterance.dialogue, utterance.turn) == ("happy", "d-1", number)
        assert (utterance.language, utterance.licence) == ("en", "CC0")
