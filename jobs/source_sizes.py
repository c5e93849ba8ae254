"""What a source holds, as sums over its items.

SourceSize(items=120000, read=1000, seconds=1.61e6, lengths={1: 90000, 2: 30000}, …).of_split("train")
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from weft.jobs.known_rejects import KnownRejects
from weft.jobs.speaker_supply import Speakers
from weft.jobs.turn_amounts import DialogueAmounts

Lengths = Mapping[int, float]
SAMPLES, SAMPLE_LENGTH = 200, 1000  # texts of one name that are kept to see how they are spelt, and characters of each


@dataclass(frozen=True, slots=True)
class SourceSize:
    """Sums over a source's items. `records` counts utterances or documents; `unreadable` counts audio whose header has no length,
    and `estimated` audio that may be longer than it declares.
    `rejects` is what the build is known to reject: its long transcripts are in no other sum but `items`.

    `read` items were opened; where these are fewer than all, it `is_sample` and its sums are scaled up. `lengths` counts
    recordings (dialogues) by their utterances (turns). `turns` are those of dialogues, `fields` the bytes of named texts.
    `speakers` counts items by speaker, where that was asked for and the listing names every speaker.
    `by_split` is the same of what lies in each split; empty where it was not asked for. Of documents `texts` are some, and
    `bytes_a_token` is how many bytes of them are a token on average, where that was measured. `samples` are some of the named texts,
    by name ("text" is a transcript or what a turn says), and `rates` the bytes a token of each name, where that was measured. Of each
    task so many records were `compared` with what it needs, of which `fits` may give it a sample; `by_task` is the same of these alone.
    """

    items: float = 0
    read: int = 0
    records: float = 0
    seconds: float = 0.0
    bytes: float = 0
    unreadable: float = 0
    estimated: float = 0
    rejects: KnownRejects = KnownRejects()
    lengths: Lengths = field(default_factory=dict)
    speakers: Speakers = field(default_factory=dict)
    turns: DialogueAmounts = DialogueAmounts()
    fields: Mapping[str, float] = field(default_factory=dict)
    by_split: Mapping[str, "SourceSize"] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    samples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    bytes_a_token: float | None = None
    compared: Mapping[str, float] = field(default_factory=dict)
    fits: Mapping[str, float] = field(default_factory=dict)
    by_task: Mapping[str, "SourceSize"] = field(default_factory=dict)
    is_sample: bool = False

    def __add__(self, other: "SourceSize") -> "SourceSize":
        return SourceSize(
            items=self.items + other.items, read=self.read + other.read, records=self.records + other.records,
            seconds=self.seconds + other.seconds, bytes=self.bytes + other.bytes,
            unreadable=self.unreadable + other.unreadable, estimated=self.estimated + other.estimated,
            rejects=self.rejects + other.rejects,
            lengths={n: self.lengths.get(n, 0) + other.lengths.get(n, 0) for n in (*self.lengths, *other.lengths)},
            turns=self.turns + other.turns,
            fields=_counts(self.fields, other.fields), by_split=_added(self.by_split, other.by_split),
            compared=_counts(self.compared, other.compared), fits=_counts(self.fits, other.fits),
            by_task=_added(self.by_task, other.by_task), samples=_some_of(self.samples, other.samples),
        )  # fmt: skip

    def scaled(self, by: float) -> "SourceSize":
        return SourceSize(
            items=self.items * by, read=self.read, records=self.records * by, seconds=self.seconds * by,
            bytes=self.bytes * by, unreadable=self.unreadable * by, estimated=self.estimated * by,
            rejects=self.rejects.scaled(by),
            lengths={length: count * by for length, count in self.lengths.items()},
            turns=self.turns.scaled(by), fields={name: length * by for name, length in self.fields.items()},
            by_split={split: size.scaled(by) for split, size in self.by_split.items()},
            compared={task: count * by for task, count in self.compared.items()},
            fits={task: count * by for task, count in self.fits.items()},
            by_task={task: size.scaled(by) for task, size in self.by_task.items()}, samples=self.samples,
        )  # fmt: skip

    def of_length(self, fewest: int) -> "SourceSize":
        """What recordings of at least so many utterances hold: `items` of them, and their utterances and seconds."""
        lengths = {length: count for length, count in self.lengths.items() if length >= fewest}
        records, all_records = (sum(n * count for n, count in some.items()) for some in (lengths, self.lengths))
        seconds = self.seconds * records / all_records if all_records else 0.0
        return replace(self, items=sum(lengths.values()), records=records, seconds=seconds, lengths=lengths)

    def part(self, share: float) -> "SourceSize":
        """A share of one recording."""
        if share == 1:
            return self
        lengths = {max(1, round(length * share)): count for length, count in self.lengths.items()}
        by_task = {task: size.part(share) for task, size in self.by_task.items()}
        return replace(
            self.scaled(share), items=self.items, unreadable=self.unreadable, lengths=lengths, by_task=by_task
        )

    def of_split(self, split: str) -> "SourceSize":
        """What lies in a split; all of it where splits were not asked for."""
        return self.by_split.get(split, SourceSize()) if self.by_split else self

    def fitting(self, task: str) -> "SourceSize":
        """What may give a task samples; all of it where that is not known."""
        if task not in self.by_task:
            return self
        return replace(self.by_task[task], is_sample=self.is_sample, bytes_a_token=self.bytes_a_token, rates=self.rates)

    def with_rates(self, bytes_a_token: float | None, rates: Mapping[str, float]) -> "SourceSize":
        """Of its documents, and of its named texts."""
        parts = {
            split: replace(part, bytes_a_token=bytes_a_token, rates=rates) for split, part in self.by_split.items()
        }
        return replace(self, bytes_a_token=bytes_a_token, rates=rates, by_split=parts)

    @property
    def readable(self) -> float:
        """The share of items whose length is known."""
        return 1 - self.unreadable / self.items if self.items else 1.0


def _counts(some: Mapping[str, float], others: Mapping[str, float]) -> dict[str, float]:
    """The sums by name."""
    return {name: some.get(name, 0) + others.get(name, 0) for name in (*some, *others)}


def _some_of(some: Mapping[str, tuple[str, ...]], others: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The first texts of each name; of a name that has enough of them the same tuple. Items are read in the order of a hash, so the
    first ones are as good as others.
    """
    return {
        name: first if len(first := some.get(name, ())) == SAMPLES else (*first, *others.get(name, ()))[:SAMPLES]
        for name in (*some, *others)
    }


def samples_of(texts: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The beginnings of some texts of each name."""
    return {name: tuple(text[:SAMPLE_LENGTH] for text in some_of(all_of, SAMPLES)) for name, all_of in texts.items()}


def some_of(texts: Sequence[str], most: int) -> list[str]:
    """At most so many, from all over them and always the same: texts of one kind often stand together in a file."""
    return Random(len(texts)).sample(texts, min(most, len(texts)))


def _added(some: Mapping[str, SourceSize], others: Mapping[str, SourceSize]) -> dict[str, SourceSize]:
    """The sums by split."""
    none = SourceSize()
    return {split: some.get(split, none) + others.get(split, none) for split in (*some, *others)}
