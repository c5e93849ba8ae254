"""Replies to held-out prompts are rewarded the same each time, and training does not notice it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.trainer.test_train_prompts import ANSWERS, OBJECTIVES, PROMPTS, Constant
from tests.trainer.toys import FILES, VOCABULARY
from weft.schemas.training import TrainingStage
from weft.trainer import losses
from weft.trainer.finite import Diverged
from weft.trainer.models.starting import starting
from weft.trainer.objectives.factory import ObjectiveInputs, objective_of
from weft.trainer.prompt_validation import select_prompts
from weft.trainer.rewards.label import Reward as Label
from weft.trainer.rewards.length import Reward as Length
from weft.trainer.train import train


@pytest.fixture
def held_out(make_shards: Callable[..., Path]) -> Path:
    others = [("other", [1, 2], (0, 2))]
    return make_shards([*others, *PROMPTS], name="validation", split="validation", answers=["", *ANSWERS])


@pytest.fixture
def stage(make_prompt_stage: Callable[..., TrainingStage]) -> TrainingStage:
    made = make_prompt_stage(OBJECTIVES["grpo"])
    return made.model_copy(update={"validation": made.validation.model_copy(update={"every": 3, "samples": 5})})


def test_the_first_prompts_of_the_stage_are_taken(held_out: Path, stage: TrainingStage) -> None:
    chosen = select_prompts(held_out, stage)
    assert chosen and [prompt.answer for prompt in chosen.prompts] == ANSWERS[:5]


def test_rewards_are_measured_and_training_is_the_same_to_the_bit(
    make_shards: Callable[..., Path], held_out: Path, stage: TrainingStage, tmp_path: Path
) -> None:
    shards = make_shards(PROMPTS, answers=ANSWERS)
    for name, validation in (("plain", None), ("measured", held_out)):
        train(
            shards, tmp_path / name, stage, VOCABULARY, "", 0, False, lambda done: None, validation,
            files=FILES, rewards=(Label(),),
        )  # fmt: skip
    assert (tmp_path / "plain" / losses.NAME).read_bytes() == (tmp_path / "measured" / losses.NAME).read_bytes()
    rows = list(losses.read_validation(tmp_path / "measured"))
    assert [row.step for row in rows] == [0, 3, 6, 8]
    objective = objective_of(stage, VOCABULARY, ObjectiveInputs(files=FILES, rewards=(Label(),)))
    chosen = select_prompts(held_out, stage)
    assert chosen and chosen.losses(starting(stage, VOCABULARY, seed=0), objective, step=0) == (rows[0],)
    assert all(row.tokens == 5 and row.loss == -row.metrics["reward"] and "reward/label" in row.metrics for row in rows)


def test_the_same_network_gets_the_same_rewards_after_any_step(
    held_out: Path, make_prompt_stage: Callable[..., TrainingStage]
) -> None:
    """Replies are sampled with the same random numbers each time."""
    objective = {**OBJECTIVES["grpo"], "rewards": ["length"], "sampling": {"new_tokens": 8}}
    stage = make_prompt_stage(objective)
    network, chosen = starting(stage, VOCABULARY, seed=0), select_prompts(held_out, stage)
    assert chosen and len(chosen.prompts) == 30
    rewards = (Length(of="text", least=0, most=3),)
    practised = objective_of(stage, VOCABULARY, ObjectiveInputs(files=FILES, rewards=rewards))
    (first,), (again,) = (chosen.losses(network, practised, step) for step in (3, 6))
    assert 0 < first.metrics["reward"] < 1
    assert first.metrics == again.metrics


def test_scores_that_are_not_finite_are_a_sentence_with_the_step(held_out: Path, stage: TrainingStage) -> None:
    given = ObjectiveInputs(files=FILES, rewards=(Label(),))
    objective, network = objective_of(stage, VOCABULARY, given), starting(stage, VOCABULARY, seed=0)
    chosen = select_prompts(held_out, stage)
    assert chosen
    with torch.no_grad():
        network.lm.get_output_embeddings().weight.fill_(torch.inf)
    with pytest.raises(
        Diverged, match="held-out prompts after step 7: the scores of a reply's next token are not finite"
    ):
        chosen.losses(network, objective, step=7)


def test_a_reward_of_nothing_is_a_loss_without_a_sign(held_out: Path, stage: TrainingStage) -> None:
    given = ObjectiveInputs(files=FILES, rewards=(Constant(),))
    objective, chosen = objective_of(stage, VOCABULARY, given), select_prompts(held_out, stage)
    assert chosen
    (row,) = chosen.losses(starting(stage, VOCABULARY, seed=0), objective, step=0)
    assert str(row.loss) == "0.0"
