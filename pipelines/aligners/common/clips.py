"""What goes into an aligner and what comes out.

Clip(samples, spoken=["ask", "not"])   ->   Timed(words=(Word("ask", 4.21, 4.63, -1.4), Word("not", 4.63, 4.98, -1.1)))
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from weft.pipelines.audio.sound import RATE
from weft.schemas.audio import Utterance, Word
from weft.schemas.ledger import Unusable


class Unalignable(Unusable):
    """An utterance that gets no alignment. `reason` is a short fixed word, `detail` is a sentence with the figures.

    no_transcript, no_words, unknown_word, language, mismatch, alignment_failed, too_long; bad_timing of given words.
    """


@dataclass(frozen=True, slots=True)
class Clip:
    """A backend's input: samples (float32 [n], mono, 16 kHz, -1 to 1), their spoken words, and the speaker ("": unknown)."""

    samples: np.ndarray
    spoken: list[str]
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Timed:
    """Words in order, with their phones where the aligner reports them."""

    words: Sequence[Word]
    phones: Sequence[Word] = ()


def speaker_of(utterance: Utterance) -> str:
    """The speaker's name in the corpus, with the source, because two sources may each have an `s1`."""
    return f"{utterance.source}/{utterance.speaker}" if utterance.speaker else ""


def check_length(clip: Clip, max_seconds: float) -> None:
    """Raises Unalignable for a clip of more than `max_seconds`."""
    if (seconds := len(clip.samples) / RATE) > max_seconds:
        raise Unalignable("too_long", f"{seconds:.1f} s, where max_seconds is {max_seconds:g}")


def check_text(utterance: Utterance) -> None:
    """Raises Unalignable for an utterance without text."""
    if not utterance.text or not utterance.text.strip():
        raise Unalignable("no_transcript", "there is no text to align; tasks that need none still use it")
