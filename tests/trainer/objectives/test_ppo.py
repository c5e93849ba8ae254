"""PPO's advantages and losses are those of the papers; it moves the length of replies; its critic has a rate of its own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.trainer.toys import FILES, VOCABULARY, prompt
from weft.schemas.training import ModelSettings, TrainingStage
from weft.trainer import losses
from weft.trainer.merging import merge
from weft.trainer.model import build
from weft.trainer.models.groups import groups_of
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import rows_of
from weft.trainer.objectives.factory import ObjectiveInputs, objective_of
from weft.trainer.objectives.log_probs import token_log_probs
from weft.trainer.objectives.ppo import PpoObjective, advantages, expected, whitened
from weft.trainer.prompts import PromptBatch
from weft.trainer.rewards.length import Reward as Length
from weft.trainer.stream import StreamState
from weft.trainer.train import train

SHORT = Length(of="reply", least=0, most=2)
SETTINGS = {
    "use": "ppo", "prompts": 16, "rewards": [{"use": "length", "of": "reply", "least": 0, "most": 2}], "kl": 0.01, "epochs": 2,
    "sampling": {"new_tokens": 8},
}  # fmt: skip
CPU = torch.device("cpu")


def test_advantages_are_sums_of_discounted_changes() -> None:
    """By eq. 16 of Schulman et al. 2016, written out."""
    rewards = np.array([[0, 0.1, -0.2, 1.0, 0], [0, 0, 0, 0.5, 0.3]])
    values = np.array([[0, 0.3, 0.2, 0.6, 0], [0, 0, 0, 0.1, 0.9]])
    targets = values != 0
    made = advantages(rewards, values, targets, gamma=0.9, smoothing=0.8)
    for row, (begin, end) in enumerate(((1, 4), (3, 5))):
        after = [*values[row, begin + 1 : end], 0.0]
        changes = [rewards[row, begin + t] + 0.9 * after[t] - values[row, begin + t] for t in range(end - begin)]
        for t in range(end - begin):
            assert made[row, begin + t] == pytest.approx(
                sum((0.9 * 0.8) ** k * change for k, change in enumerate(changes[t:]))
            )
    assert not made[~targets].any()


def test_whitened_values_have_mean_0_and_variance_1() -> None:
    values, targets = np.array([[1.0, 2.0, 9.0], [4.0, 5.0, 9.0]]), np.array([[1, 1, 0], [1, 1, 0]], bool)
    made = whitened(values, targets)
    assert made[targets].mean() == pytest.approx(0, abs=1e-6) and made[targets].var() == pytest.approx(1, abs=1e-4)
    assert not made[~targets].any()


@pytest.fixture
def network(llama: dict[str, object]) -> Network:
    return Network(build(ModelSettings(config=llama), 48, 0)).eval()


def test_the_loss_is_that_of_the_paper(network: Network, make_prompt_stage: Callable[..., TrainingStage]) -> None:
    stage = make_prompt_stage({**SETTINGS, "kl": 0.3, "clip": 0.1, "gamma": 0.9, "gae_lambda": 0.8})
    objective = objective_of(stage, VOCABULARY, ObjectiveInputs(files=FILES, rewards=(SHORT,)))
    assert isinstance(objective, PpoObjective)
    objective.begin(network)
    assert network.critic is not None and not network.critic.score.projection.weight.any()
    for number, weight in enumerate(network.parameters()):
        weight.data += 0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(number))
    asked = PromptBatch(
        prompts=(prompt([2, 3]), prompt([4, 5, 6], position=1)), tasks=("ask",), after=StreamState(step=1)
    )
    batch, again = objective.batches(network, asked)  # two epochs on the same replies
    assert batch is again
    figures, targets = batch.figures, batch.loss_mask_BT
    rewards = -0.3 * (figures["old"] - figures["reference"])
    for row, loss_mask_T in enumerate(targets):
        rewards[row, np.flatnonzero(loss_mask_T)[-1]] += figures["reward"][row]
    made = advantages(rewards, figures["expected"], targets, 0.9, 0.8)
    assert figures["returns"] == pytest.approx(made + figures["expected"])
    assert figures["advantages"] == pytest.approx(whitened(made, targets))
    for number, weight in enumerate(network.parameters()):
        weight.data += 0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(99 + number))
    rows = rows_of(batch, slice(None), CPU)
    loss, sums = objective.loss(network, rows, 1)
    new = token_log_probs(network, rows, 1.0).detach().numpy().astype(float)
    values = expected(network, rows).detach().numpy().astype(float)
    ratio = np.exp(new - figures["old"])
    surrogate = np.minimum(ratio * figures["advantages"], np.clip(ratio, 0.9, 1.1) * figures["advantages"])
    near = figures["expected"] + np.clip(values - figures["expected"], -0.1, 0.1)
    errors = 0.5 * np.maximum((values - figures["returns"]) ** 2, (near - figures["returns"]) ** 2)
    each = [(errors - surrogate)[row][targets[row]].mean() for row in range(2)]
    assert loss.item() == pytest.approx(sum(each), rel=1e-4) and sums.counts.tolist() == [2]


def test_without_kl_the_rewards_are_those_of_the_replies(
    network: Network, make_prompt_stage: Callable[..., TrainingStage]
) -> None:
    objective = objective_of(
        make_prompt_stage({**SETTINGS, "kl": 0.0}), VOCABULARY, ObjectiveInputs(files=FILES, rewards=(SHORT,))
    )
    objective.begin(network)
    asked = PromptBatch(prompts=(prompt([2, 3]),), tasks=("ask",), after=StreamState(step=1))
    batch = next(iter(objective.batches(network, asked)))
    assert "reference" not in batch.figures
    last = np.flatnonzero(batch.loss_mask_BT[0])[-1]
    rewards = np.zeros(batch.loss_mask_BT.shape)
    rewards[0, last] = batch.figures["reward"][0]
    made = advantages(rewards, batch.figures["expected"], batch.loss_mask_BT, 1.0, 0.95)
    assert batch.figures["returns"] == pytest.approx(made + batch.figures["expected"])
    loss, sums = objective.loss(network, rows_of(batch, slice(None), CPU), 1)
    assert torch.isfinite(loss) and "kl" not in sums.metrics


def test_the_critic_learns_by_itself(network: Network, make_prompt_stage: Callable[..., TrainingStage]) -> None:
    """It expects before each token what the state before it says, and its error moves no weight of the policy."""
    objective = objective_of(make_prompt_stage(SETTINGS), VOCABULARY, ObjectiveInputs(files=FILES, rewards=(SHORT,)))
    objective.begin(network)
    critic = network.critic
    assert critic is not None
    critic.score.projection.weight.data.normal_(generator=torch.Generator().manual_seed(0))
    asked = PromptBatch(prompts=(prompt([2, 3]),), tasks=("ask",), after=StreamState(step=1))
    batch = next(iter(objective.batches(network, asked)))
    rows = rows_of(batch, slice(None), CPU)
    values = expected(network, rows)
    assert not values[0, :2].any() and values[0, 2:].all()
    hidden = network.states(rows.ids_BT, rows.positions_BT, rows.documents_BT)  # the critic is still a copy of the LM
    torch.testing.assert_close(values[0, 2:], critic.score(hidden)[0, 1:-1])
    values.sum().backward()
    groups = groups_of(network)
    assert {name for name, weights in groups.items() if any(w.grad is not None for w in weights.values())} == {"critic"}
    assert "critic" in groups and not any("embed" in name for name in groups["critic"])


def test_the_length_moves_where_the_reward_says(
    make_prompt_stage: Callable[..., TrainingStage], make_shards: Callable[..., Path], tmp_path: Path
) -> None:
    stage = make_prompt_stage(SETTINGS, trainable={"lm": None, "embeddings": None, "head": None, "critic": 2e-2})
    samples = [("ask", [4 + n % 16, 4 + n // 16 % 16], ()) for n in range(16 * 25)]
    result = train(
        make_shards(samples), tmp_path / "run", stage, VOCABULARY, "", 0, False, lambda _: None, files=FILES, rewards=(SHORT,)
    )  # fmt: skip
    rows = [row for row in losses.read(tmp_path / "run") if row.task == "all"]
    first, last = (
        {name: np.mean([row.metrics[name] for row in five]) for name in ("length", "reward/length", "ended")}
        for five in (rows[:5], rows[-5:])
    )  # a step has sixteen replies: too few to look at one alone
    assert first["length"] > 6 and first["reward/length"] < 0.3
    assert last["length"] < 4 and last["reward/length"] > 0.6 and last["ended"] > 0.7
    assert rows[0].tokens == 16  # each reply counts once, in two epochs too
    assert "score.projection.weight" in load_file(result.checkpoint / "critic.safetensors")
    merged = merge({result.checkpoint: 1.0}, tmp_path / "merged")
    assert [file.name for file in merged.glob("*.safetensors")] == [
        "model.safetensors"
    ]  # no critic, which no stage takes
