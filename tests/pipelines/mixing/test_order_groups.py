"""Groups of parts, and the samples of a group in their order."""

import pyarrow as pa
import pytest

from weft.pipelines.mixing.order_groups import FEWEST, LENGTHS, layout_of


def sizes(*lengths: int) -> pa.Table:
    """A part with a sample of each length, in bytes of its JSON."""
    return pa.table({name: pa.array(lengths if name == LENGTHS[0] else [0] * len(lengths)) for name in LENGTHS})


@pytest.mark.parametrize("parts", [1, FEWEST, FEWEST + 1, 100])
def test_every_part_is_in_one_group(parts: int) -> None:
    groups = layout_of(parts, [sizes(1 << 20)], tar_bytes=1e6).groups
    assert sorted(part for group in groups for part in group) == list(range(parts))
    assert all(group == sorted(group) for group in groups)


def test_a_new_group_takes_parts_from_one_other_alone() -> None:
    before, after = (layout_of(FEWEST * n, [sizes(1 << 20)], tar_bytes=1e6).groups for n in (2, 3))
    old = range(FEWEST * 2)
    assert sum(before[n] != [part for part in after[n] if part in old] for n in range(len(before))) == 1


def test_a_group_that_is_larger_than_a_tar_is_cut() -> None:
    assert layout_of(4, [sizes(1 << 20)], tar_bytes=1e9).buckets == 1
    assert layout_of(4, [sizes(1 << 20), sizes(1 << 20)], tar_bytes=1 << 20).buckets == 4
