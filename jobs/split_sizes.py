"""What of an item lies in which split: as its listing names it, else as the share that is held out says.

with_splits(source, item, SourceSize(records=5), splits)   ->   SourceSize(records=5, by_split={"train": SourceSize(records=4), …})
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from weft.jobs.source_sizes import SourceSize
from weft.pipelines.parts.splits import HoldOutNames, Splits
from weft.pipelines.sources.base import Source
from weft.schemas.facts import Facts
from weft.schemas.item import Item
from weft.schemas.ledger import Unusable
from weft.schemas.splits import SPLITS


def with_splits(source: Source, item: Item, size: SourceSize, splits: Splits) -> SourceSize:
    """The size of an item with what of it lies in which split: as its listing names it, else as the share that is held out says."""
    named = source.named(item, splits) if splits.hold_out or source.names_splits else None
    return replace(size, by_split=_expected(source, size, splits) if named is None else _named(size, named, splits))


def placed_by_split(source: Source, item: Item, records: Iterable[Facts], splits: Splits) -> dict[str, list[Facts]]:
    """The stretches of a recording by the split that the build puts them in. What names an unknown split is rejected."""
    by_split: dict[str, list[Facts]] = {}
    for one, stretch in ((one, one.stretch) for one in records if one.stretch):
        speaker = stretch.speaker or getattr(source, "speaker", "")
        named = HoldOutNames(speakers=(speaker,), recordings=(item.path,), items=(item.key,), split=stretch.split)
        with suppress(Unusable):
            by_split.setdefault(splits.of(named), []).append(one)
    return by_split


def with_unread(source: Source, size: SourceSize, splits: Splits) -> SourceSize:
    """The size of a source: where not all of it was read, of a split that may be in the rest there is an unknown amount."""
    if size.read >= size.items:
        return replace(size, by_split=size.by_split or {"train": SourceSize()})  # where all is rejected
    unknown = SourceSize(items=1, unreadable=1)
    may_be = SPLITS if source.names_splits else ("train", "validation") if splits.hold_out else ("train",)
    parts = {split: replace(part, is_sample=True) for split, part in size.by_split.items()}
    return replace(size, by_split={**dict.fromkeys(may_be, unknown), **parts}, is_sample=True)


def _named(size: SourceSize, named: Sequence[HoldOutNames], splits: Splits) -> dict[str, SourceSize]:
    """By the stretches of an item, as if they were equally long. What names an unknown split is rejected."""
    counts = Counter[str]()
    for one in named:
        with suppress(Unusable):
            counts[splits.of(one)] += 1
    return {split: size.part(count / len(named)) for split, count in counts.items()}


def _expected(source: Source, size: SourceSize, splits: Splits) -> dict[str, SourceSize]:
    """Where only reading shows the names. Where the data may name splits too, how much there is of others is not known."""
    own, unknown = splits.own(""), SourceSize(items=size.items, unreadable=size.items)
    sizes: dict[str, SourceSize] = dict.fromkeys(SPLITS, unknown) if source.names_splits else {}
    if not splits.hold_out or own not in ("", "train"):
        return {**sizes, own or "train": size}
    share = splits.hold_out.share
    return {**sizes, "train": size.scaled(1 - share), "validation": size.scaled(share)}
