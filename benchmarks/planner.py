"""The planner over 10 million draws: wall time and peak memory, in a process of its own.

Four tasks declared in tokens, with samples of unlike lengths, in composed parts of a thousand. No peer plans exactly,
so the figures stand against fixed limits. Beside the planner's error, over the same samples, stands that of the
field's practice: each draw's task at random by its weight, with the declared shares as weights, and with those weights
divided by the task's mean length.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from weft.benchmarks.common import Figure, alone, in_child, scratch, seconds
from weft.benchmarks.composed import PART, STAGE, counted, stage
from weft.pipelines.mixing.plan import plan, plan_names
from weft.pipelines.parts import Stamp, part_name, write_table
from weft.pipelines.store import Store
from weft.schemas.plan import Block

DRAWS = 10_000_000
DISTINCT = 20  # parts of a task with rows of their own; the others are links to them, each read like any part
TITLE = f"planner: {DRAWS:,} draws of four tasks declared in tokens"
# task: declared share, and mean and spread of its samples' seconds
TASKS = {"speech": (0.25, 8.0, 2.0), "words": (0.25, 8.0, 2.0), "tts": (0.2, 9.0, 3.0), "text": (0.3, 20.0, 8.0)}
SHARES = {task: share for task, (share, _, _) in TASKS.items()}


def measure(folder: Path) -> list[Figure]:
    with scratch(folder / "planner") as place:
        store = Store(str(place))
        blocks = _parts(store)
        total = _tokens(store, blocks)
        (wall, draws), memory = in_child(_plan, str(place), blocks, total)
        weft = _weft(store, total)
    plain, corrected = _drawn_at_random(False), _drawn_at_random(True)
    return [
        Figure("draws planned", draws, "draws", 0.99 * DRAWS, at_least=True),
        Figure("wall time", wall, "s", 60),
        Figure("peak memory", memory / 1e9, "GB", 4),
        Figure("weft: worst share error, whole stage", weft, "percentage points", 0.001),
        Figure("random draws by declared share", plain, "percentage points"),
        Figure("random draws by share / mean length", corrected, "percentage points"),
    ]


def _lengths(task: str, part: int) -> np.ndarray:
    _, mean, spread = TASKS[task]
    draw = np.random.default_rng([part, *task.encode()])
    return np.clip(draw.normal(mean, spread, PART), 1.0, 30.0)


def _parts(store: Store) -> list[Block]:
    """Enough parts of each task for its share of the draws, and a fiftieth more."""
    per_draw = {task: share / mean for task, (share, mean, _) in TASKS.items()}
    blocks = []
    for task, rate in per_draw.items():
        count = int(1.02 * DRAWS * rate / sum(per_draw.values()) / PART) + 1
        for part in range(count):
            blocks.append(Block(task, 0, "made", part))
            _write(store, blocks[-1])
    return blocks


def _write(store: Store, block: Block) -> None:
    name = part_name(block.node, block.part)
    if block.part < DISTINCT:
        write_table(store, name, counted(_lengths(block.task, block.part)), Stamp("made", "made"))
    else:
        os.link(store.path(part_name(block.node, block.part % DISTINCT)), store.path(name))


def _tokens(store: Store, blocks: list[Block]) -> float:
    """Tokens of DRAWS draws when each task keeps its share."""
    sizes = {task: np.concatenate([_lengths(task, p) for p in range(DISTINCT)]).mean() * 25 for task in TASKS}
    return round(DRAWS / sum(share / sizes[task] for task, share in SHARES.items()))


def _plan(url: str, blocks: list[Block], total: float) -> tuple[float, int]:
    drawn: list[int] = []
    wall = seconds(lambda: drawn.append(plan(Store(url), STAGE, stage(total, SHARES), blocks, 1e9, 1, "made")))
    return wall, drawn[0]


def _weft(store: Store, total: float) -> float:
    got = np.zeros(len(TASKS))
    for table in _tables(store):
        got += np.bincount(table["task"].to_numpy(), table["tokens"].to_numpy(), len(TASKS))
    assert got.sum() >= total
    return _worst(got)


def _tables(store: Store) -> Iterator[pa.RecordBatch]:
    with store.open(plan_names(STAGE)[0]) as file:
        yield from pq.ParquetFile(file).iter_batches(columns=["task", "tokens"])


def _worst(got: np.ndarray) -> float:
    return 100 * float(np.abs(got / got.sum() - list(SHARES.values())).max())


def _drawn_at_random(corrected: bool) -> float:
    """The error of as many independent draws."""
    draw = np.random.default_rng(1)
    tokens = [np.rint(25 * np.concatenate([_lengths(task, p) for p in range(DISTINCT)])) for task in TASKS]
    odds = np.array([s / (t.mean() if corrected else 1) for s, t in zip(SHARES.values(), tokens, strict=True)])
    counts = draw.multinomial(DRAWS, odds / odds.sum())
    return _worst(np.array([draw.choice(t, n).sum() for t, n in zip(tokens, counts, strict=True)]))


if __name__ == "__main__":
    alone(TITLE, measure)
