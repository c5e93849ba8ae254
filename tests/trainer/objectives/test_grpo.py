"""GRPO's loss is that of the paper, and it raises its reward on prompts that it never had."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.trainer.toys import FILES, VOCABULARY, prompt
from weft.schemas.training import ModelSettings, TrainingStage
from weft.trainer import losses
from weft.trainer.loader import DrawReader
from weft.trainer.model import build
from weft.trainer.models.network import Network
from weft.trainer.models.starting import starting
from weft.trainer.objectives.base import rows_of
from weft.trainer.objectives.factory import ObjectiveInputs, objective_of, practice_of
from weft.trainer.objectives.grpo import GrpoObjective, group_advantages
from weft.trainer.objectives.log_probs import token_log_probs
from weft.trainer.prompts import PromptBatch, PromptStream
from weft.trainer.rewards.base import Reward
from weft.trainer.rewards.label import Reward as Label
from weft.trainer.rewards.length import Reward as Length
from weft.trainer.stream import StreamState
from weft.trainer.train import StepReport, train

ASKED = [(noise, key) for noise in range(4, 20) for key in (2, 3)]  # the answer is w5 for key 2, w6 for key 3
HELD_OUT = ASKED[::5]


def forwards(monkeypatch: pytest.MonkeyPatch) -> list[Network]:
    """The networks that log-probabilities are taken of from now on."""
    run: list[Network] = []
    measured = token_log_probs

    def spied(network: Network, *rest: object) -> torch.Tensor:
        run.append(network)
        return measured(network, *rest)  # type: ignore[arg-type]

    for module in ("on_prompts", "grpo"):
        monkeypatch.setattr(f"weft.trainer.objectives.{module}.token_log_probs", spied)
    return run


def samples(asked: list[tuple[int, int]]) -> tuple[list, list[str]]:
    return [("ask", [noise, key], ()) for noise, key in asked], [f"w{key + 3}" for _, key in asked]


@pytest.fixture
def stage(make_prompt_stage: Callable[..., TrainingStage]) -> TrainingStage:
    return make_prompt_stage(
        {"use": "grpo", "prompts": 16, "group": 8, "rewards": ["label"], "kl": 0.0, "sampling": {"new_tokens": 1}}
    )


def test_advantages_are_relative_to_the_group() -> None:
    rewards = np.array([1.0, 0.0, 0.0, 1.0, 5.0, 5.0, 5.0, 5.0])
    spread = np.std([1, 0, 0, 1], ddof=1)
    assert group_advantages(rewards, 4) == pytest.approx(
        [0.5 / spread, -0.5 / spread, -0.5 / spread, 0.5 / spread, 0, 0, 0, 0], abs=1e-3
    )


def test_the_loss_is_that_of_the_paper(make_prompt_stage: Callable[..., TrainingStage], llama: dict) -> None:
    settings = {
        "use": "grpo", "prompts": 2, "group": 3, "rewards": [{"use": "length", "of": "reply", "most": 2}], "kl": 0.3, "clip": 0.1,
        "sampling": {"new_tokens": 6, "temperature": 0.8},
    }  # fmt: skip
    stage = make_prompt_stage(settings)
    network = Network(build(ModelSettings(config=llama), 48, 0)).eval()
    objective = objective_of(stage, VOCABULARY, ObjectiveInputs(files=FILES, rewards=(Length(of="reply", most=2),)))
    assert isinstance(objective, GrpoObjective)
    objective.begin(network)
    asked = PromptBatch(
        prompts=(prompt([2, 3]), prompt([4, 5, 6], position=1)), tasks=("ask",), after=StreamState(step=1)
    )
    (batch,) = objective.batches(network, asked)
    with torch.no_grad():
        for number, weight in enumerate(network.parameters()):
            weight += 0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(number))
    rows = rows_of(batch, slice(None), torch.device("cpu"))
    loss, sums = objective.loss(network, rows, 1)
    new = token_log_probs(network, rows, 0.8).detach().numpy().astype(float)
    old, reference, advantage = (batch.figures[name].astype(float) for name in ("old", "reference", "advantage"))
    assert old == pytest.approx(reference, abs=1e-4)  # at the stage's start
    ratio = np.exp(new - old)
    surrogate = np.minimum(ratio * advantage, np.clip(ratio, 0.9, 1.1) * advantage)
    kl = np.exp(reference - new) - (reference - new) - 1
    each = [(-surrogate + 0.3 * kl)[row][targets].mean() for row, targets in enumerate(batch.loss_mask_BT)]
    assert loss.item() == pytest.approx(sum(each), rel=1e-4)
    assert (objective.units(batch), sums.counts.tolist()) == (6, [6])
    assert sums.metrics["length"][0] == batch.loss_mask_BT.sum()


@pytest.mark.parametrize(("kl", "networks"), [(0.0, 1), (0.1, 2)])
def test_the_start_is_run_only_where_the_distance_from_it_counts(
    make_prompt_stage: Callable[..., TrainingStage], llama: dict, monkeypatch: pytest.MonkeyPatch, kl: float, networks: int
) -> None:  # fmt: skip
    settings = {"use": "grpo", "prompts": 1, "group": 2, "rewards": ["label"], "kl": kl, "sampling": {"new_tokens": 2}}
    network = Network(build(ModelSettings(config=llama), 48, 0)).eval()
    objective = objective_of(make_prompt_stage(settings), VOCABULARY, ObjectiveInputs(files=FILES, rewards=(Label(),)))
    run = forwards(monkeypatch)
    objective.begin(network)
    asked = PromptBatch(prompts=(prompt([2, 3]),), tasks=("ask",), after=StreamState(step=1))
    (batch,) = objective.batches(network, asked)
    _, sums = objective.loss(network, rows_of(batch, slice(None), torch.device("cpu")), 1)
    assert len({id(one) for one in run}) == networks
    assert ("kl" in sums.metrics) == (kl > 0)


def reward_of(network: Network, stage: TrainingStage, prompts: PromptStream, rewards: tuple[Reward, ...]) -> float:
    practice = practice_of(stage, stage.objective, VOCABULARY, ObjectiveInputs(files=FILES, rewards=rewards))  # type: ignore[arg-type]
    return practice.mean_rewards(network, list(prompts.prompts()))["reward"]


def test_it_raises_its_reward_on_prompts_that_it_never_had(
    stage: TrainingStage, make_shards: Callable[..., Path], tmp_path: Path
) -> None:
    made, answers = samples([one for one in ASKED if one not in HELD_OUT] * 15)
    shards = make_shards(made, answers=answers)
    held_out, right = samples(HELD_OUT * 10)
    asked = PromptStream(DrawReader(make_shards(held_out, name="held-out", answers=right)), 16)
    reported: list[StepReport] = []
    result = train(
        shards, tmp_path / "run", stage, VOCABULARY, "", 0, False, reported.append, files=FILES, rewards=(Label(),)
    )
    before, after = (starting(stage, VOCABULARY, 0, start) for start in (None, result.checkpoint))
    first, last = (reward_of(network, stage, asked, (Label(),)) for network in (before, after))
    assert first < 0.15 and last > 0.8
    rows = [row for row in losses.read(tmp_path / "run") if row.task == "all"]
    assert len(rows) == result.step == -(-len(made) // 16)
    assert rows[0].metrics["reward"] < 0.2 and rows[-1].metrics["reward"] > 0.8 and rows[0].tokens == 16 * 8
    assert rows[0].metrics.keys() == {
        "reward",
        "reward/label",
        "ended",
        "length",
        "clipped",
    }  # and no `kl`, which is 0 here
