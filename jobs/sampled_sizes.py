"""Estimates what a source holds: from its listing, and from the headers of some items (for text, from their content).

sampled_size("speech", source)   ->   SourceSize(items=120000, read=1000, seconds=1.61e6, lengths={1: 90000, 2: 30000}, …)
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from weft.jobs.item_sizes import ItemSizes
from weft.jobs.source_sizes import SourceSize
from weft.jobs.speaker_supply import SpeakerCount, Speakers
from weft.jobs.split_sizes import with_unread
from weft.jobs.task_needs import TaskNeeds
from weft.jobs.text_sizes import text_size
from weft.pipelines.corpus.listing import listed
from weft.pipelines.parts.splits import Splits
from weft.pipelines.segmenters.base import Segmenter
from weft.pipelines.sources.base import Source
from weft.pipelines.voices.base import Voice
from weft.schemas.fingerprint import hash64
from weft.schemas.item import Item
from weft.schemas.text import Document

TEXT_READ = 64e6  # bytes of text files that are read at most
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
    voice: Voice | None = None,
) -> SourceSize:
    """Lists all items and opens at most `most` of them, chosen by hash; `by_speaker` counts the speakers that the listing names.
    Recordings are cut as by `segmenter`. `splits` are those of the source, `needs` those of its tasks; `voice` speaks its dialogues.

    Raises EmptySource where nothing is listed, and SplitError as text_size does.
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
        size = text_size(source, chosen, SourceSize(items=items, bytes=length), splits, needs)
        return with_unread(source, size, splits)
    sizes = _sizes(chosen, ItemSizes(source=source, segmenter=segmenter, splits=splits, needs=needs, voice=voice))
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


def _sizes(chosen: Iterable[Item], sizes: ItemSizes) -> Iterator[SourceSize]:
    """The size of each item. One that is listed again is rejected as a duplicate."""
    seen = set[str]()
    for item in chosen:
        yield SourceSize(items=1, read=1) if item.key in seen else sizes.of(item)
        seen.add(item.key)
