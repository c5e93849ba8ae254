"""What is done around every aligner: one way, from the caller through this module to the leaf."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.jobs.call_watch import CallWatch
from tests.pipelines.audio.held import HeldAudio
from weft.pipelines.aligners import base, given
from weft.pipelines.aligners.base import Clip, Timed
from weft.pipelines.aligners.common.utterances import align_utterances
from weft.pipelines.audio.sound import RATE
from weft.schemas.audio import Alignment, Audio, Utterance, Word

ROOT = Path(__file__).parents[4]


class Whole(base.Aligner):
    """Every spoken word lasts a second."""

    def version(self) -> str:
        return "0"

    def align_clip(self, clip: Clip) -> Timed:
        return Timed([Word(text=word, start=n, end=n + 1.0) for n, word in enumerate(clip.spoken)])


def utterance(**fields: Any) -> Utterance:
    return Utterance(
        key="clip", recording="clip", source="s", audio=Audio("a.wav"), sha256="", start=0.0, end=3.0, **fields
    )


def test_no_aligner_calls_back_what_is_done_around_it() -> None:
    watch = CallWatch(ROOT)
    with watch.following("align"):
        silence = HeldAudio(samples=np.zeros(3 * RATE, np.float32))
        (alignment,) = align_utterances(Whole(), silence, [utterance(text="so it")])
    assert isinstance(alignment, Alignment) and len(alignment.words) == 2
    assert "pipelines/aligners/common/at_once.py" in watch.entered["align"] and not watch.back
    assert not {"align", "align_samples"} & set(dir(base.Aligner))


def test_given_times_are_used_without_audio() -> None:
    words = (Word(text="so", start=0.1, end=0.5),)
    (alignment,) = align_utterances(given.Aligner(), HeldAudio(), [utterance(text="so", words=words)])
    assert isinstance(alignment, Alignment) and alignment.words == words and alignment.aligner == "given 1"
