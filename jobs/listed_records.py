"""What a listing says of the records that the build will make of an item.

listed_records(source, item, segmenter, seconds=20.0)   ->   [Facts(has_text=True, stretch=Supervision(0.0, 1.5, "so")), …]
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from weft.pipelines.segmenters.base import Segmenter, SpeakerSpan
from weft.pipelines.segmenters.common.supervisions import fitted
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Supervision
from weft.schemas.facts import Facts, facts_of_labels
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
    stretches = [one.stretch for one in facts if one.stretch]
    return [*_cut(segmenter, stretches, seconds)] if stretches else facts


def is_placed(records: Sequence[Facts] | None) -> bool:
    """Whether they are stretches of a recording, with their places."""
    return any(one.stretch for one in records or ())


def _cut(segmenter: Segmenter, stretches: Sequence[Supervision], seconds: float) -> Iterator[Facts]:
    """As `pipelines.segment` does it: what has neither a transcript nor fields is merged and cut like detected speech, by split."""
    spans: dict[str, list[SpeakerSpan]] = {}
    for stretch in stretches:
        with suppress(Unusable):
            within = fitted(segmenter, seconds, stretch)
            if within.text or within.fields:
                yield facts_of_labels(within, is_stretch=True)
            else:
                span = SpeakerSpan(start=within.start, end=within.end, speaker=within.speaker)
                spans.setdefault(within.split, []).append(span)
    for split, some in spans.items():
        for one in segmenter.utterances(some):
            bare = Supervision(start=one.start, end=one.end, speaker=one.speaker, split=split)
            yield facts_of_labels(bare, is_stretch=True)
