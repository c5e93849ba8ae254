"""What is done around every aligner: utterances are checked and read, and get the times of their written words.

The stage calls this module, and this module the leaf; a leaf never calls back.

align_utterances(aligner, [Transcribed(utterance, load, read), …])   ->   Alignment(…), Unalignable("no_transcript", …), …
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from weft.pipelines.aligners.base import Aligner
from weft.pipelines.aligners.common.clips import Clip, Timed, Transcribed, Unalignable, check_text, speaker_of
from weft.pipelines.aligners.common.windows import AudioReader, align_long
from weft.pipelines.aligners.common.written import WrittenClip, clamped, mean_score
from weft.schemas.audio import Alignment, Utterance
from weft.schemas.ledger import Unusable


def align_utterances(aligner: Aligner, transcribed: Sequence[Transcribed]) -> Iterator[Alignment | Unusable]:
    """The alignment of each utterance, or the reason that it has none, in order. Those of `longest` and less are one batch."""
    inputs = [_input(aligner, one) for one in transcribed]
    outputs = iter(aligner.align_clips([one.clip for one in inputs if isinstance(one, WrittenClip)]))
    for one, given in zip(transcribed, inputs, strict=True):
        if isinstance(given, WrittenClip):
            timed = _timed(aligner, given, next(outputs, None), one.utterance.key)
        else:
            timed = given or _in_windows(aligner, one)  # times that were given, or a refusal, stay
        yield timed if isinstance(timed, Unusable) else alignment_of(aligner, one.utterance, timed)


def align_samples(
    aligner: Aligner, samples: np.ndarray, words: Sequence[str], speaker: str = "", of: str = ""
) -> Timed:
    """Times written words in `samples` (float32 [n], mono, 16 kHz, -1 to 1) of the utterance `of`; one Word for each, in seconds.

    Words do not overlap and lie within the audio. A token without spoken words, such as a lone dash, gets length 0.
    Raises Unusable, and ValueError where the leaf is at fault.
    """
    written = _written(aligner, Clip(samples=samples, spoken=[], speaker=speaker), words)
    timed = _timed(aligner, written, next(iter(aligner.align_clips([written.clip])), None), of)
    if isinstance(timed, Unusable):
        raise timed
    return timed


def _timed(aligner: Aligner, written: WrittenClip, output: Timed | Unusable | None, of: str) -> Timed | Unusable:
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


def alignment_of(aligner: Aligner, utterance: Utterance, timed: Timed) -> Alignment:
    """The record of an utterance's timed words."""
    # resampling can round the audio up by a sample
    words, phones = (tuple(clamped(marks, utterance.seconds)) for marks in (timed.words, timed.phones))
    return Alignment(
        key=utterance.key,
        seconds=utterance.seconds,
        aligner=f"{aligner.called} {aligner.version()}",
        words=words,
        score=mean_score(timed.words),
        phones=phones,
    )


def _input(aligner: Aligner, transcribed: Transcribed) -> WrittenClip | Timed | Unusable | None:
    """The clip to align, its given times, or the reason that there are none; None for what is longer than is aligned at once."""
    utterance = transcribed.utterance
    try:
        if given := aligner.given_times(utterance):
            return given
        _check(aligner, utterance)
        if utterance.seconds > aligner.longest:
            return None
        samples = transcribed.load()
        if isinstance(samples, Unusable):
            return samples
        clip = Clip(samples=samples, spoken=[], speaker=speaker_of(utterance))
        return _written(aligner, clip, (utterance.text or "").split())
    except Unalignable as fault:
        return fault


def _check(aligner: Aligner, utterance: Utterance) -> None:
    """Raises Unalignable for an utterance without text or in another language."""
    check_text(utterance)
    if not aligner.can_align(utterance):
        languages = f"the utterance is in {utterance.language!r}, the aligner's language is {aligner.spoken_language!r}"
        raise Unalignable("language", f"{languages}: set its `language`")


def _written(aligner: Aligner, clip: Clip, words: Sequence[str]) -> WrittenClip:
    """A clip with the spoken words of written ones. Raises Unalignable when no written word is spoken."""
    forms = [aligner.verbalize(word) for word in words]  # the spoken words of each written one
    spoken = [form for word_forms in forms for form in word_forms]
    if not spoken:
        raise Unalignable("no_words", f"no word of {' '.join(words)[:80]!r} is spoken")
    return WrittenClip(clip=replace(clip, spoken=spoken), words=words, counts=[len(of_word) for of_word in forms])


def _in_windows(aligner: Aligner, transcribed: Transcribed) -> Timed | Unusable:
    utterance = transcribed.utterance
    sound = AudioReader(read=transcribed.read, seconds=utterance.seconds, longest=aligner.longest)
    align = partial(align_samples, aligner, speaker=speaker_of(utterance), of=utterance.key)
    try:
        return align_long(align, sound, (utterance.text or "").split())
    except Unusable as fault:
        return fault
