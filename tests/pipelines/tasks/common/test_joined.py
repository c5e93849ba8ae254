"""Consecutive utterances as one: nothing of any is lost, and latent audio stays in utterances."""

import pytest

from tests.pipelines.tasks.test_utterances import passage
from weft.pipelines.tasks.common.content import Content
from weft.pipelines.tasks.common.joined import as_written, joined
from weft.schemas.ledger import Unusable


def test_texts_and_codes_follow_one_another() -> None:
    """They last 1, 2 and 3 seconds, at 25 ticks a second."""
    one = joined(passage(3).spoken)
    codes = one.codes["hubert"]
    assert one.text == "w0 w1 w2" and one.utterance.seconds == codes.seconds == 6.0
    assert (codes.ids, codes.starts, codes.ticks) == ((0, 0, 1, 1, 2, 2), (0, 1, 25, 26, 75, 76), 150)


def test_one_utterance_is_itself() -> None:
    (alone,) = passage(1).spoken
    assert joined([alone]) is alone


def test_a_text_that_misses_a_part_is_refused_and_none_at_all_is_none() -> None:
    with pytest.raises(Unusable, match="no_transcript"):
        joined(passage(2, lost_text=1).spoken)
    lost = [passage(2, lost_text=n).spoken[n] for n in range(2)]
    assert joined(lost).utterance.text is None and joined(lost).codes["hubert"].ids == (0, 0, 1, 1)


def test_latent_audio_is_said_by_utterance() -> None:
    spoken = passage(3).spoken
    assert as_written(Content(say=("audio",)), spoken) == spoken
    assert len(as_written(Content(say=("hubert",)), spoken)) == 1
