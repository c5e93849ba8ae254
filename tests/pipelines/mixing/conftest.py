"""The stream that a plan describes, read back through the orders it refers to."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from weft.pipelines.mixing.order import Order
from weft.pipelines.mixing.plan_files import plan_files, read_leaves, read_tars, rows_of
from weft.pipelines.storage.store import Store
from weft.schemas.plan import Ordered
from weft.schemas.table import arrow_schema

DrawRows = list[dict[str, Any]]


@pytest.fixture
def drawn(store: Store) -> Callable[..., DrawRows]:
    """Every draw of a planned stage: task, source, pass_number, tar, row in its order, and the columns of that order."""

    def read(name: str = "pre") -> DrawRows:
        leaves = read_leaves(store, name)
        samples: dict[int, DrawRows] = defaultdict(list)
        for tar in read_tars(store, name):
            order = Order(store, tar.node)
            table = order.group(tar.group, arrow_schema(Ordered).names)
            rows = rows_of(store, name, tar)
            for row, sample in zip(rows, table.take(rows - order.begins()[tar.group]).to_pylist(), strict=True):
                place = {
                    "task": tar.task,
                    "source": tar.source,
                    "pass_number": tar.pass_number,
                    "tar": tar.name,
                    "place": int(row),
                }
                samples[tar.leaf].append({**place, **sample})
        streams = {leaf.number: iter(samples[leaf.number]) for leaf in leaves}
        numbers = pq.read_table(store.path(plan_files(name).draws))["leaf"].to_pylist()
        draws = [next(streams[number]) for number in numbers]
        assert all(next(rest, None) is None for rest in streams.values()), "a tar holds what is not drawn"
        return draws

    return read
