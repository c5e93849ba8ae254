"""What a run begins with: its stream of batches, its held-out samples, its network and optimiser, new or from a checkpoint.

begin(out, stage, vocabulary, origin=origin, …)   ->   Run(network=…, optimiser=…, steps=1000, …), StreamState(step=400, …)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim import AdamW

from weft.schemas.faults import RecipeError
from weft.schemas.objectives import OnPrompts
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer import checkpoint, losses
from weft.trainer.counted import check_counted
from weft.trainer.loader import DrawReader, OpenTar
from weft.trainer.models.base_text import check_text
from weft.trainer.models.encoders import FrozenEncoders
from weft.trainer.models.groups import freeze, optimiser_of
from weft.trainer.models.network import Network
from weft.trainer.models.starting import starting
from weft.trainer.objectives.base import Objective
from weft.trainer.objectives.factory import ObjectiveInputs, objective_of
from weft.trainer.prompt_validation import PromptValidation, select_prompts
from weft.trainer.prompts import PromptStream
from weft.trainer.rewards.base import Reward
from weft.trainer.runs import anew
from weft.trainer.stream import BatchStream, StreamState
from weft.trainer.unsupported import check_prompts, check_whole_pairs
from weft.trainer.validation import Validation, select

# settings that change neither the data nor the updates (but for rounding, and the places that dropout draws on another device)
_NOT_ORIGIN = {"validation", "forward_tokens", "device", "checkpoint_every", "keep"}


@dataclass(frozen=True)
class Run:
    """The constants of a run.

    The stream has `available` steps, of which `steps` are trained; the learning rate schedule is over `horizon` steps.
    """

    stage: TrainingStage
    network: Network
    encoders: FrozenEncoders
    objective: Objective
    optimiser: AdamW
    device: torch.device
    seed: int
    steps: int
    horizon: int
    available: int


def held_out_samples(
    folder: Path, stage: TrainingStage, size: int, open_tar: OpenTar
) -> Validation | PromptValidation | None:
    """The held-out samples of the stage, of a vocabulary of `size`. Raises ValueError for samples that cannot be measured."""
    if isinstance(stage.objective, OnPrompts):
        return select_prompts(folder, stage, open_tar)
    return select(folder, stage, size, open_tar)


def stream_of(draws: DrawReader, stage: TrainingStage) -> BatchStream | PromptStream:
    """The batches of the stage. Raises ValueError for samples that it cannot learn from."""
    if isinstance(stage.objective, OnPrompts):
        check_prompts(draws.index, stage)
        return PromptStream(draws=draws, count=stage.objective.prompts)
    check_whole_pairs(draws.index, stage)
    check_counted(draws.index, stage.context)
    return BatchStream(draws=draws, context=stage.context, blocks=stage.optimiser.batch_tokens // stage.context)


def decisive_settings(
    stage: TrainingStage, rewards: tuple[Reward, ...], reward_models: Mapping[str, Path]
) -> dict[str, Any]:
    """The settings that a resumed run must share. The number of steps is one where the schedule depends on it."""
    unneeded: dict[str, Any] = dict.fromkeys(_NOT_ORIGIN, True)
    if stage.optimiser.schedule == "constant":
        unneeded["optimiser"] = {"steps"}
    judged = {
        "rewards": [f"{reward.backend_name} {reward.version()}" for reward in rewards],
        "reward_models": {name: checkpoint.weights_fingerprint(folder) for name, folder in reward_models.items()},
    }
    return stage.model_dump(mode="json", exclude=unneeded) | (judged if rewards else {})


def begin(
    out: Path,
    stage: TrainingStage,
    vocabulary: Vocabulary,
    origin: checkpoint.RunOrigin,
    stream: BatchStream | PromptStream,
    resume: bool,
    start: Path | None,
    inputs: ObjectiveInputs,
) -> tuple[Run, StreamState]:
    """The run and its position: at the beginning, or at its latest checkpoint. Raises ValueError."""
    latest = checkpoint.latest(out)
    if latest and not resume:
        raise ValueError(
            f"{out} holds a run already (latest checkpoint: {latest.name}); resume it or train into a new folder"
        )
    if resume and not latest and out.exists():
        inputs.warn(f"{out} holds no checkpoint: this stage begins anew")
    state = checkpoint.read_state(latest, origin).stream if latest else StreamState()
    if stage.model.base and "tokenizer.json" in inputs.files:
        check_text(stage.model.base, inputs.files["tokenizer.json"])
    network = starting(stage, vocabulary, origin.seed, start=start, encoders=inputs.encoders).to(inputs.device)
    objective = objective_of(stage, vocabulary, inputs)
    objective.begin(network)  # before the weights of the checkpoint: its reference is the network of the stage's start
    if latest:
        network.restore(latest)
    network.train(objective.uses_dropout)
    optimiser = optimiser_of(freeze(network, stage.trainable), stage.trainable, stage.optimiser)
    if latest:
        checkpoint.restore_optimiser(latest, network, optimiser)
    steps, horizon = steps_of(stream, stage)
    if state.step > steps:
        raise RecipeError(
            f"{out} has done {state.step} steps already, and `steps` asks for {steps}: raise `steps`, or {anew(out)}"
        )
    run = Run(
        stage=stage,
        network=network,
        encoders=inputs.encoders,
        objective=objective,
        optimiser=optimiser,
        device=inputs.device,
        seed=origin.seed,
        steps=steps,
        horizon=horizon,
        available=stream.steps,
    )
    if stream.shortfall:
        inputs.warn(f"{out.name}: {stream.shortfall}")
    out.mkdir(parents=True, exist_ok=True)
    losses.truncate(out, state.step)
    return run, state


def device_of(stage: TrainingStage) -> torch.device:
    """Where the stage is trained. Raises RecipeError where that is a GPU and torch finds none, or none for the stage's `dtype`."""
    has_gpu = torch.cuda.is_available()
    if stage.device == "cuda" and not has_gpu:
        raise RecipeError("`device: cuda`, but torch finds no GPU on this machine; set `device: cpu` or `device: auto`")
    device = torch.device("cuda" if has_gpu and stage.device != "cpu" else "cpu")
    if device.type == "cuda" and stage.model.dtype == "bfloat16" and not torch.cuda.is_bf16_supported(False):
        raise RecipeError(
            "`dtype: bfloat16`, which this machine's GPU does not compute in; set `dtype: float32` or `device: cpu`"
        )
    return device


def steps_of(stream: BatchStream | PromptStream, stage: TrainingStage) -> tuple[int, int]:
    """The steps that the stage has, and those that its schedule is over. Raises ValueError when the stream is empty."""
    if not (available := stream.steps):
        raise ValueError(f"{stream.draws.folder} holds no tokens to train on")
    horizon = stage.optimiser.steps or available
    return min(horizon, available), horizon
