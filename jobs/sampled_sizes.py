"""Estimates what a source holds: from its listing, and from the headers of some items (for text, from their content).

sampled_size("speech", source)   ->   SourceSize(items=120000, read=1000, seconds=1.61e6, lengths={1: 90000, 2: 30000}, …)
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf

from weft.jobs.known_rejects import known_rejects, names_utterances, stretches
from weft.jobs.source_sizes import SourceSize
from weft.jobs.speaker_supply import SpeakerCount, Speakers
from weft.jobs.split_sizes import with_splits, with_unread
from weft.jobs.task_needs import TaskNeeds
from weft.jobs.turn_amounts import DialogueAmounts, field_bytes, turn_amounts
from weft.pipelines.audio.sound import declared_seconds
from weft.pipelines.corpus.listing import listed
from weft.pipelines.parts.splits import HoldOutNames, Splits
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
TEXT_KEPT = 1 << 20  # bytes of documents that a tokenizer is asked about, about
_ALL_TRAIN = Splits(all_train=True)


def sampled_size(
    name: str,
    source: Source,
    most: int = 1000,
    by_speaker: bool = False,
    longest: float = inf,
    splits: Splits = _ALL_TRAIN,
    needs: TaskNeeds | None = None,
) -> SourceSize:
    """Lists all items and opens at most `most` of them, chosen by hash; `by_speaker` counts the speakers that the listing names.
    One transcript for more than `longest` seconds is rejected. `splits` are those of the source, and `needs` those of its tasks.

    Raises EmptySource where nothing is listed.
    """
    items, length, speakers = 0, 0, SpeakerCount(source, splits)

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
        size = _of_text(source, chosen, SourceSize(items=items, bytes=length), splits, needs)
        return with_unread(source, size, splits)
    compared = needs.of_item if needs else _not_compared
    sizes = (
        with_splits(source, item, compared(source, item, _size_of(source, item, longest)), splits) for item in chosen
    )
    size = with_unread(source, sum(sizes, SourceSize()).scaled(items / len(chosen)), splits)
    return _with_speakers(size, speakers.by_split)


def _not_compared(source: Source, item: Item, size: SourceSize) -> SourceSize:
    return size


def _with_speakers(size: SourceSize, by_split: Mapping[str, Speakers]) -> SourceSize:
    every = Counter[str]()
    for counts in by_split.values():
        every.update(counts)
    sizes = {split: replace(part, speakers=by_split.get(split, {})) for split, part in size.by_split.items()}
    return replace(size, speakers=every, by_split=sizes)


def _within(items: Iterable[Item], most: float) -> Iterator[Item]:
    """The first items, of at most `most` bytes together; at least one."""
    total = 0
    for number, item in enumerate(items):
        total += item.length
        if number and total > most:
            return
        yield item


def _of_text(
    source: Source, chosen: list[Item], listing: SourceSize, splits: Splits, needs: TaskNeeds | None
) -> SourceSize:
    """Documents and their bytes, scaled by listed bytes: so JSON syntax and gzip count as in the items that were read."""
    store, sampled, texts, kept = Store("."), SourceSize(), list[str](), 0
    for item in chosen:
        documents = _documents(source, item, store)
        sampled += _text_size(documents, splits, needs)
        for document in documents if kept < TEXT_KEPT else ():
            texts.append(document.text)
            kept += len(document.text.encode())
    length = sum(item.length for item in chosen)
    by = listing.bytes / length if length else listing.items / len(chosen)
    return replace(sampled.scaled(by), items=listing.items, texts=tuple(texts))


def _documents(source: Source, item: Item, store: Store) -> list[Document]:
    try:
        return [document for document in source.read(item, store) if isinstance(document, Document)]
    except (Unusable, Unavailable):  # what `build` rejects, or cannot read now, holds nothing
        return []


def _text_size(documents: Sequence[Document], splits: Splits, needs: TaskNeeds | None) -> SourceSize:
    by_split: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        with suppress(Unusable):  # the name of an unknown split
            by_split[splits.of(HoldOutNames(items=(document.text,), split=document.split))].append(document)
    sizes = {split: _documents_size(some) for split, some in by_split.items()}
    if needs:
        sizes = {split: needs.of_documents(by_split[split], size) for split, size in sizes.items()}
    return replace(sum(sizes.values(), SourceSize()), items=1, read=1, by_split=sizes)


def _documents_size(documents: Sequence[Document]) -> SourceSize:
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
