"""The loss is the plain cross entropy of every sample alone, over the tokens that count and no others."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from weft.schemas.training import ModelSettings
from weft.trainer.loader import DrawReader
from weft.trainer.model import build
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Sums, rows_of
from weft.trainer.objectives.next_token import next_token
from weft.trainer.stream import BatchStream, StreamState


def test_nats_equal_those_of_samples_one_by_one(
    make_shards: Callable[..., Path], samples: list, llama: dict[str, object]
) -> None:
    cut = [s[1][:9] for s in samples[:20]]
    short = [
        ("up", ids, tuple(min(bound, len(ids)) for bound in (2, 4, 5, 9))) if n % 2 else ("down", ids, (0, 3))
        for n, ids in enumerate(cut)
    ]
    model = Network(build(ModelSettings(config=llama), 48, 0))
    batch = next(BatchStream(DrawReader(make_shards(short)), 16, 64).batches(StreamState()))
    loss, sums = next_token(model, rows_of(batch, slice(None), torch.device("cpu")), len(batch.tasks))
    nats, counts = dict.fromkeys(batch.tasks, 0.0), dict.fromkeys(batch.tasks, 0)
    with torch.no_grad():
        for task, ids, bounds in short:
            scores = model.lm(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
            for begin, end in zip(bounds[::2], bounds[1::2], strict=True):
                for t in range(max(begin, 1), end):
                    nats[task] -= float(scores[t - 1, ids[t]])
                    counts[task] += 1
    assert sums.counts.tolist() == [counts[t] for t in batch.tasks]
    assert sums.nats == pytest.approx([nats[t] for t in batch.tasks], rel=1e-5)
    assert loss.item() == pytest.approx(sum(nats.values()), rel=1e-5)
    assert batch.counted == sum(counts.values())


def test_micro_batches_add_up_to_the_batch(
    make_shards: Callable[..., Path], samples: list, llama: dict[str, object]
) -> None:
    model = Network(build(ModelSettings(config=llama), 48, 0))
    batch = next(BatchStream(DrawReader(make_shards(samples)), 16, 6).batches(StreamState()))
    cpu = torch.device("cpu")
    whole, sums = next_token(model, rows_of(batch, slice(None), cpu), len(batch.tasks))
    parts = [next_token(model, rows_of(batch, slice(n, n + 2), cpu), len(batch.tasks)) for n in (0, 2, 4)]
    together = sum((part for _, part in parts), Sums.none(len(batch.tasks)))
    assert np.array_equal(together.counts, sums.counts)
    assert together.nats == pytest.approx(sums.nats, rel=1e-6)
    grads = torch.autograd.grad(whole, list(model.parameters()))
    added = torch.autograd.grad(sum(loss for loss, _ in parts), list(model.parameters()))
    for one, other in zip(grads, added, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_only_targets_have_a_gradient(make_shards: Callable[..., Path], llama: dict[str, object]) -> None:
    """With token 3 the only target, what comes after it changes nothing."""
    model = Network(build(ModelSettings(config=llama), 48, 0))
    cpu = torch.device("cpu")
    losses = []
    for tail in (5, 6):
        draws = DrawReader(make_shards([("up", [1, 2, 3, 4, tail], (3, 4))]))
        loss, sums = next_token(
            model, rows_of(next(BatchStream(draws, 16, 1).batches(StreamState())), slice(None), cpu), 1
        )
        losses.append(loss.item())
        assert sums.counts.tolist() == [1]
    assert losses == [losses[0]] * 2
