"""Estimates what a source holds: from its listing, and from the headers of some items (for text, from their content).

sampled_size("speech", source)   ->   SourceSize(items=120000, read=1000, seconds=1.61e6, lengths={1: 90000, 2: 30000}, …)
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf

from weft.jobs.known_rejects import known_rejects, names_utterances
from weft.jobs.listed_records import is_placed, listed_records
from weft.jobs.source_sizes import SourceSize, samples_of
from weft.jobs.speaker_supply import SpeakerCount, Speakers
from weft.jobs.split_sizes import placed_by_split, with_splits, with_unread
from weft.jobs.task_needs import TaskNeeds
from weft.jobs.turn_amounts import DialogueAmounts, bytes_of, named_texts, turn_amounts
from weft.pipelines.audio.sound import declared_seconds
from weft.pipelines.corpus.listing import listed
from weft.pipelines.parts.splits import HoldOutNames, Splits
from weft.pipelines.segmenters.base import Segmenter
from weft.pipelines.sources.base import Source
from weft.pipelines.sources.common.speech import SpeechSource
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.schemas.facts import Facts
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
_UNCUT = Segmenter(longest=1e9)


def sampled_size(
    name: str,
    source: Source,
    most: int = 1000,
    by_speaker: bool = False,
    segmenter: Segmenter = _UNCUT,
    splits: Splits = _ALL_TRAIN,
    needs: TaskNeeds | None = None,
) -> SourceSize:
    """Lists all items and opens at most `most` of them, chosen by hash; `by_speaker` counts the speakers that the listing names.
    Recordings are cut as by `segmenter`. `splits` are those of the source, and `needs` those of its tasks.

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
    sizes = _sizes(source, chosen, segmenter, splits, needs)
    size = with_unread(source, sum(sizes, SourceSize()).scaled(items / len(chosen)), splits)
    return _with_speakers(size, speakers.by_split)


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
        sizes = {split: needs.of_documents(by_split[split], size, _documents_size) for split, size in sizes.items()}
    return replace(sum(sizes.values(), SourceSize()), items=1, read=1, by_split=sizes)


def _documents_size(documents: Sequence[Document]) -> SourceSize:
    named: dict[str, list[str]] = {}
    for one in (field for document in documents for field in document.fields):
        named.setdefault(one.name, []).append(one.value)
    length = sum(len(document.text.encode()) for document in documents)
    return SourceSize(
        items=1, read=1, records=len(documents), bytes=length, fields=bytes_of(named), samples=samples_of(named)
    )


def _dialogue_size(source: Source, item: Item) -> SourceSize:
    """A dialogue that the build rejects holds nothing."""
    try:
        dialogues = [dialogue for dialogue in source.read(item, Store(".")) if isinstance(dialogue, Dialogue)]
    except (Unusable, Unavailable):
        dialogues = []
    turns = sum(map(turn_amounts, dialogues), DialogueAmounts())
    spoken, named = turns.all_spoken, named_texts(item)
    return SourceSize(
        items=1, read=1, records=spoken.turns, seconds=spoken.seconds, lengths={round(spoken.turns): 1}, turns=turns,
        fields=bytes_of(named), samples=samples_of(named),
    )  # fmt: skip


def _sizes(
    source: Source, chosen: Iterable[Item], segmenter: Segmenter, splits: Splits, needs: TaskNeeds | None
) -> Iterator[SourceSize]:
    """The size of each item. One that is listed again is rejected as a duplicate."""
    seen = set[str]()
    for item in chosen:
        size_of = _of_dialogue if source.makes is Dialogue else _of_recording
        yield SourceSize(items=1, read=1) if item.key in seen else size_of(source, item, segmenter, splits, needs)
        seen.add(item.key)


def _of_dialogue(
    source: Source, item: Item, segmenter: Segmenter, splits: Splits, needs: TaskNeeds | None
) -> SourceSize:
    records = listed_records(source, item, segmenter, seconds=inf)
    return with_splits(source, item, _compared(needs, records, _dialogue_size(source, item)), splits)


def _of_recording(
    source: Source, item: Item, segmenter: Segmenter, splits: Splits, needs: TaskNeeds | None
) -> SourceSize:
    seconds = source.seconds_of(item) or _seconds(item)
    records = listed_records(source, item, segmenter, inf if seconds is None else seconds)
    whole = _size_of(source, item, seconds, records, segmenter)
    if seconds is None or not whole.records or not is_placed(records):
        return with_splits(source, item, _compared(needs, records, whole), splits)
    by_split = {
        split: _compared(needs, some, _size_of(source, item, seconds, some, segmenter))
        for split, some in placed_by_split(source, item, records or (), splits).items()
    }
    return replace(_compared(needs, records, whole), by_split=by_split)


def _compared(needs: TaskNeeds | None, records: Sequence[Facts] | None, size: SourceSize) -> SourceSize:
    return needs.of_item(records, size) if needs else size


def _size_of(
    source: Source, item: Item, seconds: float | None, records: Sequence[Facts] | None, segmenter: Segmenter
) -> SourceSize:
    """Of a recording of so many seconds, and of what is listed of it. One that the build rejects holds nothing."""
    if seconds is None:
        return SourceSize(items=1, read=1, unreadable=records != [])
    longest = max(segmenter.longest, segmenter.transcript)
    rejects = known_rejects(source, item, seconds, longest)
    shortest = source.limits.shortest if isinstance(source, SpeechSource) else 0.0
    if records == [] or seconds < shortest:
        return SourceSize(items=1, read=1, rejects=rejects)
    placed = [(one.begin or 0.0, one.end) for one in records or () if one.end is not None]
    used = sum(end - begin for begin, end in placed) if placed else seconds - rejects.seconds
    count = len(placed) or (_utterances(used, longest) if used or not rejects.seconds else 0)
    named = named_texts(item)
    length = count if placed or count != 1 or names_utterances(source, item) else SEVERAL
    return SourceSize(
        items=1,
        read=1,
        records=count,
        seconds=used,
        rejects=rejects,
        lengths={length: 1},
        fields=bytes_of(named),
        samples=samples_of(named),
    )


def _utterances(seconds: float, longest: float) -> int:
    """Of a recording that nobody has cut: up to `longest` it stays whole."""
    return 1 if seconds <= longest else max(SEVERAL, round(seconds / SECONDS_AN_UTTERANCE))


def _seconds(item: Item) -> float | None:
    """Seconds by its header, or estimated from its size; None where neither is known, and for audio that `build` rejects."""
    return declared_seconds(Store("."), Audio(item.uri)) if item.uri else None
