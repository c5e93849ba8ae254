"""How fast the HuBERT tokenizer is beside its model alone, and clips together beside one by one; ids must not differ.

The model is the embedded one, trained for a few steps on the same speech, so that the ids that bfloat16 changes are a trained model's.
"""

import tempfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch

from weft.benchmarks.support.common import Figure, alone, alternate, seconds
from weft.benchmarks.support.labelled import espeak
from weft.pipelines.audio.sound import RATE
from weft.schemas.ledger import Unusable
from weft.tokenizers.evaluation import metrics
from weft.tokenizers.features.windows import Windowing, batches
from weft.tokenizers.hubert import PADDING, Tokenizer, normalised
from weft.tokenizers.models import layers
from weft.tokenizers.stream import Speech, Stream
from weft.tokenizers.training.hubert import HubertTraining

TITLE = "tokenizers: speed, two threads"
CLIPS, SHORTEST, LONGEST = 120, 2.0, 20.0  # seconds
THREADS = 2  # as a build gives a tokenizer
WHOLE = 120  # seconds, encoded at once and in windows
TRAINING = HubertTraining(steps=100, swaps=30)


def measure(folder: Path) -> list[Figure]:
    torch.set_num_threads(THREADS)
    return list(_hubert())


def trained(speech: list[Speech]) -> tuple[Tokenizer, Tokenizer]:
    """One in float32, and the same in bfloat16."""
    tokenizer, half = Tokenizer(training=TRAINING), Tokenizer(training=TRAINING, dtype="bfloat16")
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.train(speech, Path(folder), seed=1)
        half.load(Path(folder))
    return tokenizer, half


def stretches(long: np.ndarray) -> list[Speech]:
    """Of 2 to 20 s."""
    rng = np.random.default_rng(1)
    lengths = (rng.uniform(SHORTEST, LONGEST, CLIPS) * RATE).astype(int)
    return [Speech(long[at : at + n]) for n, at in ((n, int(rng.integers(len(long) - n))) for n in lengths)]


def _hubert() -> Iterator[Figure]:
    spoken = [Speech(one.samples, speaker=one.speaker) for one in espeak()]
    tokenizer, half = trained(spoken)
    long = np.concatenate([one.samples for one in spoken])
    speech = stretches(long)
    rows = [normalised(one.samples) for one in speech]
    model, grid = tokenizer._ready()
    windowing = Windowing(hop=grid.hop, batch=tokenizer.batch, padding=PADDING)
    windows = [w for n, row in enumerate(rows) for w in windowing.windows(n, len(row))]
    parts = [
        [rows[w.clip][w.start : w.end] for w in batch] for batch in batches(windows, tokenizer.batch * RATE, PADDING)
    ]

    def forwards() -> None:
        for part in parts:
            list(layers.frames(model, grid, part))

    def together() -> list[Stream | Unusable]:
        return list(tokenizer.encode_all(speech))

    def single() -> list[Stream]:
        return [tokenizer.encode(one) for one in speech]

    forwards()
    pair = alternate(together, forwards, 3)
    yield Figure(
        name="hubert: model alone / tokenizer", value=100 / pair.ratio, unit="% of the time", limit=90.0, at_least=True
    )
    padded = sum(max(map(len, part)) * len(part) for part in parts)
    yield Figure(name="hubert: padding", value=100 * (1 - sum(map(len, rows)) / padded), unit="%", limit=2.0)
    yield Figure(
        name="hubert: one by one / together",
        value=alternate(single, together, 3).ratio,
        unit="x",
        limit=3.0,
        at_least=True,
    )
    yield Figure("hubert, two threads", sum(map(len, rows)) / RATE / pair.first, "x real time")
    features = np.concatenate(tokenizer.features([one.samples for one in speech]))
    assert tokenizer._quantizer
    share = 100 * seconds(partial(tokenizer._quantizer.codes, features)) / pair.first
    yield Figure(name="hubert: nearest centroids", value=share, unit="% of the time", limit=5.0)
    streams = together()
    codes = [one.ids for one in streams if isinstance(one, Stream)]
    yield Figure("hubert: as many codes in use as (perplexity)", metrics.usage(codes, len(long) / RATE).perplexity, "")
    yield Figure(
        name="hubert: ids that differ alone and together", value=_apart(single(), streams), unit="%", limit=0.005
    )
    yield Figure(
        name="hubert: ids that differ in windows of 30 s",
        value=_cut(tokenizer, long[: WHOLE * RATE]),
        unit="%",
        limit=0.005,
    )
    faster = alternate(together, lambda: list(half.encode_all(speech)), 3).ratio
    yield Figure("hubert: float32 / bfloat16", faster, "x of the time")
    yield Figure("hubert: ids that differ in bfloat16", _apart(streams, half.encode_all(speech)), "%")


def _apart(one: Iterable[Stream | Unusable], two: Iterable[Stream | Unusable]) -> float:
    """The share of frames whose ids differ, in percent."""
    pairs = [(a, b) for a, b in zip(one, two, strict=True) if isinstance(a, Stream) and isinstance(b, Stream)]
    differ = sum(int((a.frames != b.frames).sum()) for a, b in pairs)
    return 100 * differ / sum(len(a.frames) for a, _ in pairs)


def _cut(tokenizer: Tokenizer, long: np.ndarray) -> float:
    """The share of ids that differ between samples in windows and at once, in percent."""
    (model, grid), quantizer = tokenizer._ready(), tokenizer._quantizer
    assert quantizer is not None
    (whole,) = layers.frames(model, grid, [normalised(long)])
    return 100 * float(np.mean(tokenizer.encode(Speech(long)).frames != quantizer.codes(whole)))


if __name__ == "__main__":
    alone(TITLE, measure)
