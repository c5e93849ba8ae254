"""Times the written words of audio that an aligner takes at once: a short clip, or one window of a long recording.

"forty-two - is"   ->   spoken: forty two is   ->   the leaf   ->   Word("forty-two", 0.48, 1.10), Word("-", 1.10, 1.10), …
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from weft.pipelines.aligners.base import Aligner
from weft.pipelines.aligners.common.clips import Clip, Timed, Unalignable
from weft.pipelines.aligners.common.written import WrittenClip
from weft.schemas.ledger import Unusable


def align_samples(
    aligner: Aligner, samples: np.ndarray, words: Sequence[str], speaker: str = "", of: str = ""
) -> Timed:
    """Times written words in `samples` (float32 [n], mono, 16 kHz, -1 to 1) of the utterance `of`; one Word for each, in seconds.

    Words do not overlap and lie within the audio. A token without spoken words, such as a lone dash, gets length 0.
    Raises Unusable, and ValueError where the leaf is at fault.
    """
    written = written_clip(aligner, Clip(samples=samples, spoken=[], speaker=speaker), words)
    timed = timed_words(aligner, written, next(iter(aligner.align_clips([written.clip])), None), of)
    if isinstance(timed, Unusable):
        raise timed
    return timed


def written_clip(aligner: Aligner, clip: Clip, words: Sequence[str]) -> WrittenClip:
    """A clip with the spoken words of written ones. Raises Unalignable when no written word is spoken."""
    forms = [aligner.verbalize(word) for word in words]  # the spoken words of each written one
    spoken = [form for word_forms in forms for form in word_forms]
    if not spoken:
        raise Unalignable("no_words", f"no word of {' '.join(words)[:80]!r} is spoken")
    return WrittenClip(clip=replace(clip, spoken=spoken), words=words, counts=[len(of_word) for of_word in forms])


def timed_words(aligner: Aligner, written: WrittenClip, output: Timed | Unusable | None, of: str) -> Timed | Unusable:
    """The leaf's output for a clip, as written words. Raises ValueError for one that does not fit the clip: a fault of the leaf."""
    if isinstance(output, Unusable):
        return output
    count, given = len(written.clip.spoken), "nothing" if output is None else f"{len(output.words)} words"
    if output is None or len(output.words) != count:
        spoken = " ".join(written.clip.spoken)[:80]
        raise ValueError(
            f"the aligner {aligner.called} gave {given} for the {count} spoken words of {of or 'a clip'}: {spoken!r}"
        )
    return written.timed(output)
