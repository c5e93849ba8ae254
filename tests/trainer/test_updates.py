"""The first update from its parts: the gradient of the mean loss of a token, clipped, and AdamW with each group's rate and decay."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.models.starting import starting
from weft.trainer.train import train

RATES = {"lm": None, "embeddings": 5e-3, "head": 2e-2}
SAMPLES = [("up", list(range(n + 1, n + 9)), (0, 8) if n % 2 else (2, 5)) for n in range(20)]  # four blocks of two
SAMPLES[3] = ("down", [9, 8, 7, 6, 5], (1, 3))


@pytest.fixture
def stage(make_stage: Callable[..., TrainingStage]) -> Callable[..., TrainingStage]:
    def make(**optimiser: float) -> TrainingStage:
        made = make_stage(steps=1, betas=(0.8, 0.9), **optimiser)
        return made.model_copy(update={"trainable": RATES, "forward_tokens": 16})

    return make


@pytest.fixture
def go(make_shards: Callable[..., Path], vocabulary: Vocabulary, tmp_path: Path) -> Callable[..., Path]:
    def go(stage: TrainingStage) -> Path:
        shards = make_shards(SAMPLES)
        return train(shards, tmp_path / "run", stage, vocabulary, "", 0, False, lambda _: None).checkpoint

    return go


def gradients(stage: TrainingStage, vocabulary: Vocabulary) -> dict[str, Tensor]:
    """Those of the mean over the counted tokens of the first eight samples, one sample at a time."""
    lm = starting(stage, vocabulary, 0).lm.eval()
    nats = []
    for _, ids, (begin, end) in SAMPLES[:8]:
        scores = lm(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        nats += [-scores[t - 1, ids[t]] for t in range(max(begin, 1), end)]
    names, weights = zip(*lm.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(torch.stack(nats).mean(), weights), strict=True))


@pytest.mark.parametrize("clip", [0.0, 0.5])
def test_the_gradient_is_that_of_the_mean_and_is_clipped(
    stage: Callable[..., TrainingStage], go: Callable[..., Path], vocabulary: Vocabulary, clip: float
) -> None:
    expected = gradients(stage(), vocabulary)
    norm = math.sqrt(sum(float(gradient.square().sum()) for gradient in expected.values()))
    assert norm > 1
    moments = load_file(go(stage(clip=clip)) / "optimiser.safetensors")
    for name, gradient in expected.items():
        scaled = gradient * (clip / norm if clip else 1.0)
        torch.testing.assert_close(moments[f"lm.{name}/exp_avg"], 0.2 * scaled, rtol=1e-3, atol=1e-6)


def test_groups_have_their_rates_and_matrices_alone_decay(
    stage: Callable[..., TrainingStage], go: Callable[..., Path], vocabulary: Vocabulary
) -> None:
    started = dict(starting(stage(), vocabulary, 0).lm.named_parameters())
    folder = go(stage(weight_decay=0.3))
    ended, moments = load_file(folder / "model.safetensors"), load_file(folder / "optimiser.safetensors")
    rates = {"model.embed_tokens.weight": 5e-3, "lm_head.weight": 2e-2}
    for name, weight in started.items():
        rate = rates.get(name, 1e-2)  # the optimiser's
        first, second = moments[f"lm.{name}/exp_avg"] / (1 - 0.8), moments[f"lm.{name}/exp_avg_sq"] / (1 - 0.9)
        kept = weight.detach() * (1 - rate * 0.3 if weight.ndim > 1 else 1.0)
        torch.testing.assert_close(ended[name], kept - rate * first / (second.sqrt() + 1e-8), rtol=1e-5, atol=1e-7)
