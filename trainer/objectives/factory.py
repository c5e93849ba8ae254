"""The objective that a stage's settings name.

objective_of(stage, vocabulary, ObjectiveInputs(seed=1, files=files, rewards=rewards, …))
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from weft.schemas.faults import RecipeError
from weft.schemas.objectives import Dpo, Grpo, NextToken, OnPrompts, Ppo, RewardModel
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.generation import Decoding
from weft.trainer.models.encoders import FrozenEncoders
from weft.trainer.objectives.base import Objective
from weft.trainer.objectives.dpo import DpoObjective
from weft.trainer.objectives.grpo import GrpoObjective
from weft.trainer.objectives.next_token import NextTokenObjective
from weft.trainer.objectives.on_prompts import Practice
from weft.trainer.objectives.ppo import PpoObjective
from weft.trainer.objectives.reward import RewardObjective
from weft.trainer.replies import ReplyReader
from weft.trainer.reward_model import RewardScorer, load_reward_model
from weft.trainer.rewards.base import Reward, Scoring
from weft.trainer.rollouts import Rollouts
from weft.trainer.scoring import Judge, named

CPU = torch.device("cpu")


@dataclass(frozen=True)
class ObjectiveInputs:
    """What an objective may need besides its settings. `files` are those of the vocabulary's folder, `rewards` those of the settings
    in their order, `reward_models` the checkpoints of the stages that they name.
    """

    seed: int = 0
    files: Mapping[str, bytes] = field(default_factory=dict)
    rewards: tuple[Reward, ...] = ()
    reward_models: Mapping[str, Path] = field(default_factory=dict)
    encoders: FrozenEncoders = field(default_factory=dict)
    device: torch.device = CPU
    warn: Callable[[str], None] = print


def objective_of(stage: TrainingStage, vocabulary: Vocabulary, inputs: ObjectiveInputs) -> Objective:
    """A new objective of the stage. Raises RecipeError for prompts where nothing ends a reply."""
    match stage.objective:
        case NextToken():
            return NextTokenObjective(dtype=stage.model.dtype)
        case Dpo() as settings:
            return DpoObjective(settings=settings, vocabulary=vocabulary, dtype=stage.model.dtype)
        case RewardModel():
            return RewardObjective(dtype=stage.model.dtype)
        case Grpo() as settings:
            return GrpoObjective(settings=settings, practice=practice_of(stage, settings, vocabulary, inputs))
        case Ppo() as settings:
            return PpoObjective(settings=settings, practice=practice_of(stage, settings, vocabulary, inputs))


def practice_of(stage: TrainingStage, settings: OnPrompts, vocabulary: Vocabulary, inputs: ObjectiveInputs) -> Practice:
    """How replies are sampled and judged in a stage. Raises RecipeError where nothing ends a reply."""
    reader = ReplyReader.of(vocabulary, inputs.files["tokenizer.json"])
    models = {
        name: RewardScorer(
            network=load_reward_model(folder, vocabulary, inputs.device, inputs.encoders),
            dtype=stage.model.dtype,
            forward_tokens=stage.forward_tokens,
            encoders=inputs.encoders,
        )
        for name, folder in inputs.reward_models.items()
    }
    decoding = Decoding(
        new_tokens=settings.sampling.new_tokens,
        ends=reply_ends(vocabulary),
        temperature=settings.sampling.temperature,
        top_p=settings.sampling.top_p,
        dtype=stage.model.dtype,
    )
    rollouts = Rollouts(
        decoding=decoding,
        reader=reader,
        seed=inputs.seed,
        forward_tokens=stage.forward_tokens,
        encoders=inputs.encoders,
    )
    scoring = Scoring(vocabulary=vocabulary, reader=reader, models=models)
    weights = [choice.weight for choice in settings.rewards]
    return Practice(
        rollouts=rollouts,
        judge=Judge(rewards=named(inputs.rewards, weights), scoring=scoring),
        warn=inputs.warn,
    )


def reply_ends(vocabulary: Vocabulary) -> tuple[int, ...]:
    """The ids that end a reply. Raises RecipeError where the vocabulary has none."""
    if not vocabulary.ends:
        raise RecipeError(
            "nothing in the vocabulary ends a reply, so none would ever be whole: name the marker that ends a turn `eot`, `end` or "
            "`eos` in `vocabulary: tokens:`"
        )
    return vocabulary.ends
