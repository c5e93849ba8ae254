"""Why a tar is written again: which of its samples changed, are new or are gone, and whether the data or the plan changed.

tar_changes(store, "pretrain", planned)  ->  ["2 of its 412 samples changed"], ["plan/pretrain takes 30 more samples of it"]
"""

from collections.abc import Iterator

import numpy as np

from weft.pipelines.mixing.order import Order
from weft.pipelines.mixing.shards import contents_of, rows_name, tar_name
from weft.pipelines.parts.tables import part_name, read_table
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.counting import are, counted
from weft.schemas.plan import Tar

SampleChecksums = dict[str, int]  # the checksum of each by its key, in the order of the tar


def tar_changes(store: Store, stage: str, planned: Tar) -> list[str]:
    """A phrase for each reason; none where the samples are the same or the old rows damaged. Raises FileNotFoundError."""
    try:
        table = read_table(store, rows_name(tar_name(stage, planned)), ["key", "crc"])
    except Damaged:
        return []
    old = dict(zip(table["key"].to_pylist(), table["crc"].to_pylist(), strict=True))
    return [*_phrases(store, stage, planned, old=old, new=_planned(store, stage, planned))]


def _phrases(store: Store, stage: str, planned: Tar, old: SampleChecksums, new: SampleChecksums) -> Iterator[str]:
    of = f"of its {counted(len(old), 'sample')}"
    changed = sum(new.get(key, crc) != crc for key, crc in old.items())
    if changed:
        yield f"{changed:,} {of} changed"
    left = old.keys() - new.keys()
    if gone := len(left - _composed(store, planned) if left else left):
        yield f"{gone:,} {of} {are(gone)} gone from {planned.node}"
    came = [key for key in new if key not in old]
    further = _at_the_end(list(new), old)
    if inserted := len(came) - further:
        yield f"{counted(inserted, 'sample')} {are(inserted)} new in {planned.node}"
    if further:
        yield f"plan/{stage} takes {counted(further, 'more sample')} of it"
    if fewer := len(left) - gone:
        yield f"plan/{stage} takes {counted(fewer, 'sample')} fewer of it"


def _at_the_end(keys: list[str], old: SampleChecksums) -> int:
    """The number of samples behind the last old one: a longer plan continues where the old one ended."""
    return next((n for n, key in enumerate(reversed(keys)) if key in old), 0)


def _planned(store: Store, stage: str, planned: Tar) -> SampleChecksums:
    """The samples that the present plan puts into the tar."""
    contents, samples = contents_of(store, stage, planned), dict[int, tuple[str, int]]()
    for part in np.unique(contents.part).tolist():
        where = np.flatnonzero(contents.part == part)
        table = read_table(store, part_name(planned.node, part), ["key", "crc"]).take(contents.row[where])
        samples |= dict(
            zip(where.tolist(), zip(table["key"].to_pylist(), table["crc"].to_pylist(), strict=True), strict=True)
        )
    return dict(samples[place] for place in sorted(samples))


def _composed(store: Store, planned: Tar) -> set[str]:
    """The keys of all samples that are composed in the parts of the tar's group."""
    parts = Order(store, planned.node).group(planned.group, ["part"])["part"].unique().to_pylist()
    return {
        key for part in parts for key in read_table(store, part_name(planned.node, part), ["key"])["key"].to_pylist()
    }
