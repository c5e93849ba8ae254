"""Who keeps a mixture declared in seconds: weft's planner beside webdataset's RandomMix and datasets' interleave.

Two sources are declared 50/50 in seconds: 1,500 clips of 2-4 s and 500 of 6-8 s (recipes.md §6). Shown is the share of
seconds that the first gets. The peers draw samples with equal odds, as their users write it; RandomMix is shown both
stopping with the source that ends first and running to the end of all data (`longest=True`).
"""

import random
from pathlib import Path

import numpy as np
from datasets import Dataset, interleave_datasets
from webdataset import RandomMix

from weft.benchmarks.common import Figure, alone, scratch
from weft.benchmarks.composed import STAGE, counted, stage
from weft.pipelines.mixing.plan import plan, plan_names
from weft.pipelines.parts import Stamp, part_name, read_part, write_table
from weft.pipelines.store import Store
from weft.schemas.plan import Block, Draw

DECLARED = 0.5
WEFT = "weft's planner"
TITLE = "mixture: share of seconds of a source declared at 50 % (peers draw samples with equal odds)"
Clips = dict[str, list[float]]
Drawn = list[tuple[str, float]]  # source and seconds, draw by draw


def measure(folder: Path) -> list[Figure]:
    made = clips()
    shares = {name: _share(drawn) for name, drawn in streams(folder, made).items()}
    figures = [Figure(name, 100 * share, "% of seconds") for name, share in shares.items()]
    sample = 8.0 / sum(map(sum, made.values()))  # the longest clip that can be, of all the seconds
    astray = 100 * abs(shares[WEFT] - DECLARED)
    return [*figures, Figure("weft strays by", astray, "% (one sample allowed)", round(100 * sample, 3))]


def streams(folder: Path, clips: Clips) -> dict[str, Drawn]:
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


def _share(drawn: Drawn) -> float:
    return sum(s for name, s in drawn if name == "short") / sum(s for _, s in drawn)


def _weft(folder: Path, clips: Clips) -> Drawn:
    with scratch(folder / "mixture") as place:
        store = Store(str(place))
        blocks = [Block(name, 0, "made", 0) for name in clips]
        for block in blocks:
            write_table(store, part_name(block.node, 0), counted(np.asarray(clips[block.task])), Stamp("made", "made"))
        declared = stage(1e6, dict.fromkeys(clips, DECLARED), unit="seconds")
        plan(store, STAGE, declared, blocks, 1e9, 1, "made")
        draws = read_part(store, plan_names(STAGE)[0], Draw)
    return [(list(clips)[d.task], d.seconds) for d in draws]


def _random_mix(clips: Clips, longest: bool) -> Drawn:
    random.seed(1)
    sources = [[(name, s) for s in lengths] for name, lengths in clips.items()]
    return list(RandomMix(sources, probs=[DECLARED, DECLARED], longest=longest))


def _interleave(clips: Clips) -> Drawn:
    sources = [Dataset.from_dict({"name": [n] * len(s), "seconds": s}) for n, s in clips.items()]
    mixed = interleave_datasets(sources, probabilities=[DECLARED, DECLARED], seed=1)
    return [(row["name"], row["seconds"]) for row in mixed]


if __name__ == "__main__":
    alone(TITLE, measure)
