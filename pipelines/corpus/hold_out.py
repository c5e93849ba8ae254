"""Checks over the listing, before anything is read, that a declared share holds somebody out and leaves somebody.

The work `pipelines/parts/hold_out_work.py` makes the same check over what was read.
"""

from collections.abc import Mapping

from weft.pipelines.corpus.listing import listed
from weft.pipelines.parts.hold_out_work import Space
from weft.pipelines.parts.splits import Tally
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.base import Voice
from weft.schemas.item import Item
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.text import Dialogue


def check_listing(space: Space, sources: Mapping[str, Source], voice: Voice | None = None) -> None:
    """Raises SplitError where the listing shows that a share selects nobody or everybody. Reads only until it shows neither.

    What `voice` cannot speak of dialogues is no part of the data.
    """
    tally = Tally(space.hold_out)
    for source, splits in space.splits.items():
        for item in listed(source, sources[source]):
            named = sources[source].named(item, splits)
            if named is None:
                return  # only reading shows its names; HoldOutWork checks them
            if voice and not _is_spoken(sources[source], item, voice):
                continue
            for name in (name for one in named for name in splits.candidates(one)):
                tally.add(name, splits.selects(name))
            if tally.selects_some_not_all:
                return
    tally.check(space.where)


def _is_spoken(source: Source, item: Item, voice: Voice) -> bool:
    """False of dialogues that are rejected, for the voice cannot speak them. What has no names is rejected anyway."""
    if source.makes is not Dialogue:
        return True
    try:
        return all(voice.can_speak(one) for one in source.read(item, Store(".")) if isinstance(one, Dialogue))
    except (Unusable, Unavailable):
        return False
