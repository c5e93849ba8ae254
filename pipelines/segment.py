"""Recordings become utterances of one speaker; a spoken dialogue becomes an utterance a turn.

Recording(seconds=754.0)  ->  Utterance(start=0.4, end=9.0), Utterance(start=40.2, end=44.0), …
                              Reject(reason="no_speech", seconds=712.2)      the rest, in one row
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
from weft.pipelines.timings.base import supervision
from weft.schemas.audio import Recording, Supervision, Utterance, Word
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.resources import Resources
from weft.schemas.text import Dialogue

BLOCK = 120.0  # seconds the segmenter hears at a time
SLACK = 0.1  # seconds that a given stretch may reach over its recording
_GIVEN = ("given", "whole")  # cut by no segmenter


class Segment(Stage):
    """Given stretches are taken; short recordings stay whole; long ones are cut where their words, or else the sound, pause."""

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
        return "4"

    def setup(self, store: Store) -> None:
        self._store = store
        self.segmenter.setup()

    def parent(self, record: Any) -> str:
        return record.recording

    def doubled(self, records: Sequence[Any]) -> float:
        """Where two speak at once, both utterances have those seconds."""
        stretches: dict[str, list[tuple[float, float]]] = {}
        for utterance in records:
            stretches.setdefault(utterance.recording, []).append((utterance.start, utterance.end))
        return sum(sum(e - s for s, e in some) - union(some) for some in stretches.values())

    def __call__(self, recordings: Iterable[Recording]) -> Iterator[Utterance | Reject]:
        for recording in recordings:
            try:
                self.splits.own(recording.split)
            except Unusable as fault:
                yield _reject(recording, fault.reason, fault.detail, recording.seconds)
                continue
            for made in self._cut(recording):
                yield self._in_split(recording, made) if isinstance(made, Utterance) else made

    def _in_split(self, recording: Recording, utterance: Utterance) -> Utterance:
        """With its split. What a segmenter calls a speaker holds within the recording, so it names nobody."""
        speaker = utterance.speaker if utterance.segmenter in _GIVEN else recording.speaker
        named = Named((speaker,), (utterance.path,), (recording.item,), utterance.split)
        return replace(utterance, split=self.splits.of(named))

    def _cut(self, recording: Recording) -> Iterator[Utterance | Reject]:
        if recording.supervisions:
            yield from self._given(recording, recording.supervisions)
        elif recording.seconds <= self.segmenter.longest:
            yield _whole(recording)
        elif recording.words:
            yield from self._given(recording, self._at_pauses(recording))
        elif recording.text and recording.seconds <= self.segmenter.transcript:
            yield _whole(recording)
        elif recording.text:
            over = f"{recording.seconds:.1f} s, over {self.segmenter.transcript:g} s"
            detail = f"one transcript for {over}: align it with `weft align` and build from its timing files, or give it in pieces"
            yield _reject(recording, "long_transcript", detail, recording.seconds)
        else:
            yield from self._heard(recording)

    def _heard(self, recording: Recording) -> Iterator[Utterance | Reject]:
        try:
            heard = self.segmenter.speech(blocks(self._store, recording.audio, BLOCK))
        except Unusable as fault:
            yield _reject(recording, fault.reason, fault.detail, recording.seconds)
            return
        found = [_supervision(p) for p in self.segmenter.utterances(_inside(heard, recording))]
        yield from _utterances(recording, found, self.segmenter.version(), "no_speech")

    def _given(self, recording: Recording, given: Sequence[Supervision]) -> Iterator[Utterance | Reject]:
        """Stretches with a transcript as they are; those without are merged and cut as pieces that were heard."""
        spoken: list[Supervision] = []
        silent: dict[str, list[SpeakerSpan]] = {}  # by split: pieces of two are not merged
        for stretch in given:
            try:
                fitted = self._checked(recording, stretch)
                if fitted.text:
                    spoken.append(fitted)
                else:
                    piece = SpeakerSpan(fitted.start, fitted.end, fitted.speaker)
                    silent.setdefault(fitted.split or recording.split, []).append(piece)
            except Unusable as fault:
                yield _reject(recording, fault.reason, fault.detail, 0.0)
        merged = ((p, split) for split, pieces in silent.items() for p in self.segmenter.utterances(pieces))
        found = [*spoken, *(replace(_supervision(p), split=split) for p, split in merged)]
        yield from _utterances(recording, found, "given", "not_given")

    def _checked(self, recording: Recording, stretch: Supervision) -> Supervision:
        self.splits.own(stretch.split)
        where = f"{stretch.start:.3f} to {stretch.end:.3f} s of {recording.seconds:.3f} s"
        if not (-SLACK <= stretch.start < stretch.end <= recording.seconds + SLACK):
            raise Unusable("outside_audio", where)
        fitted = replace(stretch, start=max(0.0, stretch.start), end=min(stretch.end, recording.seconds))
        if fitted.end - fitted.start < self.segmenter.shortest:
            raise Unusable("too_short", f"{where} is less than {self.segmenter.shortest:g} s")
        if stretch.text and fitted.end - fitted.start > (
            most := max(self.segmenter.longest, self.segmenter.transcript)
        ):
            raise Unusable("long_transcript", f"{where} is more than {most:g} s with one transcript")
        return fitted

    def _at_pauses(self, recording: Recording) -> list[Supervision]:
        """Words in time, parted at the longest pauses until each run fits."""
        todo, done = [list(recording.words)], []
        while todo:
            run = todo.pop()
            if len(run) < 2 or run[-1].end - run[0].start <= min(self.segmenter.merged, self.segmenter.longest):
                done.append(run)
                continue
            at = _widest_pause(run)
            todo += [run[:at], run[at:]]
        return [supervision(run, recording.phones, recording.speaker) for run in sorted(done, key=lambda r: r[0].start)]


def _widest_pause(words: Sequence[Word]) -> int:
    """The word that begins after the longest pause (to 10 ms); of equal ones, the nearest to the middle."""
    middle = (words[0].start + words[-1].end) / 2
    return max(
        range(1, len(words)),
        key=lambda n: (round(words[n].start - words[n - 1].end, 2), -abs(words[n].start - middle)),
    )


def _inside(pieces: Sequence[SpeakerSpan], recording: Recording) -> list[SpeakerSpan]:
    return [replace(p, end=min(p.end, recording.seconds)) for p in pieces if p.start < recording.seconds]


def _supervision(piece: SpeakerSpan) -> Supervision:
    return Supervision(piece.start, piece.end, speaker=piece.speaker, overlap=piece.overlap)


def _utterances(
    recording: Recording, found: Sequence[Supervision], cutter: str, rest: str
) -> Iterator[Utterance | Reject]:
    """An utterance each, by time, and what lies between them as one reject."""
    found = sorted(found, key=lambda s: (s.start, s.end, s.speaker))
    pieces = [SpeakerSpan(s.start, s.end, s.speaker) for s in found]
    for number, (said, shared) in enumerate(zip(found, overlaps(pieces), strict=True)):
        yield _utterance(recording, number, said, cutter, shared + said.overlap)
    left = recording.seconds - union((p.start, p.end) for p in pieces)
    if left > 0 or not found:
        yield _reject(recording, rest, f"what lies between {len(found)} stretches", left)


def _whole(recording: Recording) -> Utterance:
    said = Supervision(
        0.0, recording.seconds, recording.text, recording.words, recording.phones, recording.speaker, recording.language,
        recording.emotion,
    )  # fmt: skip
    return _utterance(recording, 0, said, "whole", 0.0)


def _utterance(recording: Recording, number: int, said: Supervision, cutter: str, shared: float) -> Utterance:
    return Utterance(
        f"{recording.key}-{number:04d}", recording.key, recording.source, recording.audio, recording.sha256,
        said.start, said.end, said.text, said.words, said.speaker or recording.speaker,
        said.language or recording.language, recording.licence, said.emotion or recording.emotion, phones=said.phones,
        split=said.split or recording.split, path=recording.path, overlap=shared, segmenter=cutter,
        transcriber="given" if said.text else "", item=recording.item,
    )  # fmt: skip


def _reject(recording: Recording, reason: str, detail: str, seconds: float) -> Reject:
    return Reject(recording.key, "segment", recording.source, recording.path, reason, detail, seconds)


class Turns(Stage):
    """A spoken dialogue as utterances that carry the voice's own timing, all in one split."""

    splits: Splits = Splits()

    @property
    def makes(self) -> type:
        return Utterance

    def version(self) -> str:
        return "3"

    def parent(self, record: Any) -> str:
        return record.recording

    def __call__(self, dialogues: Iterable[Dialogue]) -> Iterator[Utterance | Reject]:
        for dialogue in dialogues:
            where = dialogue.key, "segment", dialogue.source, dialogue.key
            try:
                split = self.splits.of(self.splits.named(dialogue))
            except Unusable as fault:
                yield Reject(*where, fault.reason, fault.detail, dialogue.seconds)
                continue
            for number, turn in enumerate(dialogue.turns):
                yield Utterance(
                    f"{dialogue.key}-{number:04d}", dialogue.key, dialogue.source, turn.audio, "", 0.0, turn.seconds,
                    turn.text, turn.words, turn.speaker, dialogue.language, dialogue.licence,
                    turn.emotion, dialogue.key, number, path=dialogue.key, split=split, item=dialogue.item,
                )  # fmt: skip
