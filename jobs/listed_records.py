"""What a listing says of the records that the build will make of an item.

listed_records(source, item, segmenter, seconds=20.0)   ->   [Facts(has_text=True, begin=0.0, end=1.5), …]
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from weft.pipelines.segmenters.base import Segmenter, SpeakerSpan
from weft.pipelines.segmenters.common.supervisions import fitted
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Field, Supervision
from weft.schemas.facts import Facts
from weft.schemas.item import Item
from weft.schemas.ledger import Unavailable, Unusable


def listed_records(source: Source, item: Item, segmenter: Segmenter, seconds: float) -> list[Facts] | None:
    """Of a recording of so many seconds (infinite where that is not known): the stretches that it will be cut to, or the whole of it,
    which may yet be cut; of a dialogue, one. None of what is rejected; None where the listing says nothing.
    """
    if not source.lists_facts:
        return None
    try:
        facts = list(source.facts_of(item, Store(".")))
    except Unavailable:
        return None
    return [*_cut(segmenter, facts, seconds)] if is_placed(facts) else facts


def is_placed(records: Sequence[Facts] | None) -> bool:
    """Whether they are stretches of a recording, with their places."""
    return any(one.end is not None for one in records or ())


def _cut(segmenter: Segmenter, stretches: Sequence[Facts], seconds: float) -> Iterator[Facts]:
    """As `pipelines.segment` does it: what has neither a transcript nor fields is merged and cut like detected speech, by split."""
    spans: dict[str, list[SpeakerSpan]] = {}
    for facts in stretches:
        with suppress(Unusable):
            within = fitted(segmenter, seconds, _supervision(facts))
            if within.text or within.fields:
                yield replace(facts, begin=within.start, end=within.end)
            else:
                span = SpeakerSpan(start=within.start, end=within.end, speaker=within.speaker)
                spans.setdefault(facts.split, []).append(span)
    for split, some in spans.items():
        bare = Facts(fields=frozenset(), has_text=False, split=split)
        for one in segmenter.utterances(some):
            yield replace(bare, begin=one.start, end=one.end, speaker=one.speaker)


def _supervision(facts: Facts) -> Supervision:
    """With stand-ins for its transcript and its fields."""
    return Supervision(
        start=facts.begin or 0.0, end=facts.end or 0.0, text="said" if facts.has_text else None, speaker=facts.speaker,
        fields=tuple(Field(name, "") for name in facts.fields or ()),
    )  # fmt: skip
