"""A given text wins; the others get what was heard, or a reason."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from weft.pipelines.audio.sound import flac
from weft.pipelines.storage.store import Store
from weft.pipelines.transcribe import Transcribe
from weft.pipelines.transcribers import base
from weft.pipelines.transcribers.base import SpokenClip, Transcript
from weft.schemas.audio import Audio, Utterance
from weft.schemas.ledger import Reject, Unavailable, Unusable

RATE = 16_000


class Parrot(base.Transcriber):
    """Says how long each clip is, the surer the longer; a batch is at most two seconds."""

    @property
    def batch_seconds(self) -> float:
        return 2.0

    def version(self) -> str:
        return "7"

    def transcribe(self, clips: Sequence[SpokenClip]) -> Iterator[Transcript | Unusable]:
        for clip in clips:
            seconds = round(len(clip.samples) / RATE)
            if seconds == 3 and not clip.language:
                yield Unusable("backend_failed", "three of what?")
                continue
            yield Transcript("word  " * seconds, clip.language or "fr", seconds / 4)


@pytest.fixture
def stage(store: Store) -> Transcribe:
    store.write("raw.flac", flac(np.full(4 * RATE, 0.1, np.float32), RATE))
    made = Transcribe(transcriber=Parrot(min_confidence=0.4))
    made.setup(store)
    return made


def utterance(number: int, seconds: float, **fields: object) -> Utterance:
    return Utterance(
        key=f"u-{number}",
        recording="u",
        source="s",
        audio=Audio("raw.flac"),
        sha256="",
        start=0.0,
        end=seconds,
        **fields,
    )


def test_a_given_text_wins_and_order_stays(stage: Transcribe) -> None:
    given = [utterance(0, 2.0), utterance(1, 4.0, text="as it was"), utterance(2, 3.0, language="English")]
    first, second, third = stage(given)
    assert (first.text, first.language, first.confidence) == ("word word", "fr", 0.5)
    assert second == given[1]
    assert (third.text, third.language) == ("word word word", "English")
    assert first.transcriber == f"{Parrot.__module__.rpartition('.')[2]} 7"


def test_no_words_and_too_low_confidence_are_rejected(stage: Transcribe) -> None:
    silent, unsure = stage([utterance(0, 0.2), utterance(1, 1.0)])
    assert isinstance(silent, Reject) and silent.reason == "no_words"
    assert isinstance(unsure, Reject) and unsure.reason == "unsure" and "0.25" in unsure.detail


def test_what_the_transcriber_fails_over_is_rejected(stage: Transcribe) -> None:
    fine, failed = stage([utterance(0, 2.0), utterance(1, 3.0)])
    assert fine.text == "word word"
    assert isinstance(failed, Reject) and (failed.reason, failed.detail) == ("backend_failed", "three of what?")


def test_a_file_that_went_since_is_unavailable(stage: Transcribe) -> None:
    with pytest.raises(Unavailable):
        list(
            stage(
                [
                    utterance(0, 2.0),
                    Utterance(
                        key="u-1", recording="u", source="s", audio=Audio("gone.flac"), sha256="", start=0.0, end=2.0
                    ),
                ]
            )
        )


def test_a_file_that_broke_since_is_rejected_and_the_others_keep_their_places(stage: Transcribe) -> None:
    broken = Utterance(
        key="u-1", recording="u", source="s", audio=Audio("", data=b"no audio"), sha256="", start=0.0, end=2.0
    )
    first, refused, last = stage([utterance(0, 2.0), broken, utterance(2, 4.0)])
    assert isinstance(refused, Reject) and (refused.key, refused.reason) == ("u-1", "not_audio")
    assert (first.text, last.text) == ("word word", "word word word word")


def test_a_transcriber_that_gives_too_few_is_named_with_the_utterance(store: Store, stage: Transcribe) -> None:
    class Silent(Parrot):
        def transcribe(self, clips: Sequence[SpokenClip]) -> Iterator[Transcript | Unusable]:
            yield from list(super().transcribe(clips))[1:]

    short = Transcribe(transcriber=Silent())
    short.setup(store)
    with pytest.raises(ValueError, match="gave nothing for u-1"):
        list(short([utterance(1, 2.0)]))
