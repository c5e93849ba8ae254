"""Utterances of a recording, from the stretches of it that somebody speaks.

[Supervision(0.4, 9.0), Supervision(40.2, 44)]   ->   Utterance("talk-0000", 0.4, 9.0), …
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from weft.pipelines.segmenters.base import SpeakerSpan, overlaps, union
from weft.pipelines.stage import rejected
from weft.schemas.audio import Recording, Supervision, Utterance
from weft.schemas.ledger import Reject, Unusable


def utterances_of(
    recording: Recording, supervisions: Sequence[Supervision], segmenter: str, reason: str
) -> Iterator[Utterance | Reject]:
    """One utterance per supervision, by time, and all seconds outside of them as one reject with `reason`."""
    supervisions = sorted(supervisions, key=lambda s: (s.start, s.end, s.speaker))
    spans = [SpeakerSpan(start=s.start, end=s.end, speaker=s.speaker) for s in supervisions]
    for number, (supervision, overlap) in enumerate(zip(supervisions, overlaps(spans), strict=True)):
        supervision = replace(supervision, overlap=supervision.overlap + overlap)
        yield _utterance(recording, number, supervision, segmenter)
    outside = recording.seconds - union((s.start, s.end) for s in spans)
    if outside > 0 or not supervisions:
        detail = f"{outside:.1f} s lie outside the {len(supervisions)} utterances of this recording"
        yield replace(rejected(recording, "segment", Unusable(reason, detail)), seconds=outside)


def whole(recording: Recording) -> Utterance:
    supervision = Supervision(
        start=0.0, end=recording.seconds, text=recording.text, words=recording.words, phones=recording.phones,
        fields=recording.fields,
    )  # fmt: skip
    return _utterance(recording, 0, supervision, "whole")


def _utterance(recording: Recording, number: int, supervision: Supervision, segmenter: str) -> Utterance:
    """Utterance `number` of a recording; its labels are the supervision's, else the recording's."""
    return Utterance(
        key=f"{recording.key}-{number:04d}",
        recording=recording.key,
        source=recording.source,
        audio=recording.audio,
        sha256=recording.sha256,
        start=supervision.start,
        end=supervision.end,
        text=supervision.text,
        words=supervision.words,
        speaker=supervision.speaker or recording.speaker,
        language=supervision.language or recording.language,
        licence=recording.licence,
        emotion=supervision.emotion or recording.emotion,
        phones=supervision.phones,
        split=supervision.split or recording.split,
        path=recording.path,
        overlap=supervision.overlap,
        segmenter=segmenter,
        transcriber="given" if supervision.text else "",
        item=recording.item,
        fields=supervision.fields,
    )
