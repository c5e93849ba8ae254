"""What one item holds, a recording or a dialogue: from its listing and the header of its audio.

ItemSizes(source, segmenter, splits, needs).of(item)   ->   SourceSize(items=1, records=3, seconds=6.5, by_split={"train": …}, …)
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf

from weft.jobs.dialogue_sizes import dialogue_size, spoken_turns
from weft.jobs.known_rejects import known_rejects, names_utterances
from weft.jobs.listed_records import is_placed, listed_records
from weft.jobs.source_sizes import SourceSize, samples_of
from weft.jobs.split_sizes import placed_by_split, with_splits
from weft.jobs.task_needs import TaskNeeds, of_stretches
from weft.jobs.turn_amounts import bytes_of, named_texts
from weft.pipelines.audio.sound import DeclaredLength, channels_of, declared_length
from weft.pipelines.parts.splits import Splits
from weft.pipelines.segmenters.base import Segmenter
from weft.pipelines.sources import lhotse
from weft.pipelines.sources.base import Source
from weft.pipelines.sources.common.speech import SpeechSource
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.base import Voice
from weft.schemas.audio import Audio
from weft.schemas.facts import Facts
from weft.schemas.item import Item
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.text import Dialogue

SECONDS_AN_UTTERANCE = (
    18.0  # of recordings that are cut where nobody speaks: 15 to 20 of real speech, with the defaults
)
SEVERAL = 2  # utterances of a recording that may have more than one: it is not known to be too short for any task


@dataclass(frozen=True)
class ItemSizes:
    """Of a source whose recordings are cut as by `segmenter`, and whose dialogues `voice` speaks; with what lies in which split and,
    where `needs` are given, what fits.
    """

    source: Source
    segmenter: Segmenter
    splits: Splits
    needs: TaskNeeds | None
    voice: Voice | None = None

    def of(self, item: Item) -> SourceSize:
        """Where each channel is a recording, of all of them."""
        size, channels = self._of_one(item), self._channels(item)
        return size if channels == 1 else replace(size.scaled(channels), items=size.items, unreadable=size.unreadable)

    def _channels(self, item: Item) -> int:
        """Lhotse's cuts name one themselves."""
        is_each = isinstance(self.source, SpeechSource) and self.source.channels == "each"
        if not (is_each and item.uri) or isinstance(self.source, lhotse.Source):
            return 1
        try:
            return channels_of(Store("."), Audio(item.uri))
        except (Unusable, Unavailable, OSError):  # it is rejected, or its length is not known either
            return 1

    def _of_one(self, item: Item) -> SourceSize:
        if self.source.makes is Dialogue:
            return self._of_dialogues(item, [*self._dialogues(item)])
        length = _length(self.source, item)
        size = self._of_length(item, length.seconds if length else None)
        return replace(size, estimated=bool(length and length.is_estimate))

    def _dialogues(self, item: Item) -> Iterator[Dialogue]:
        """Without those that the build rejects as they are, or as the voice cannot speak them."""
        with suppress(Unusable, Unavailable):
            for record in self.source.read(item, Store(".")):
                if isinstance(record, Dialogue) and (self.voice is None or self.voice.can_speak(record)):
                    yield record

    def _of_dialogues(self, item: Item, dialogues: Sequence[Dialogue]) -> SourceSize:
        if not dialogues:
            return self._compared([], SourceSize(items=1, read=1))
        size = dialogue_size(dialogues, named_texts(item))
        if self.needs:
            records = listed_records(self.source, item, self.segmenter, seconds=inf)
            size = self.needs.of_turns(spoken_turns(dialogues), self.needs.of_item(records, size))
        return with_splits(self.source, item, size, self.splits)

    def _of_length(self, item: Item, seconds: float | None) -> SourceSize:
        """Of a recording; None where its length is not known."""
        records = listed_records(self.source, item, self.segmenter, inf if seconds is None else seconds)
        if seconds is None:
            return self._in_splits(item, records, SourceSize(items=1, read=1, unreadable=records != []))
        whole = self._of_recording(item, seconds, records)
        if not (whole.records and is_placed(records)):
            return self._in_splits(item, records, whole)
        by_split = {
            split: self._compared(some, of_stretches(whole.part(len(some) / len(records or some)), some))
            for split, some in placed_by_split(self.source, item, records or (), self.splits).items()
        }
        return replace(self._compared(records, whole), by_split=by_split)

    def _in_splits(self, item: Item, records: Sequence[Facts] | None, size: SourceSize) -> SourceSize:
        return with_splits(self.source, item, self._compared(records, size), self.splits)

    def _compared(self, records: Sequence[Facts] | None, size: SourceSize) -> SourceSize:
        return self.needs.of_item(records, size) if self.needs else size

    def _of_recording(self, item: Item, seconds: float, records: Sequence[Facts] | None) -> SourceSize:
        """Of a recording of so many seconds, and of what is listed of it. One that the build rejects holds nothing."""
        longest = self.segmenter.longest_labelled
        rejects = known_rejects(self.source, item, seconds, longest)
        shortest = self.source.limits.shortest if isinstance(self.source, SpeechSource) else 0.0
        if records == [] or seconds < shortest:
            return SourceSize(items=1, read=1, rejects=rejects)
        placed = [one.stretch for one in records or () if one.stretch]
        used = sum(stretch.end - stretch.start for stretch in placed) if placed else seconds - rejects.seconds
        count = len(placed) or (_utterances(used, longest) if used or not rejects.seconds else 0)
        length = count if placed or count != 1 or names_utterances(self.source, item) else SEVERAL
        named = named_texts(item)
        return SourceSize(
            items=1, read=1, records=count, seconds=used, rejects=rejects, lengths={length: 1}, fields=bytes_of(named),
            samples=samples_of(named),
        )  # fmt: skip


def _utterances(seconds: float, longest: float) -> int:
    """Of a recording that nobody has cut: up to `longest` it stays whole."""
    return 1 if seconds <= longest else max(SEVERAL, round(seconds / SECONDS_AN_UTTERANCE))


def _length(source: Source, item: Item) -> DeclaredLength | None:
    """As its listing says it, else its header; None where neither does, and for audio that `build` rejects."""
    if seconds := source.seconds_of(item):
        return DeclaredLength(seconds)
    return declared_length(Store("."), Audio(item.uri)) if item.uri else None
