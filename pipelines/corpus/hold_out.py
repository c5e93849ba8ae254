"""Checks over the listing, before anything is read, that a declared share holds somebody out and leaves somebody.

The work `pipelines/parts/hold_out_work.py` makes the same check over what was read.
"""

from collections.abc import Mapping

from weft.pipelines.corpus.listing import listed
from weft.pipelines.parts.hold_out_work import Space
from weft.pipelines.parts.splits import Tally
from weft.pipelines.sources.base import Source


def check_listing(space: Space, sources: Mapping[str, Source]) -> None:
    """Raises SplitError where the listing shows that a share selects nobody or everybody. Reads only until it shows neither."""
    tally = Tally(space.hold_out)
    for source, splits in space.splits.items():
        for item in listed(source, sources[source]):
            named = sources[source].named(item, splits)
            if named is None:
                return  # only reading shows its names; HoldOutWork checks them
            for name in (name for one in named for name in splits.candidates(one)):
                tally.add(name, splits.selects(name))
            if tally.selects_some_not_all:
                return
    tally.check(space.where)
