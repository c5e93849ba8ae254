"""The speakers of a task's sources, as far as the listings name them, and how much they may supply where each is bounded (`most`).

speaker_supply(pipeline, due, most, {"read": 3600.0}, counts)   ->   SpeakerSupply(demand=SpeakerDemand(names=13, …), allowed=15600.0)
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from math import fsum

from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.shortfall import SpeakerDemand
from weft.pipelines.parts.splits import Splits
from weft.pipelines.sources.base import Source
from weft.schemas.item import Item
from weft.schemas.ledger import Unusable
from weft.schemas.splits import HoldOut
from weft.schemas.text import Dialogue

Speakers = Mapping[str, int]  # items by speaker; empty where only reading the data shows the speakers

_BY_SPEAKER = Splits(
    hold_out=HoldOut(speakers=0.5)
)  # with it, `named` returns speakers, or None where only reading shows them


@dataclass(frozen=True, slots=True)
class SpeakerSupply:
    """The demand of a task's speakers, and the most they may supply: an estimate in the mixture's unit."""

    demand: SpeakerDemand
    allowed: float


class SpeakerCount:
    """Counts the speakers of a source, item by item. `by_split` is empty unless every item names its speakers."""

    def __init__(self, source: Source, splits: Splits) -> None:
        self._source, self._splits = source, splits
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._complete = source.makes is not Dialogue or bool(
            source.speakers
        )  # without `speakers` a role is another voice in each dialogue

    def add(self, item: Item) -> None:
        if not self._complete:
            return
        named = self._source.named(item, _BY_SPEAKER.model_copy(update={"shared": self._splits.shared}))
        self._complete = named is not None and all(speaker for one in named for speaker in one.speakers)
        for one in named or ():
            with suppress(Unusable):  # the name of an unknown split
                self._counts[self._splits.of(one)].update(one.speakers)

    @property
    def by_split(self) -> Mapping[str, Speakers]:
        return self._counts if self._complete else {}


@dataclass(frozen=True, slots=True)
class Due:
    """What a task, or one of its sources, must supply: `share` of the task's whole amount, in the `passes` left (mixture's unit)."""

    task: str
    source: str
    share: Fraction
    whole: float
    passes: float


def speaker_supply(
    pipeline: Pipeline, due: Due, most: float, amounts: Mapping[str, float], speakers: Mapping[str, Speakers]
) -> SpeakerSupply | None:  # fmt: skip
    """`amounts` estimate what one pass over each source supplies. None where not all speakers are known."""
    if not all(speakers.get(source) and amount for source, amount in amounts.items()):
        return None
    held = {source: _held(pipeline, source, amount, speakers[source]) for source, amount in amounts.items()}
    whole: dict[str, float] = defaultdict(float)
    for name, amount in (of for mine in held.values() for of in mine.items()):
        whole[name] += amount
    mine = held[due.source] if due.source else whole
    parts = {name: amount / whole[name] for name, amount in mine.items()}
    bound = Fraction(str(most))
    demand = SpeakerDemand(
        path=f"{due.task}/{due.source}" if due.source else due.task, task=due.task, most=bound, share=due.share,
        together=bound * Fraction(fsum(parts.values())), names=len(mine),
    )  # fmt: skip
    allowed = (min(most * due.whole * parts[name], due.passes * amount) for name, amount in mine.items())
    return SpeakerSupply(demand=demand, allowed=sum(allowed))


def _held(pipeline: Pipeline, source: str, amount: float, speakers: Speakers) -> dict[str, float]:
    """What one pass over a source supplies of each speaker, by `space/name`, if all items are equally long."""
    space, times = pipeline.speaker_spaces[source], sum(speakers.values())
    return {f"{space}/{name}": amount * count / times for name, count in speakers.items()}
