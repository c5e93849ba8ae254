"""What may become an utterance: within its recording, long enough, and no longer than what belongs to the whole of it may be."""

from dataclasses import replace

import pytest

from weft.pipelines.segmenters.base import Segmenter
from weft.pipelines.segmenters.common.supervisions import fitted
from weft.schemas.audio import Audio, Field, Recording, Supervision
from weft.schemas.ledger import Unusable

SEGMENTER = Segmenter()
SLACK = SEGMENTER.slack
LONGEST = SEGMENTER.longest_labelled
RECORDING = Recording(
    key="r", source="s", path="r.wav", audio=Audio("r.wav"), seconds=3 * LONGEST, rate=16000, channels=1, sha256=""
)
BARE = Supervision(start=1.0, end=2.0 + LONGEST)


def test_a_little_beyond_the_recording_is_trimmed() -> None:
    within = fitted(SEGMENTER, 9.0, Supervision(start=-0.9 * SLACK, end=9.0 + 0.9 * SLACK))
    assert (within.start, within.end) == (0.0, 9.0)


@pytest.mark.parametrize(
    ("supervision", "reason"),
    [
        (Supervision(start=1.0, end=3 * LONGEST + 2 * SLACK), "outside_audio"),
        (Supervision(start=-2 * SLACK, end=1.0), "outside_audio"),
        (Supervision(start=2.0, end=2.0), "outside_audio"),
        (Supervision(start=2.0, end=2.0 + SEGMENTER.shortest / 2), "too_short"),
        (replace(BARE, text="so"), "long_transcript"),
        (replace(BARE, fields=(Field("question", "Who speaks?"),)), "long_transcript"),
    ],
)
def test_what_cannot_be_an_utterance_is_refused(supervision: Supervision, reason: str) -> None:
    with pytest.raises(Unusable) as caught:
        fitted(SEGMENTER, RECORDING.seconds, supervision)
    assert caught.value.reason == reason


def test_a_long_one_without_text_and_fields_may_be_cut_later() -> None:
    assert fitted(SEGMENTER, RECORDING.seconds, BARE) == BARE


def test_how_far_one_may_reach_beyond_its_recording_is_a_setting() -> None:
    beyond = Supervision(start=1.0, end=RECORDING.seconds + 2 * SLACK)
    within = fitted(Segmenter(longest=1e9, slack=3 * SLACK), RECORDING.seconds, beyond)
    assert within.end == RECORDING.seconds
    with pytest.raises(Unusable):
        fitted(Segmenter(slack=0), RECORDING.seconds, Supervision(start=1.0, end=RECORDING.seconds + SLACK / 2))
