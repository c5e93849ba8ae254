"""How fast the HuBERT tokenizer is beside its model alone, and clips together beside one by one; ids must not differ.

The model is the embedded one's shape with random weights: its speed is that of any. It uses few of its codes, so the shares of ids that
bfloat16 and windows change are lower than a trained model's.
"""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

from weft.benchmarks.alignment.labelled import espeak
from weft.benchmarks.common import Figure, alone, alternate, seconds
from weft.pipelines.sound import RATE
from weft.tokenizers import kmeans, layers
from weft.tokenizers.hubert import PADDING, Tokenizer, normalised
from weft.tokenizers.hubert_training import Training
from weft.tokenizers.mel_hubert import MelHubert, small_config
from weft.tokenizers.stream import Speech, Stream
from weft.tokenizers.windows import Hearing, batches

TITLE = "tokenizers: speed, two threads"
CLIPS, SHORTEST, LONGEST = 120, 2.0, 20.0  # seconds


def measure(folder: Path) -> list[Figure]:
    return list(_hubert())


def tokenizer(folder: Path, **settings: object) -> Tokenizer:
    """Of random weights and centroids."""
    torch.manual_seed(0)
    shape = Training()
    config = small_config(shape.hidden, shape.layers, shape.heads, hop=640)
    MelHubert(config).eval().save_pretrained(folder / "given")
    np.save(folder / "km.npy", np.random.default_rng(0).normal(0, 1, (100, shape.hidden)))
    made = Tokenizer(model=str(folder / "given"), codebook=str(folder / "km.npy"), layer=shape.layers, **settings)
    made.train([], folder / "made", seed=1)
    return made


def _hubert() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        made, half = tokenizer(Path(folder)), tokenizer(Path(folder), dtype="bfloat16")
    rng = np.random.default_rng(1)
    lengths = (rng.uniform(SHORTEST, LONGEST, CLIPS) * RATE).astype(int)
    speech = [Speech(rng.normal(0, 0.1, n).astype(np.float32)) for n in lengths]
    rows = [normalised(one.samples) for one in speech]
    model, grid = made._ready()
    hearing = Hearing(grid.hop, made.batch, PADDING)
    windows = [w for n, row in enumerate(rows) for w in hearing.windows(n, len(row))]
    parts = [[rows[w.clip][w.start : w.end] for w in batch] for batch in batches(windows, made.batch * RATE, PADDING)]

    def forwards() -> None:
        for part in parts:
            list(layers.frames(model, grid, part))

    def together() -> list[Stream | ValueError]:
        return list(made.encode_all(speech))

    def single() -> list[Stream]:
        return [made.encode(one) for one in speech]

    forwards()
    pair = alternate(together, forwards, 3)
    yield Figure("hubert: model alone / tokenizer", 100 / pair.ratio, "% of the time", 90.0, True)
    padded = sum(max(map(len, part)) * len(part) for part in parts)
    yield Figure("hubert: padding", 100 * (1 - sum(map(len, rows)) / padded), "%", 2.0)
    yield Figure("hubert: one by one / together", alternate(single, together, 3).ratio, "x", 3.0, True)
    yield Figure("hubert, two threads", float(lengths.sum()) / RATE / pair.first, "x real time")
    features = np.concatenate(made.features([one.samples for one in speech]))
    centroids = np.random.default_rng(0).normal(0, 1, (100, features.shape[1])).astype(np.float32)
    share = 100 * seconds(lambda: kmeans.assign(features, centroids)) / pair.first
    yield Figure("hubert: nearest centroids", share, "% of the time", 5.0)
    yield Figure("hubert: ids that differ alone and together", _apart(single(), together()), "%", 0.005)
    faster = alternate(together, lambda: list(half.encode_all(speech)), 3).ratio
    yield Figure("hubert: float32 / bfloat16", faster, "x of the time")
    said = [Speech(one.samples) for one in espeak()]
    yield Figure("hubert: ids that differ in bfloat16", _apart(made.encode_all(said), half.encode_all(said)), "%")
    yield Figure(
        "hubert: ids that differ in windows of 30 s", _cut(made, np.concatenate([s.samples for s in said])), "%"
    )


def _apart(one: Iterable[Stream | ValueError], two: Iterable[Stream | ValueError]) -> float:
    """The share of frames whose ids differ, in percent."""
    pairs = [(a, b) for a, b in zip(one, two, strict=True) if isinstance(a, Stream) and isinstance(b, Stream)]
    differ = sum(int((a.frames != b.frames).sum()) for a, b in pairs)
    return 100 * differ / sum(len(a.frames) for a, _ in pairs)


def _cut(made: Tokenizer, long: np.ndarray) -> float:
    """Of two minutes in windows beside the same at once."""
    (model, grid), rows = made._ready(), [normalised(long[: 120 * RATE])]
    quantizer = made._quantizer
    assert quantizer is not None

    def codes(hearing: Hearing) -> np.ndarray:
        return quantizer.codes(hearing.frames(rows, lambda some: layers.frames(model, grid, some))[0])

    whole = Hearing(grid.hop, made.batch, PADDING, window=1000.0)
    return 100 * float(np.mean(codes(Hearing(grid.hop, made.batch, PADDING)) != codes(whole)))


if __name__ == "__main__":
    alone(TITLE, measure)
