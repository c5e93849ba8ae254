"""Cuts recordings into utterances of one speaker; a spoken dialogue becomes one utterance per turn.

Recording(seconds=754.0)  ->  Utterance(start=0.4, end=9.0), Utterance(start=40.2, end=44.0), …
                              Reject(reason="no_speech", seconds=712.2)      all remaining seconds, in one row
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.audio.sound import blocks
from weft.pipelines.parts.splits import Named, Splits
from weft.pipelines.segmenters.base import Segmenter, SpeakerSpan, overlaps, union
from weft.pipelines.stage import Stage
from weft.pipelines.storage.store import Store
from weft.pipelines.timings.base import supervision_of
from weft.schemas.audio import Recording, Supervision, Utterance, Word
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.resources import Resources
from weft.schemas.text import Dialogue

BLOCK = 120.0  # seconds of audio that the segmenter gets at a time
SLACK = 0.1  # seconds by which a supervision may reach beyond its recording
_NO_SEGMENTER = ("given", "whole")  # values of `Utterance.segmenter` where none was used


class Segment(Stage):
    """Uses supervisions where the source has them. Else short recordings stay whole, and long ones are cut at pauses: between
    timed words, or where the segmenter detects no speech.
    """

    segmenter: SerializeAsAny[Segmenter]
    splits: Splits = Splits()
    _store: Store = PrivateAttr()

    @property
    def makes(self) -> type:
        return Utterance

    @property
    def resources(self) -> Resources:  # type: ignore[override]
        return self.segmenter.resources

    def version(self) -> str:
        return "5"

    def setup(self, store: Store) -> None:
        self._store = store
        self.segmenter.setup()

    def parent(self, record: Any) -> str:
        return record.recording

    def doubled(self, records: Sequence[Any]) -> float:
        """Seconds counted more than once, because overlapping speakers each have an utterance."""
        spans: dict[str, list[tuple[float, float]]] = {}  # by recording
        for utterance in records:
            spans.setdefault(utterance.recording, []).append((utterance.start, utterance.end))
        return sum(sum(e - s for s, e in of_one) - union(of_one) for of_one in spans.values())

    def __call__(self, recordings: Iterable[Recording]) -> Iterator[Utterance | Reject]:
        for recording in recordings:
            try:
                self.splits.own(recording.split)
            except Unusable as fault:
                yield _reject(recording, fault.reason, fault.detail, recording.seconds)
                continue
            for output in self._cut(recording):
                yield self._in_split(recording, output) if isinstance(output, Utterance) else output

    def _in_split(self, recording: Recording, utterance: Utterance) -> Utterance:
        """The utterance with its split. Labels of a segmenter are unique only within a recording, so they are not used here."""
        speaker = utterance.speaker if utterance.segmenter in _NO_SEGMENTER else recording.speaker
        named = Named((speaker,), (utterance.path,), (recording.item,), utterance.split)
        return replace(utterance, split=self.splits.of(named))

    def _cut(self, recording: Recording) -> Iterator[Utterance | Reject]:
        if recording.supervisions:
            yield from self._from_supervisions(recording, recording.supervisions)
        elif recording.seconds <= self.segmenter.longest:
            yield _whole(recording)
        elif recording.words:
            yield from self._from_supervisions(recording, self._at_pauses(recording))
        elif recording.text and recording.seconds <= self.segmenter.transcript:
            yield _whole(recording)
        elif recording.text:
            length = f"one transcript for {recording.seconds:.1f} s, over {self.segmenter.transcript:g} s"
            detail = f"{length}: align it with `weft align` and build from its timing files, or split it"
            yield _reject(recording, "long_transcript", detail, recording.seconds)
        else:
            yield from self._from_speech(recording)

    def _from_speech(self, recording: Recording) -> Iterator[Utterance | Reject]:
        try:
            speech = self.segmenter.speech(blocks(self._store, recording.audio, BLOCK))
        except Unusable as fault:
            yield _reject(recording, fault.reason, fault.detail, recording.seconds)
            return
        spans = self.segmenter.utterances(_inside(speech, recording))
        supervisions = [_supervision(span) for span in spans]
        yield from _utterances(recording, supervisions, self.segmenter.version(), "no_speech")

    def _from_supervisions(
        self, recording: Recording, supervisions: Sequence[Supervision]
    ) -> Iterator[Utterance | Reject]:
        """Supervisions with a transcript become utterances unchanged; the others are merged and cut like detected speech."""
        transcribed: list[Supervision] = []
        untranscribed: dict[str, list[SpeakerSpan]] = {}  # by split: spans of two splits are not merged
        for supervision in supervisions:
            try:
                fitted = self._checked(recording, supervision)
                if fitted.text:
                    transcribed.append(fitted)
                else:
                    span = SpeakerSpan(start=fitted.start, end=fitted.end, speaker=fitted.speaker)
                    untranscribed.setdefault(fitted.split or recording.split, []).append(span)
            except Unusable as fault:
                yield _reject(recording, fault.reason, fault.detail, 0.0)
        for split, spans in untranscribed.items():
            transcribed += [replace(_supervision(s), split=split) for s in self.segmenter.utterances(spans)]
        yield from _utterances(recording, transcribed, "given", "not_given")

    def _checked(self, recording: Recording, supervision: Supervision) -> Supervision:
        """The supervision, trimmed to its recording. Raises Unusable: outside_audio, too_short, long_transcript."""
        self.splits.own(supervision.split)
        where = f"{supervision.start:.3f} to {supervision.end:.3f} s of {recording.seconds:.3f} s"
        if not (-SLACK <= supervision.start < supervision.end <= recording.seconds + SLACK):
            raise Unusable("outside_audio", where)
        fitted = replace(supervision, start=max(0.0, supervision.start), end=min(supervision.end, recording.seconds))
        if fitted.end - fitted.start < self.segmenter.shortest:
            raise Unusable("too_short", f"{where} is less than {self.segmenter.shortest:g} s")
        if supervision.text and fitted.end - fitted.start > (
            longest := max(self.segmenter.longest, self.segmenter.transcript)
        ):
            raise Unusable("long_transcript", f"{where} is more than {longest:g} s with one transcript")
        return fitted

    def _at_pauses(self, recording: Recording) -> list[Supervision]:
        """Runs of timed words: split at the longest pause until each run is short enough."""
        waiting, runs = [list(recording.words)], []
        while waiting:
            run = waiting.pop()
            if len(run) < 2 or run[-1].end - run[0].start <= min(self.segmenter.merged, self.segmenter.longest):
                runs.append(run)
                continue
            at = _widest_pause(run)
            waiting += [run[:at], run[at:]]
        return [
            supervision_of(run, recording.phones, recording.speaker) for run in sorted(runs, key=lambda r: r[0].start)
        ]


def _widest_pause(words: Sequence[Word]) -> int:
    """The index of the word after the longest pause. Of pauses that are equal to 10 ms, the one nearest to the middle counts."""
    middle = (words[0].start + words[-1].end) / 2
    return max(
        range(1, len(words)),
        key=lambda n: (round(words[n].start - words[n - 1].end, 2), -abs(words[n].start - middle)),
    )


def _inside(spans: Sequence[SpeakerSpan], recording: Recording) -> list[SpeakerSpan]:
    return [replace(s, end=min(s.end, recording.seconds)) for s in spans if s.start < recording.seconds]


def _supervision(span: SpeakerSpan) -> Supervision:
    return Supervision(start=span.start, end=span.end, speaker=span.speaker, overlap=span.overlap)


def _utterances(
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
        yield _reject(recording, reason, detail, outside)


def _whole(recording: Recording) -> Utterance:
    supervision = Supervision(
        start=0.0, end=recording.seconds, text=recording.text, words=recording.words, phones=recording.phones
    )
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
    )


def _reject(recording: Recording, reason: str, detail: str, seconds: float) -> Reject:
    return Reject(
        key=recording.key,
        stage="segment",
        source=recording.source,
        path=recording.path,
        reason=reason,
        detail=detail,
        seconds=seconds,
    )


class Turns(Stage):
    """Makes one utterance of each spoken turn of a dialogue, with the voice's word times; all turns are in one split."""

    splits: Splits = Splits()

    @property
    def makes(self) -> type:
        return Utterance

    def version(self) -> str:
        return "4"

    def parent(self, record: Any) -> str:
        return record.recording

    def __call__(self, dialogues: Iterable[Dialogue]) -> Iterator[Utterance | Reject]:
        for dialogue in dialogues:
            try:
                split = self.splits.of(self.splits.named(dialogue))
            except Unusable as fault:
                yield _dialogue_reject(dialogue, fault)
                continue
            for number, turn in enumerate(dialogue.turns):
                if turn.is_spoken:
                    yield _turn_utterance(dialogue, number, split)


def _dialogue_reject(dialogue: Dialogue, fault: Unusable) -> Reject:
    return Reject(
        key=dialogue.key,
        stage="segment",
        source=dialogue.source,
        path=dialogue.key,
        reason=fault.reason,
        detail=fault.detail,
        seconds=dialogue.seconds,
    )


def _turn_utterance(dialogue: Dialogue, number: int, split: str) -> Utterance:
    turn = dialogue.turns[number]
    return Utterance(
        key=f"{dialogue.key}-{number:04d}",
        recording=dialogue.key,
        source=dialogue.source,
        audio=turn.audio,
        sha256="",
        start=0.0,
        end=turn.seconds,
        text=turn.text,
        words=turn.words,
        speaker=turn.speaker,
        language=turn.language or dialogue.language,
        licence=dialogue.licence,
        emotion=turn.emotion,
        dialogue=dialogue.key,
        turn=number,
        path=dialogue.key,
        split=split,
        item=dialogue.item,
        role=turn.role,
        level=turn.level if turn.emotion else 0,
        style=turn.style,
    )
