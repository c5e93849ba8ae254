"""Composed samples of the benchmarks: no two of a source have one place, as in a corpus without repeated keys."""

from pathlib import Path

import numpy as np
import pytest

from weft.benchmarks.support import composed
from weft.pipelines.mixing.order import Order, write_order
from weft.pipelines.parts.tables import part_name
from weft.pipelines.storage.store import Store
from weft.schemas.plan import node_of


def test_parts_with_the_same_members_hold_no_repeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composed, "DISTINCT", 2)
    monkeypatch.setattr(composed, "PART", 20)
    store = Store(str(tmp_path))
    composed.write_parts(store, ("speech",), 5, 1e9)
    assert repeats(store, node_of("speech", 0, "made")) == [0] * 100


def test_parts_of_counts_alone_hold_no_repeats(tmp_path: Path) -> None:
    store, node = Store(str(tmp_path)), node_of("speech", 0, "made")
    for part in range(3):
        composed.write_composed(store, part_name(node, part), composed.counted(np.full(20, 4.0), part))
    write_order(store, node, 3, 1e9, {}, "made")
    assert repeats(store, node) == [0] * 60


def repeats(store: Store, node: str) -> list[int]:
    return list(Order(store, node).group(0, ["repeat"])["repeat"].to_pylist())
