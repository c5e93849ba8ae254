"""A reward model prefers what pairs of its kind preferred, also in pairs that it never had; it is of use to nothing else."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainer.toys import END, FILES, VOCABULARY, prompt, reply
from weft.schemas.objectives import RewardModel
from weft.schemas.training import ModelSettings, TrainingStage
from weft.trainer import losses
from weft.trainer.loader import DrawReader
from weft.trainer.merging import merge
from weft.trainer.model import build
from weft.trainer.models.network import Network
from weft.trainer.models.starting import starting
from weft.trainer.objectives.base import rows_of
from weft.trainer.objectives.reward import RewardObjective, scores_at_ends
from weft.trainer.reward_model import RewardScorer, load_reward_model
from weft.trainer.stream import BatchStream, StreamState
from weft.trainer.train import Result, train

CPU = torch.device("cpu")
GOOD, BAD = 5, 6


def pair(*words: int, good: int = GOOD, bad: int = BAD) -> tuple:
    """A prompt with an answer that has the word 5, and one that has 6 there."""
    chosen, rejected = [*words, words[0], good, END], [*words, bad, words[0], END]
    begin = len(words)
    return ("pairs", chosen + rejected, (begin, begin + 3, 2 * begin + 3, 2 * begin + 6), (len(chosen),))


PAIRS = [pair(2 + n % 3, 7 + n % 12) for n in range(36)]
HELD_OUT = [pair(3 + n % 2, 7 + n % 12, 19 - n % 12) for n in range(12)]  # longer prompts than any before


@pytest.fixture
def network(llama: dict[str, object]) -> Network:
    return Network(build(ModelSettings(config=llama), 48, 0))


def batch(folder: Path) -> object:
    return next(BatchStream(DrawReader(folder), 32, 12).batches(StreamState()))


def test_the_loss_is_bradley_and_terrys(network: Network, make_shards: Callable[..., Path]) -> None:
    made = batch(make_shards(PAIRS[:5]))
    objective = RewardObjective(dtype="float32")
    objective.begin(network)
    rows = rows_of(made, slice(None), CPU)  # type: ignore[arg-type]
    loss, sums = objective.loss(network, rows, 1)
    assert loss.item() == pytest.approx(5 * math.log(2)) and sums.metrics["accuracy"].tolist() == [0]
    network.score.projection.weight.data.normal_(generator=torch.Generator().manual_seed(0))  # type: ignore[union-attr]
    alone = []
    for _, ids, _, (bound,) in PAIRS[:5]:
        for document in (ids[:bound], ids[bound:]):
            hidden = network.lm(input_ids=torch.tensor([document]), output_hidden_states=True).hidden_states[-1]
            alone.append(network.score(hidden[0, -1]).item())  # type: ignore[misc]
    assert scores_at_ends(network, rows).tolist() == pytest.approx(alone, abs=1e-5)
    margins = np.array(alone[::2]) - np.array(alone[1::2])
    loss, sums = objective.loss(network, rows, 1)
    assert loss.item() == pytest.approx(np.log1p(np.exp(-margins)).sum(), rel=1e-4)
    assert (sums.counts.tolist(), objective.units(made)) == ([5], 5)  # type: ignore[arg-type]


@pytest.fixture
def trained(make_stage: Callable[..., TrainingStage], make_shards: Callable[..., Path], tmp_path: Path) -> Result:
    stage = make_stage(checkpoint_every=100).model_copy(update={"objective": RewardModel(use="reward")})
    shards = make_shards(PAIRS * 8)
    return train(shards, tmp_path / "run", stage, VOCABULARY, "", 0, False, lambda _: None, files=FILES)


def test_pairs_that_it_never_had_come_out_right(
    trained: Result, make_shards: Callable[..., Path], make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    network = load_reward_model(trained.checkpoint, VOCABULARY, CPU)
    rows = rows_of(batch(make_shards(HELD_OUT, name="held-out")), slice(None), CPU)  # type: ignore[arg-type]
    _, sums = RewardObjective(dtype="float32").loss(network, rows, 1)
    assert sums.metrics["accuracy"] / sums.counts == [1.0]
    assert [row for row in losses.read(tmp_path / "run") if row.task == "all"][-1].metrics["accuracy"] == 1
    scorer = RewardScorer(network=network, dtype="float32", forward_tokens=8)
    replies = [replace(reply([3, word]), prompt=prompt([3, 8, 9])) for word in (GOOD, BAD)]
    good, bad = scorer(replies)
    assert good > bad + 1
    assert scorer(replies[:1]) == pytest.approx([good], abs=1e-5)
    longer = replace(reply([3, 9, 9, BAD]), prompt=prompt([3, 8, 9, 10]))
    together = replace(scorer, forward_tokens=100)([replies[0], longer])  # the first row is padded
    assert together == pytest.approx([good, *scorer([longer])], abs=1e-5)
    cut = replace(replies[0], ids=np.append(replies[0].ids, 17), end=None)
    assert scorer([replace(replies[0], end=17)]) == scorer([cut]) != pytest.approx([good], abs=1e-5)


def test_it_is_of_use_to_nothing_else(
    trained: Result, make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="is a reward model, which gives scores and no text: start from another"):
        starting(make_stage(), VOCABULARY, 0, trained.checkpoint)
    with pytest.raises(ValueError, match="is a reward model, which gives scores and no text: it cannot be merged"):
        merge({trained.checkpoint: 1.0}, tmp_path / "merged")


def test_a_reward_model_of_another_vocabulary_is_refused(trained: Result) -> None:
    other = replace(VOCABULARY, text_fingerprint="another")
    (trained.checkpoint / "vocabulary.json").write_text(other.to_json())
    with pytest.raises(ValueError, match="was trained with another vocabulary"):
        load_reward_model(trained.checkpoint, VOCABULARY, CPU)
    assert load_reward_model(trained.checkpoint, other, CPU).score is not None


def test_a_checkpoint_without_a_score_is_no_reward_model(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no reward model: it has no score"):
        load_reward_model(tmp_path, VOCABULARY, CPU)
