"""Cuts recordings into utterances of one speaker.

Recording(seconds=754.0)  ->  Utterance(start=0.4, end=9.0), Utterance(start=40.2, end=44.0), …
                              Reject(reason="no_speech", seconds=712.2)      all remaining seconds, in one row
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.audio.sound import blocks
from weft.pipelines.parts.splits import HoldOutNames, Splits
from weft.pipelines.segmenters.base import Segmenter, SpeakerSpan, union
from weft.pipelines.segmenters.common.supervisions import at_pauses, fitted
from weft.pipelines.segmenters.common.utterances import utterances_of, whole
from weft.pipelines.stage import Stage, rejected
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Recording, Supervision, Utterance
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.resources import Resources

BLOCK = 120.0  # seconds of audio that the segmenter gets at a time
_NO_SEGMENTER = ("given", "whole")  # values of `Utterance.segmenter` where none was used


class Segment(Stage):
    """Uses supervisions where the source has them. Else short recordings stay whole, and long ones are cut at pauses: between
    timed words, or where the segmenter detects no speech. A recording with fields stays whole as long as one transcript may be; the
    pieces of a longer one have none, as a question about the whole is none about a piece.
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
        return "6"

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
                yield rejected(recording, "segment", fault)
                continue
            for output in self._cut(recording):
                yield self._in_split(recording, output) if isinstance(output, Utterance) else output

    def _in_split(self, recording: Recording, utterance: Utterance) -> Utterance:
        """The utterance with its split. Labels of a segmenter are unique only within a recording, so they are not used here."""
        speaker = utterance.speaker if utterance.segmenter in _NO_SEGMENTER else recording.speaker
        named = HoldOutNames(
            speakers=(speaker,), recordings=(utterance.path,), items=(recording.item,), split=utterance.split
        )
        return replace(utterance, split=self.splits.of(named))

    def _cut(self, recording: Recording) -> Iterator[Utterance | Reject]:
        if recording.supervisions:
            yield from self._from_supervisions(recording, recording.supervisions)
        elif recording.seconds <= self._longest_whole(recording):
            yield whole(recording)
        elif recording.words:
            yield from self._from_supervisions(recording, at_pauses(self.segmenter, recording))
        elif recording.text and recording.seconds <= self.segmenter.longest_transcript:
            yield whole(recording)
        elif recording.text:
            length = f"one transcript for {recording.seconds:.1f} s, over {self.segmenter.longest_transcript:g} s"
            detail = f"{length}: align it with `weft align` and build from its timing files, or split it"
            yield rejected(recording, "segment", Unusable("long_transcript", detail))
        else:
            yield from self._from_speech(recording)

    def _longest_whole(self, recording: Recording) -> float:
        """Seconds up to which it is not cut."""
        return self.segmenter.longest_labelled if recording.fields else self.segmenter.longest

    def _from_speech(self, recording: Recording) -> Iterator[Utterance | Reject]:
        try:
            speech = self.segmenter.speech(blocks(self._store, recording.audio, BLOCK))
        except Unusable as fault:
            yield rejected(recording, "segment", fault)
            return
        spans = self.segmenter.utterances(_inside(speech, recording))
        supervisions = [_supervision(span) for span in spans]
        yield from utterances_of(recording, supervisions, self.segmenter.version(), "no_speech")

    def _from_supervisions(
        self, recording: Recording, supervisions: Sequence[Supervision]
    ) -> Iterator[Utterance | Reject]:
        """Supervisions with a transcript or fields become utterances unchanged; the others are merged and cut like detected speech."""
        transcribed: list[Supervision] = []
        untranscribed: dict[str, list[SpeakerSpan]] = {}  # by split: spans of two splits are not merged
        for supervision in supervisions:
            try:
                self.splits.own(supervision.split)
                within = fitted(self.segmenter, recording.seconds, supervision)
                if within.text or within.fields:
                    transcribed.append(within)
                else:
                    span = SpeakerSpan(start=within.start, end=within.end, speaker=within.speaker)
                    untranscribed.setdefault(within.split or recording.split, []).append(span)
            except Unusable as fault:
                yield replace(rejected(recording, "segment", fault), seconds=0.0)
        for split, spans in untranscribed.items():
            transcribed += [replace(_supervision(s), split=split) for s in self.segmenter.utterances(spans)]
        yield from utterances_of(recording, transcribed, "given", "outside_given_turns")


def _inside(spans: Sequence[SpeakerSpan], recording: Recording) -> list[SpeakerSpan]:
    return [replace(s, end=min(s.end, recording.seconds)) for s in spans if s.start < recording.seconds]


def _supervision(span: SpeakerSpan) -> Supervision:
    return Supervision(start=span.start, end=span.end, speaker=span.speaker, overlap=span.overlap)
