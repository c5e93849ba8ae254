"""What is done around every aligner: utterances are checked and read, and get the times of their written words.

The stage calls this module. It has the leaf align what one call can take, many at once, and gives a longer recording to `windows.py`.
Both call `at_once.py` for written and spoken words. Nothing calls back.

align_utterances(aligner, audio, [Utterance(…), …])   ->   Alignment(…), Unalignable("no_transcript", …), …
"""

from collections.abc import Iterator, Sequence

from weft.pipelines.aligners.base import Aligner
from weft.pipelines.aligners.common.at_once import timed_words, written_clip
from weft.pipelines.aligners.common.clips import Clip, Timed, Unalignable, check_text, speaker_of
from weft.pipelines.aligners.common.windows import LongRecording, align_long
from weft.pipelines.aligners.common.written import WrittenClip, clamped, mean_score
from weft.pipelines.audio.reader import AudioReader
from weft.schemas.audio import Alignment, Utterance
from weft.schemas.ledger import Unusable


def align_utterances(
    aligner: Aligner, audio: AudioReader, utterances: Sequence[Utterance]
) -> Iterator[Alignment | Unusable]:
    """The alignment of each utterance, or the reason that it has none, in order. Those of `longest` and less are one batch."""
    inputs = [_input(aligner, audio, utterance) for utterance in utterances]
    outputs = iter(aligner.align_clips([one.clip for one in inputs if isinstance(one, WrittenClip)]))
    for utterance, given in zip(utterances, inputs, strict=True):
        if isinstance(given, WrittenClip):
            timed = timed_words(aligner, given, next(outputs, None), utterance.key)
        else:  # times that were given, or a refusal, stay
            timed = given or _in_windows(LongRecording(aligner=aligner, audio=audio, utterance=utterance))
        yield timed if isinstance(timed, Unusable) else alignment_of(aligner, utterance, timed)


def alignment_of(aligner: Aligner, utterance: Utterance, timed: Timed) -> Alignment:
    """The record of an utterance's timed words."""
    # resampling can round the audio up by a sample
    words, phones = (tuple(clamped(times, utterance.seconds)) for times in (timed.words, timed.phones))
    return Alignment(
        key=utterance.key,
        seconds=utterance.seconds,
        aligner=f"{aligner.called} {aligner.version()}",
        words=words,
        score=mean_score(timed.words),
        phones=phones,
    )


def _input(aligner: Aligner, audio: AudioReader, utterance: Utterance) -> WrittenClip | Timed | Unusable | None:
    """The clip to align, its given times, or the reason that there are none; None for what is longer than is aligned at once."""
    try:
        if given := aligner.given_times(utterance):
            return given
        _check(aligner, utterance)
        if utterance.seconds > aligner.longest:
            return None
        samples = audio.load(utterance)
        if isinstance(samples, Unusable):
            return samples
        clip = Clip(samples=samples, spoken=[], speaker=speaker_of(utterance))
        return written_clip(aligner, clip, (utterance.text or "").split())
    except Unalignable as fault:
        return fault


def _check(aligner: Aligner, utterance: Utterance) -> None:
    """Raises Unalignable for an utterance without text or in another language."""
    check_text(utterance)
    if not aligner.can_align(utterance):
        languages = f"the utterance is in {utterance.language!r}, the aligner's language is {aligner.spoken_language!r}"
        raise Unalignable("language", f"{languages}: set its `language`")


def _in_windows(recording: LongRecording) -> Timed | Unusable:
    try:
        return align_long(recording)
    except Unusable as fault:
        return fault
