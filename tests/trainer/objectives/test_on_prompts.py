"""GRPO's and PPO's losses and gradients equal those that plain torch gives from the ids of replies alone: one reply at a time, without
masks, padding, micro-batches or the figures of a batch.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from tests.trainer.toys import END, FILES, VOCABULARY, prompt
from weft.schemas.training import ModelSettings, TrainingStage
from weft.trainer.model import build
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Objective, micro_rows
from weft.trainer.objectives.factory import ObjectiveInputs, objective_of
from weft.trainer.prompts import PromptBatch
from weft.trainer.rewards.length import Reward as Length
from weft.trainer.stream import Batch, StreamState

CPU = torch.device("cpu")
PROMPTS = ([2, 3], [4, 5, 6, 7, 8], [9], [10, 11, 12])
REWARD = Length(of="reply", least=1, most=5)
TEMPERATURE, CLIP, NEW_TOKENS = 0.8, 0.1, 6
SHARED = {
    "prompts": 4, "rewards": ["length"], "kl": 0.3, "clip": CLIP, "sampling": {"new_tokens": NEW_TOKENS, "temperature": TEMPERATURE},
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A stage at the loss of an update: the networks of its start, when the replies were drawn, and now."""

    objective: Objective
    start: Network
    drawn: Network
    now: Network
    batch: Batch

    def replies(self, each: int) -> Iterator[tuple[list[int], int, float]]:
        """The ids of each prompt with its reply, where the reply begins, and its reward."""
        for row, padded in enumerate(self.batch.ids_BT.tolist()):
            asked = PROMPTS[row // each]
            begin = len(asked)
            reply = padded[begin:][:NEW_TOKENS]
            reply = reply[: reply.index(END) + 1] if END in reply else reply
            assert padded[:begin] == asked
            yield asked + reply, begin, float(1 <= len(reply) - (reply[-1] == END) <= 5)


@pytest.fixture
def make_case(llama: dict[str, object], make_prompt_stage: Callable[..., TrainingStage]) -> Callable[..., Case]:
    def make(**settings: object) -> Case:
        network = Network(build(ModelSettings(config=llama), 48, 0)).eval()
        given = ObjectiveInputs(files=FILES, rewards=(REWARD,))
        objective = objective_of(make_prompt_stage({**SHARED, **settings}), VOCABULARY, given)
        objective.begin(network)
        start = copy.deepcopy(network)
        moved(network, 100)
        with torch.no_grad():  # so that some replies end
            network.lm.get_output_embeddings().weight[END] *= 8
        drawn = copy.deepcopy(network)
        asked = tuple(prompt(ids, position=place) for place, ids in enumerate(PROMPTS))
        batch = next(
            iter(objective.batches(network, PromptBatch(prompts=asked, tasks=("ask",), after=StreamState(step=1))))
        )
        moved(network, 200)
        return Case(objective=objective, start=start, drawn=drawn, now=network, batch=batch)

    return make


def moved(network: Network, seed: int) -> None:
    with torch.no_grad():
        for number, weight in enumerate(network.parameters()):
            weight += 0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(seed + number))


def chances(network: Network, ids: list[int], begin: int) -> Tensor:
    """The log-probability of each token from `begin` on."""
    scores_TV = (network.lm(input_ids=torch.tensor([ids])).logits[0] / TEMPERATURE).log_softmax(-1)
    return torch.stack([scores_TV[t - 1, ids[t]] for t in range(begin, len(ids))])


def critic_of(network: Network, ids: list[int], begin: int) -> Tensor:
    """The critic's estimate before each token from `begin` on."""
    critic = network.critic
    assert critic is not None
    embedded = network.lm.get_input_embeddings()(torch.tensor([ids])).detach()
    hidden_TE = critic.body(inputs_embeds=embedded).last_hidden_state[0]
    return torch.stack([critic.score(hidden_TE[t - 1]) for t in range(begin, len(ids))])


def surrogate(new: Tensor, old: Tensor, advantages: Tensor | float) -> Tensor:
    ratio = (new - old).exp()
    return -torch.minimum(ratio * advantages, ratio.clamp(1 - CLIP, 1 + CLIP) * advantages)


def assert_equal(case: Case, by_hand: list[Tensor]) -> None:
    """The loss and its gradient, of the batch in many micro-batches."""
    weights = list(case.now.parameters())
    expected = torch.stack(by_hand).mean()
    losses = [case.objective.loss(case.now, rows, 1)[0] for rows in micro_rows(case.batch, CPU, tokens=24)]
    loss = sum(losses, torch.zeros(())) / case.objective.units(case.batch)
    assert 1 < len(losses) < len(by_hand)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)
    pairs = zip(torch.autograd.grad(loss, weights), torch.autograd.grad(expected, weights), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)


def test_grpo(make_case: Callable[..., Case]) -> None:
    case = make_case(use="grpo", group=4)
    replies = list(case.replies(each=4))
    rewards_PG = torch.tensor([reward for *_, reward in replies]).view(4, 4)
    spread_P = ((rewards_PG - rewards_PG.mean(1, keepdim=True)) ** 2).sum(1).div(3).sqrt()
    assert (spread_P > 0).sum() > 1 and len({len(ids) - begin for ids, begin, _ in replies}) > 2
    by_hand = []
    for number, (ids, begin, reward) in enumerate(replies):
        group = number // 4
        advantage = (reward - rewards_PG[group].mean()) / (spread_P[group] + 1e-4)
        new = chances(case.now, ids, begin)
        old, reference = (chances(network, ids, begin).detach() for network in (case.drawn, case.start))
        kl = (reference - new).exp() - (reference - new) - 1
        by_hand.append((surrogate(new, old, float(advantage)) + 0.3 * kl).mean())
    assert_equal(case, by_hand)


def test_ppo(make_case: Callable[..., Case]) -> None:
    case = make_case(use="ppo", gamma=0.9, gae_lambda=0.8)
    made = []
    for ids, begin, reward in case.replies(each=1):
        old, reference = (chances(network, ids, begin).detach() for network in (case.drawn, case.start))
        rewards = -0.3 * (old - reference)
        rewards[-1] += reward
        before = critic_of(case.drawn, ids, begin).detach()
        made.append((ids, begin, old, before, estimates(rewards.tolist(), before.tolist())))
    together = torch.cat([advantages for *_, advantages in made])
    by_hand = []
    for ids, begin, old, before, advantages in made:
        returns = advantages + before
        white = (advantages - together.mean()) / (together.var(correction=0) + 1e-8).sqrt()
        values = critic_of(case.now, ids, begin)
        near = before + (values - before).clamp(-CLIP, CLIP)
        errors = torch.maximum((values - returns) ** 2, (near - returns) ** 2) / 2
        by_hand.append((surrogate(chances(case.now, ids, begin), old, white) + errors).mean())
    assert_equal(case, by_hand)


def estimates(rewards: list[float], values: list[float]) -> Tensor:
    """Generalised advantage estimates as the mean over lengths k of k-step returns, with weights (1 - λ) λ^(k - 1)."""
    count, gamma, smoothing = len(rewards), 0.9, 0.8
    made = []
    for t in range(count):
        ahead = [
            sum(gamma**n * rewards[t + n] for n in range(k)) + (gamma**k * values[t + k] if t + k < count else 0.0)
            for k in range(1, count - t + 1)
        ]
        weights = [(1 - smoothing) * smoothing**n for n in range(len(ahead) - 1)]
        weights.append(smoothing ** (len(ahead) - 1))  # all longer ones are the whole reply
        made.append(sum(w * value for w, value in zip(weights, ahead, strict=True)) - values[t])
    return torch.tensor(made)
