"""A reply is whole where it ended, and its markers, text and codes stand as the template asks."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.trainer.toys import AUDIO_PAD, CLOSE, CODE, OPEN, SCORING, TEXT_PAD, reply
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.rewards.format import Reward

TA4: dict[str, Any] = {"of": ["text", "fsq"], "sizes": [1, 4], "text_pad": "tts-pad", "audio_pad": "audio-pad"}
ROUND: dict[str, Any] = {**TA4, "open": "tts-start", "close": "tts-end"}
C = CODE


def score(ids: list[int], ended: bool = True, **settings: Any) -> float:
    return Reward(**settings).scores([reply(ids, ended=ended)], SCORING)[0]


def test_text_alone() -> None:
    assert score([5, 6]) == 1
    assert score([5, 6], ended=False) == 0
    assert score([]) == 0 and score([5, C]) == 0 and score([5, OPEN]) == 0


@pytest.mark.parametrize(
    ("ids", "whole"),
    [
        ([5, C, C, C, C], True),
        ([5, C, C, C, C, 6, C, C, C, C], True),
        ([5, C, C, C, C, TEXT_PAD, C, C, C, AUDIO_PAD], True),
        ([5, C, C, C, AUDIO_PAD, 6, AUDIO_PAD, AUDIO_PAD, AUDIO_PAD, AUDIO_PAD], True),
        ([5, C, C, C], False),  # a group that is not whole
        ([5, 6, C, C, C, C], False),  # two texts in a group
        ([5, C, C, C, C, 6], False),
        ([C, C, C, C, 5], False),
        ([TEXT_PAD, C, C, C, C, 5, C, C, C, C], False),  # text behind a pad
        ([5, AUDIO_PAD, C, C, C], False),  # a code behind a pad
        ([5, C, C, C, C, C, C, C, C], False),  # audio goes on alone, although text has a pad
        ([5], False),
        ([], False),
    ],
)
def test_groups_of_one_and_four(ids: list[int], whole: bool) -> None:
    assert score(ids, **TA4) == whole


@pytest.mark.parametrize(
    ("ids", "whole"),
    [
        ([OPEN, 5, C, C, C, C, CLOSE], True),
        ([OPEN, 5, C, C, C, C, CLOSE, 6, 7], True),  # plain text may follow, as a tool call does
        ([OPEN, 5, C, C, C, C, CLOSE, C], False),
        ([OPEN, 5, C, C, C, C], False),
        ([5, C, C, C, C, CLOSE], False),
        ([OPEN, CLOSE], False),
        ([OPEN, 5, 6, CLOSE], False),
    ],
)
def test_markers_stand_round_the_groups(ids: list[int], whole: bool) -> None:
    assert score(ids, **ROUND) == whole
    if ids[0] == OPEN:  # which a prompt may end with
        assert score(ids[1:], opened=True, **ROUND) == (whole and len(ids) > 1)


def test_without_pads_what_is_longer_goes_on_alone() -> None:
    settings = {"of": ["text", "fsq"], "sizes": [2, 3]}
    assert score([5, 6, C, C, C, 7, C, C, C, C, C], **settings) == 1
    assert score([5, 6, C, C, C, C, C, C], **settings) == 1
    assert score([5, C, C, C, 6, 7, C, C, C], **settings) == 0  # text was left for a whole group


def test_a_reply_does_not_look_through_the_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    """That has hundreds of thousands of ids, and the reader of texts knows what they are."""

    def modalities(_: Vocabulary) -> np.ndarray:
        raise AssertionError("the vocabulary is looked through again")

    monkeypatch.setattr(Vocabulary, "modalities", modalities)
    assert score([OPEN, 5, C, C, C, C, CLOSE, 6], **ROUND) == score([5, 6]) == 1


def test_a_merged_stream_has_the_codes_of_every_tokenizer() -> None:
    assert score([5, C, C, C, C], **{**TA4, "of": ["text", "dual"]}) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"of": ["text", "fsq"], "sizes": [1]},
        {"of": ["fsq", "dual"], "sizes": [1, 1]},
        {"of": ["text"], "sizes": [1]},
        {"of": ["text", "a", "b"], "sizes": [1, 1, 1], "audio_pad": "audio-pad"},
        {"of": ["text", "a"], "sizes": [1, 0]},
    ],
)
def test_what_is_no_template_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Reward(**settings)
