"""Estimates what a source holds: from its listing, and from the headers of some items (for text, from their content).

sampled_size("speech", source)   ->   SourceSize(items=120000, read=1000, seconds=1.61e6, lengths={1: 90000, 2: 30000}, …)
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf

from weft.jobs.known_rejects import KnownRejects, known_rejects, names_utterances, stretches
from weft.jobs.speaker_supply import SpeakerCount, Speakers
from weft.jobs.turn_amounts import DialogueAmounts, field_bytes, turn_amounts
from weft.pipelines.audio.sound import declared_seconds
from weft.pipelines.corpus.listing import listed
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.schemas.fingerprint import hash64
from weft.schemas.item import Item
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.text import Dialogue, Document

SECONDS_AN_UTTERANCE = (
    18.0  # of recordings that are cut where nobody speaks: 15 to 20 of real speech, with the defaults
)
SEVERAL = 2  # utterances of a recording that may have more than one: it is not known to be too short for any task
TEXT_READ = 64e6  # bytes of text files that are read at most


Lengths = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class SourceSize:
    """Sums over a source's items. `records` counts utterances or documents; `unreadable` counts audio whose header has no length.
    `rejects` is what the build is known to reject: its long transcripts are in no other sum but `items`.

    `read` items were opened; where these are fewer than `items`, their sums are scaled up. `lengths` counts recordings (dialogues) by
    their utterances (turns). `turns` are those of dialogues, `fields` the bytes of named texts.
    `speakers` counts items by speaker, where that was asked for and the listing names every speaker.
    """

    items: float = 0
    read: int = 0
    records: float = 0
    seconds: float = 0.0
    bytes: float = 0
    unreadable: float = 0
    rejects: KnownRejects = KnownRejects()
    lengths: Lengths = field(default_factory=dict)
    speakers: Speakers = field(default_factory=dict)
    turns: DialogueAmounts = DialogueAmounts()
    fields: Mapping[str, float] = field(default_factory=dict)

    def __add__(self, other: "SourceSize") -> "SourceSize":
        return SourceSize(
            items=self.items + other.items, read=self.read + other.read, records=self.records + other.records,
            seconds=self.seconds + other.seconds, bytes=self.bytes + other.bytes,
            unreadable=self.unreadable + other.unreadable, rejects=self.rejects + other.rejects,
            lengths={n: self.lengths.get(n, 0) + other.lengths.get(n, 0) for n in (*self.lengths, *other.lengths)},
            turns=self.turns + other.turns,
            fields={n: self.fields.get(n, 0) + other.fields.get(n, 0) for n in (*self.fields, *other.fields)},
        )  # fmt: skip

    def scaled(self, by: float) -> "SourceSize":
        return SourceSize(
            items=self.items * by, read=self.read, records=self.records * by, seconds=self.seconds * by,
            bytes=self.bytes * by, unreadable=self.unreadable * by, rejects=self.rejects.scaled(by),
            lengths={length: count * by for length, count in self.lengths.items()},
            turns=self.turns.scaled(by), fields={name: length * by for name, length in self.fields.items()},
        )  # fmt: skip

    def of_length(self, fewest: int) -> "SourceSize":
        """What recordings of at least so many utterances hold: `items` of them, and their utterances and seconds."""
        lengths = {length: count for length, count in self.lengths.items() if length >= fewest}
        records, all_records = (sum(n * count for n, count in some.items()) for some in (lengths, self.lengths))
        seconds = self.seconds * records / all_records if all_records else 0.0
        return replace(self, items=sum(lengths.values()), records=records, seconds=seconds, lengths=lengths)

    @property
    def readable(self) -> float:
        """The share of items whose length is known."""
        return 1 - self.unreadable / self.items if self.items else 1.0


def sampled_size(
    name: str, source: Source, most: int = 1000, by_speaker: bool = False, longest: float = inf
) -> SourceSize:
    """Lists all items and opens at most `most` of them, chosen by hash; `by_speaker` counts the speakers that the listing names.
    One transcript for more than `longest` seconds is rejected.

    Raises EmptySource where nothing is listed.
    """
    items, length, speakers = 0, 0, SpeakerCount(source)

    def counted() -> Iterator[Item]:
        nonlocal items, length
        for item in listed(name, source):
            items, length = items + 1, length + item.length
            if by_speaker:
                speakers.add(item)
            yield item

    chosen = heapq.nsmallest(most, counted(), key=lambda item: hash64("forecast", item.key))
    if source.makes is Document:
        chosen = list(_within(chosen, TEXT_READ))
        return _of_text(source, chosen, SourceSize(items=items, bytes=length))
    size = sum((_size_of(source, item, longest) for item in chosen), SourceSize()).scaled(items / len(chosen))
    return replace(size, speakers=speakers.counts)


def _within(items: Iterable[Item], most: float) -> Iterator[Item]:
    """The first items, of at most `most` bytes together; at least one."""
    total = 0
    for number, item in enumerate(items):
        total += item.length
        if number and total > most:
            return
        yield item


def _of_text(source: Source, chosen: list[Item], listing: SourceSize) -> SourceSize:
    """Documents and their bytes, scaled by listed bytes: so JSON syntax and gzip count as in the items that were read."""
    store = Store(".")
    sampled = sum((_text_size(source, item, store) for item in chosen), SourceSize())
    length = sum(item.length for item in chosen)
    by = listing.bytes / length if length else listing.items / len(chosen)
    return replace(sampled.scaled(by), items=listing.items)


def _text_size(source: Source, item: Item, store: Store) -> SourceSize:
    try:
        documents = [document for document in source.read(item, store) if isinstance(document, Document)]
    except (Unusable, Unavailable):  # what `build` rejects, or cannot read now, holds nothing
        documents = []
    fields: dict[str, float] = {}
    for one in (named for document in documents for named in document.fields):
        fields[one.name] = fields.get(one.name, 0) + len(one.value.encode())
    length = sum(len(document.text.encode()) for document in documents)
    return SourceSize(items=1, read=1, records=len(documents), bytes=length, fields=fields)


def _dialogue_size(source: Source, item: Item) -> SourceSize:
    """A dialogue that the build rejects holds nothing."""
    try:
        dialogues = [dialogue for dialogue in source.read(item, Store(".")) if isinstance(dialogue, Dialogue)]
    except (Unusable, Unavailable):
        dialogues = []
    turns = sum(map(turn_amounts, dialogues), DialogueAmounts())
    spoken = turns.all_spoken
    return SourceSize(
        items=1, read=1, records=spoken.turns, seconds=spoken.seconds, lengths={round(spoken.turns): 1}, turns=turns,
        fields=field_bytes(item),
    )  # fmt: skip


def _size_of(source: Source, item: Item, longest: float) -> SourceSize:
    if source.makes is Dialogue:
        return _dialogue_size(source, item)
    seconds = source.seconds_of(item) or _seconds(item)
    if seconds is None:
        return SourceSize(items=1, read=1, unreadable=1)
    rejects = known_rejects(source, item, seconds, longest)
    named = stretches(source, item, longest)
    used = min(seconds - rejects.seconds, sum(named)) if named else seconds - rejects.seconds
    records = len(named) or _utterances(used, longest) if used or not rejects.seconds else 0
    length = records if records != 1 or names_utterances(source, item) else SEVERAL
    return SourceSize(
        items=1, read=1, records=records, seconds=used, rejects=rejects, lengths={length: 1}, fields=field_bytes(item)
    )


def _utterances(seconds: float, longest: float) -> int:
    """Of a recording that nobody has cut: up to `longest` it stays whole."""
    return 1 if seconds <= longest else max(SEVERAL, round(seconds / SECONDS_AN_UTTERANCE))


def _seconds(item: Item) -> float | None:
    """Seconds by its header, or estimated from its size; None where neither is known, and for audio that `build` rejects."""
    return declared_seconds(Store("."), Audio(item.uri)) if item.uri else None
