"""Who keeps a mixture declared in seconds: weft's planner beside webdataset's RandomMix and datasets' interleave.

Two sources are declared 50/50 in seconds: 1,500 clips of 2-4 s and 500 of 6-8 s (recipes.md §6). Shown is the share of
seconds that the first gets. The peers draw samples with equal odds, as their users write it; RandomMix is shown both
stopping with the source that ends first and running to the end of all data (`longest=True`).
"""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from datasets import Dataset, interleave_datasets
from webdataset import RandomMix

from weft.benchmarks.support.common import Figure, alone, scratch
from weft.benchmarks.support.composed import STAGE, counted, stage
from weft.pipelines.mixing.order import Order, write_order
from weft.pipelines.mixing.plan import plan
from weft.pipelines.mixing.plan_files import plan_files, read_leaves
from weft.pipelines.mixing.plan_request import PlanRequest
from weft.pipelines.parts.tables import part_name, write_table
from weft.pipelines.storage.footer import Footer
from weft.pipelines.storage.store import Store
from weft.schemas.plan import node_of

DECLARED = 0.5
WEFT = "weft's planner"
TITLE = "mixture: share of seconds of a source declared at 50 % (peers draw samples with equal odds)"
Clips = dict[str, list[float]]
DrawSequence = list[tuple[str, float]]  # source and seconds, draw by draw


def measure(folder: Path) -> list[Figure]:
    lengths = clips()
    shares = {name: _share(sequence) for name, sequence in streams(folder, lengths).items()}
    figures = [Figure(name, 100 * share, "% of seconds") for name, share in shares.items()]
    sample = 8.0 / sum(map(sum, lengths.values()))  # the longest clip that can be, of all the seconds
    difference = 100 * abs(shares[WEFT] - DECLARED)
    return [
        *figures,
        Figure(name="weft differs by", value=difference, unit="% (one sample allowed)", limit=round(100 * sample, 3)),
    ]


def streams(folder: Path, clips: Clips) -> dict[str, DrawSequence]:
    """What each draws, in order."""
    return {
        WEFT: _weft(folder, clips),
        "webdataset RandomMix": _random_mix(clips, longest=False),
        "webdataset RandomMix, longest": _random_mix(clips, longest=True),
        "datasets.interleave_datasets": _interleave(clips),
    }


def clips() -> Clips:
    draw = np.random.default_rng(1)
    return {"short": draw.uniform(2, 4, 1500).tolist(), "long": draw.uniform(6, 8, 500).tolist()}


def _share(sequence: DrawSequence) -> float:
    return sum(s for name, s in sequence if name == "short") / sum(s for _, s in sequence)


def _weft(folder: Path, clips: Clips) -> DrawSequence:
    with scratch(folder / "mixture") as place:
        store = Store(str(place))
        for name, seconds in clips.items():
            node = node_of(name, 0, "made")
            write_table(store, part_name(node, 0), counted(np.asarray(seconds)), Footer("made", "made"))
            write_order(store, node, 1, 1e9, {}, node.rpartition("/")[2])
        declared = stage(1e6, dict.fromkeys(clips, DECLARED), unit="seconds")
        plan(store, PlanRequest(STAGE, declared, {(name, "made"): 1 for name in clips}), {})
        return [(str(row["task"]), row["seconds"]) for row in _draws(store)]


def _draws(store: Store) -> Iterator[dict[str, Any]]:
    """Task and seconds of each draw, from the order of its leaf's samples."""
    leaves = read_leaves(store, STAGE)
    rest = {
        leaf.number: iter(Order(store, node_of(leaf.task, 0, "made")).group(0, ["microseconds"])[0].to_pylist())
        for leaf in leaves
    }
    for number in pq.read_table(store.path(plan_files(STAGE).draws))["leaf"].to_pylist():
        yield {"task": leaves[number].task, "seconds": next(rest[number]) / 1e6}


def _random_mix(clips: Clips, longest: bool) -> DrawSequence:
    random.seed(1)
    sources = [[(name, s) for s in lengths] for name, lengths in clips.items()]
    return list(RandomMix(sources, probs=[DECLARED, DECLARED], longest=longest))


def _interleave(clips: Clips) -> DrawSequence:
    sources = [Dataset.from_dict({"name": [n] * len(s), "seconds": s}) for n, s in clips.items()]
    mixed = interleave_datasets(sources, probabilities=[DECLARED, DECLARED], seed=1)
    return [(row["name"], row["seconds"]) for row in mixed]


if __name__ == "__main__":
    alone(TITLE, measure)
