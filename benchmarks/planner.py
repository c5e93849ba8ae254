"""The planner over 100 million draws of 50 sources in 8 tasks: wall time and peak memory, the order of every source included.

Shares are declared in tokens, samples have unlike lengths, composed parts hold a thousand. Orders are made by two processes, as
a build does, the plan by one. No peer plans exactly, so the figures stand against fixed limits. Beside the planner's error, over the
same samples, stands that of the field's practice: each draw's task at random by its weight, with the declared shares as
weights, and with those weights divided by the task's mean length.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import numpy as np

from weft.benchmarks.support.common import Figure, alone, in_child, processes, scratch, seconds
from weft.benchmarks.support.composed import PART, STAGE, counted, stage, write_composed
from weft.pipelines.mixing.order import Order, write_order
from weft.pipelines.mixing.plan import plan
from weft.pipelines.mixing.plan_files import read_tars, rows_of
from weft.pipelines.mixing.plan_request import PlanRequest
from weft.pipelines.parts.tables import part_name
from weft.pipelines.storage.store import Store
from weft.schemas.plan import node_of

DRAWS = 100_000_000
TITLE = f"planner: {DRAWS:,} draws of 50 sources in 8 tasks declared in tokens"
# task: declared share, sources, and mean and spread of its samples' seconds
TASKS = {
    "speech": (0.2, 10, 8.0, 2.0), "words": (0.2, 10, 8.0, 2.0), "tts": (0.1, 6, 9.0, 3.0), "asr": (0.1, 6, 9.0, 3.0),
    "text": (0.2, 6, 20.0, 8.0), "ratio": (0.1, 6, 8.0, 2.0), "chat": (0.05, 3, 12.0, 4.0), "s2st": (0.05, 3, 7.0, 2.0),
}  # fmt: skip
SHARES = {task: share for task, (share, *_) in TASKS.items()}
DISTINCT = 20  # parts of a task with lengths of their own; the others have these lengths at other places


def measure(folder: Path) -> list[Figure]:
    with scratch(folder / "planner") as place:
        store = Store(str(place))
        nodes = dict(_nodes())
        _in_two(_write, str(place), nodes)
        peaks: list[float] = []
        ordering = seconds(lambda: peaks.extend(_in_two(_order, str(place), nodes)))
        (planning, draws), memory = in_child(_plan, str(place), dict.fromkeys(nodes, 1), _tokens())
        error = _worst(_drawn(store))
    plain, corrected = _drawn_at_random(False), _drawn_at_random(True)
    return [
        Figure(name="draws planned", value=draws, unit="draws", limit=0.99 * DRAWS, at_least=True),
        Figure("orders of 50 sources, two processes", ordering, "s"),
        Figure("plan", planning, "s"),
        Figure(name="wall time of both", value=ordering + planning, unit="s", limit=300),
        Figure(name="peak memory", value=max(memory, *peaks) / 1e9, unit="GB", limit=4),
        Figure(name="weft: worst share error, whole stage", value=error, unit="percentage points", limit=0.001),
        Figure("random draws by declared share", plain, "percentage points"),
        Figure("random draws by share / mean length", corrected, "percentage points"),
    ]


def _nodes() -> Iterator[tuple[tuple[str, str], int]]:
    """Each source's composed parts: sources of a task hold 1, 2, 3, … parts of its samples, and a hundredth more than is drawn."""
    per_draw = {task: share / mean for task, (share, _, mean, _) in TASKS.items()}
    for task, (_, sources, *_) in TASKS.items():
        samples = 1.01 * DRAWS * per_draw[task] / sum(per_draw.values())
        for n in range(sources):
            yield (task, f"s{n}"), int(samples * (n + 1) / (sources * (sources + 1) / 2) / PART) + 2


@cache
def _lengths(task: str, part: int) -> np.ndarray:
    _, _, mean, spread = TASKS[task]
    draw = np.random.default_rng([part, *task.encode()])
    return np.clip(draw.normal(mean, spread, PART), 1.0, 30.0)


def _in_two(run: Callable[..., float], url: str, nodes: dict[tuple[str, str], int]) -> Sequence[float]:
    """Runs a function of the store, the source and its number of parts, for each source in two processes; returns its results."""
    largest = sorted(nodes.items(), key=lambda item: -item[1])
    with ProcessPoolExecutor(2, mp_context=processes) as pool:
        return list(pool.map(run, [url] * len(largest), *zip(*largest, strict=True)))


def _write(url: str, of: tuple[str, str], parts: int) -> float:
    """Composed parts, each with places of its own; returns their number."""
    store, node = Store(url), node_of(of[0], 0, of[1])
    for part in range(parts):
        write_composed(store, part_name(node, part), counted(_lengths(of[0], part % DISTINCT), part))
    return parts


def _order(url: str, of: tuple[str, str], parts: int) -> float:
    """The order of a source; returns the peak resident bytes of the process."""
    write_order(Store(url), node_of(of[0], 0, of[1]), parts, 1e9, {}, of[1])
    return getrusage(RUSAGE_SELF).ru_maxrss * 1024.0


def _tokens() -> float:
    """Tokens of DRAWS draws when each task keeps its share."""
    sizes = {task: np.concatenate([_lengths(task, p) for p in range(DISTINCT)]).mean() * 25 for task in TASKS}
    return round(DRAWS / sum(share / sizes[task] for task, share in SHARES.items()))


def _plan(url: str, passes: dict[tuple[str, str], int], total: float) -> tuple[float, int]:
    drawn: list[int] = []
    wall = seconds(lambda: drawn.append(plan(Store(url), PlanRequest(STAGE, stage(total, SHARES), passes), {})))
    return wall, drawn[0]


def _drawn(store: Store) -> np.ndarray:
    """Tokens of each task."""
    got = dict.fromkeys(TASKS, 0)
    for tar in read_tars(store, STAGE):
        order = Order(store, tar.node)
        rows = rows_of(store, STAGE, tar) - order.begins()[tar.group]
        got[tar.task] += int(order.group(tar.group, ["tokens"])["tokens"].to_numpy()[rows].sum())
    return np.asarray(list(got.values()), float)


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
