"""trainer.loader.DrawReader beside webdataset's own reader, over the same shards, in one process.

weft yields each sample's ids as a tensor of its own, its task and the token bounds of its loss. webdataset yields the
ids (its decoder with np.load(allow_pickle=False)) and nothing else: task and loss lie in the sample's JSON, and reading
that too is a row of its own. The shards are those of `weft demo` where it ran here, else 20,000 composed samples.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import webdataset

from weft.benchmarks.support.common import Figure, alone, alternate, scratch, seconds
from weft.benchmarks.support.composed import STAGE, write_all
from weft.pipelines.storage.store import Store
from weft.trainer.loader import DrawReader
from weft.trainer.stream import BatchStream, StreamState

DEMO = Path("demo/corpus/shards/pretrain")
TASKS, PARTS, SHARD_BYTES = ("speech", "words"), 10, 2e7
AT_LEAST = 20_000  # samples an arm reads in a round
ROUNDS = 5
CONTEXT, BLOCKS = 2048, 8
TITLE = "loader: samples of the same shards in one process"


def measure(folder: Path) -> list[Figure]:
    if (DEMO / "index.parquet").exists():
        return _figures(DEMO)
    with scratch(folder / "loader") as place:
        write_all(Store(str(place)), TASKS, PARTS, SHARD_BYTES)
        return _figures(place / "shards" / STAGE)


def _figures(shards: Path) -> list[Figure]:
    passes = -(-AT_LEAST // len(DrawReader(shards)))
    count = passes * len(DrawReader(shards))
    assert _weft(shards) == _webdataset(shards, _ids_only), "the readers do not see the same samples"
    pair = alternate(_times(passes, _weft, shards), _times(passes, _webdataset, shards, _ids_only), ROUNDS)
    whole = alternate(_times(passes, _weft, shards), _times(passes, _webdataset, shards, _ids_and_json), ROUNDS - 2)
    tokens = _weft(shards) * passes
    wall = sorted(seconds(_times(passes, _batches, shards)) for _ in range(3))[1]
    return [
        Figure("weft, ids with task and loss", count / pair.first, "samples/s"),
        Figure("webdataset, ids alone", count / pair.second, "samples/s"),
        Figure(name="weft / webdataset", value=1 / pair.ratio, unit="x", limit=3.0, at_least=True),
        Figure("webdataset, ids and JSON", count / whole.second, "samples/s"),
        Figure("weft / webdataset with JSON", 1 / whole.ratio, "x"),
        Figure(f"packed batches of {BLOCKS} x {CONTEXT}", passes * _batches(shards) / wall, "batches/s"),
        Figure("packed", tokens / wall, "tokens/s"),
    ]


def _times(passes: int, read: Callable[..., int], *arguments: Any) -> Callable[[], None]:
    def run() -> None:
        for _ in range(passes):
            read(*arguments)

    return run


def _weft(shards: Path) -> int:
    """Reads all; returns the tokens."""
    tokens = 0
    for draw in DrawReader(shards).read():
        ids, _task, _loss = torch.from_numpy(draw.ids.copy()), draw.task, draw.loss
        tokens += len(ids)
    return tokens


def _webdataset(shards: Path, decode: Callable[[str, bytes], Any]) -> int:
    urls = [str(tar) for tar in sorted(shards.glob("*.tar"))]
    tokens = 0
    for read in webdataset.WebDataset(urls, shardshuffle=False, empty_check=False).decode(decode):
        tokens += len(torch.from_numpy(read["npy"]))
    return tokens


def _ids_only(key: str, data: bytes) -> Any:
    """webdataset asks of every member; JSON is handed on unread."""
    return np.load(io.BytesIO(data), allow_pickle=False) if key.endswith("npy") else data


def _ids_and_json(key: str, data: bytes) -> Any:
    return np.load(io.BytesIO(data), allow_pickle=False) if key.endswith("npy") else json.loads(data)


def _batches(shards: Path) -> int:
    """Packs the whole stream; returns the batches."""
    return sum(1 for _ in BatchStream(DrawReader(shards), CONTEXT, BLOCKS).batches(StreamState()))


if __name__ == "__main__":
    alone(TITLE, measure)
