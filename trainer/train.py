"""Trains one stage. This is the whole loop, to be read from top to bottom.

    train(shards, run, stage, vocabulary, recipe_text, seed=0, resume=False, report=print, validation=held_out)
      run/losses.jsonl, validation.jsonl, losses.png, tensorboard/, checkpoints/step-000100/ …

Float32 master weights on one device (`device`); `dtype: bfloat16` is autocast. Not supported: several devices (the
stream has ranks, this loop has none), and compilation.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim import AdamW

from weft.schemas.faults import RecipeError
from weft.schemas.fingerprint import hash64
from weft.schemas.objectives import OnPrompts
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer import checkpoint, curves, losses, runs
from weft.trainer.ahead import ahead
from weft.trainer.board import Board
from weft.trainer.counted import check_counted, counted_batches
from weft.trainer.loader import DrawReader, OpenTar, mapped
from weft.trainer.losses import LossRow, ValidationRow
from weft.trainer.models.encoder_cache import kept
from weft.trainer.models.encoders import NO_ENCODERS, FrozenEncoders, checksums, prepared_for
from weft.trainer.models.groups import freeze, optimiser_of
from weft.trainer.models.network import Network
from weft.trainer.models.special_ids import set_special_ids
from weft.trainer.models.starting import starting
from weft.trainer.objectives.base import Objective, Sums, micro_rows
from weft.trainer.objectives.choosing import Given, objective_of
from weft.trainer.prompt_validation import PromptValidation, select_prompts
from weft.trainer.prompts import PromptBatch, PromptStream
from weft.trainer.repeatable import repeatable
from weft.trainer.rewards.base import Reward
from weft.trainer.schedule import learning_rate
from weft.trainer.stream import Batch, BatchStream, StreamState
from weft.trainer.unsupported import check_prompts, check_supported, check_whole_pairs
from weft.trainer.validation import Validation, select

# settings that change neither the data nor, but for rounding, the updates
_NOT_ORIGIN = {"validation", "forward_tokens", "device", "checkpoint_every", "keep"}

NO_FILES: Mapping[str, bytes] = {}
NO_MODELS: Mapping[str, Path] = {}


@dataclass(frozen=True, slots=True)
class StepReport:
    """A finished step: `rows` were appended to `losses.jsonl`, the first is `all`; `seconds` is its wall time.

    `validation` were appended to `validation.jsonl`, where the validation loss was measured after the step.
    """

    step: int
    steps: int
    rows: tuple[LossRow, ...]
    seconds: float
    validation: tuple[ValidationRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """The end of a run: after `step` of the `declared` steps (0: the whole stream), in a stream of `draws`.

    `at_end`: all draws of the stream were used.
    """

    step: int
    declared: int
    draws: int
    at_end: bool
    checkpoint: Path

    @property
    def exhausted(self) -> bool:
        """The stream ended before the declared steps."""
        return self.at_end and self.step < self.declared


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


def train(
    shards: Path, out: Path, stage: TrainingStage, vocabulary: Vocabulary, recipe_text: str, seed: int, resume: bool,
    report: Callable[[StepReport], None], validation: Path | None = None,
    open_tar: OpenTar = mapped, start: Path | None = None, encoders: FrozenEncoders = NO_ENCODERS,
    warn: Callable[[str], None] = print, files: Mapping[str, bytes] = NO_FILES,
    rewards: tuple[Reward, ...] = (), reward_models: Mapping[str, Path] = NO_MODELS,
) -> Result:  # fmt: skip
    """Trains to `steps`, or to the end of the stream when `steps` is 0 or the stream is shorter.

    `start` is the checkpoint or merge that `model.start` names, `encoders` are those of latent audio and images. `files` are those of
    the vocabulary's folder (FILES), by name: checkpoints hold them. Of a stage of prompts `rewards` are those of its objective, and
    `reward_models` the checkpoints of the stages that they name.
    With `resume`, continues from the latest whole checkpoint in `out`, or starts when there is none; `warn` gets a sentence on each
    damaged one. The loss on the shards in `validation` is measured during training and does not change it. Raises ValueError when
    `out` holds another run, when a sample or a row is damaged, when no token of a task counts in the loss, when a loss or a weight is
    not finite, or when the shards, vocabulary and model do not fit together.
    """
    draws, frozen = DrawReader(shards, open_tar=open_tar, prepare=prepared_for(encoders)), checksums(encoders)
    check_supported(draws.index, stage.objective, encoders)
    stream = _stream(draws, stage)
    if isinstance(stream, PromptStream):
        encoders = kept(encoders, members=8 * stream.count)
    held_out = _held_out(validation, stage, vocabulary.size, open_tar) if validation else None
    origin = checkpoint.RunOrigin(
        vocabulary=vocabulary.fingerprint,
        index=draws.digest(),
        seed=seed,
        start=checkpoint.weights_sum(start) if start else "",
        settings=_decisive(stage, rewards, reward_models),
        encoders=frozen,
    )
    if resume:
        checkpoint.set_damaged_aside(out, warn)
    given = Given(
        seed=seed,
        files=files,
        rewards=rewards,
        reward_models=reward_models,
        encoders=encoders,
        device=device_of(stage),
        warn=warn,
    )
    run, state = _start(out, stage, vocabulary, origin, stream, resume, start, given)
    set_special_ids(run.network.lm, vocabulary)
    if state.step < run.steps:
        runs.reopen(out)
    batches = islice(counted_batches(stream.batches(state), shards), run.steps - state.step)
    with Board(out, state.step) as board, ahead(batches) as made_ahead:
        for batch in made_ahead:
            began = time.monotonic()
            batch.check_ids(vocabulary.size, shards)
            try:
                rows = _step(run, batch)
            except FloatingPointError as fault:
                raise ValueError(f"{fault} {_samples(draws, state, batch)}") from None
            state = batch.after
            losses.append(out, rows)
            measured = _validate(run, held_out, out, state.step)
            board.add(rows, measured)
            if state.step % stage.checkpoint_every == 0 or state.step == run.steps:
                check_finite(run.network, state.step)
                training_state = checkpoint.State(stream=state, origin=origin)
                checkpoint.save(out, run.network, run.optimiser, training_state, recipe_text, files)
                checkpoint.prune(out, stage.keep)
            seconds = time.monotonic() - began
            report(StepReport(step=state.step, steps=run.steps, rows=rows, seconds=seconds, validation=measured))
    curves.plot(out)
    runs.end(out, checkpoint.folder_of(out, state.step))
    return Result(
        step=state.step,
        declared=stage.optimiser.steps,
        draws=len(draws),
        at_end=state.step == run.available,
        checkpoint=checkpoint.folder_of(out, state.step),
    )


def _held_out(folder: Path, stage: TrainingStage, size: int, open_tar: OpenTar) -> Validation | PromptValidation | None:
    """The held-out samples of the stage, of a vocabulary of `size`. Raises ValueError for samples that cannot be measured."""
    if isinstance(stage.objective, OnPrompts):
        return select_prompts(folder, stage, open_tar)
    return select(folder, stage, size, open_tar)


def _stream(draws: DrawReader, stage: TrainingStage) -> BatchStream | PromptStream:
    """The batches of the stage. Raises ValueError for samples that it cannot learn from."""
    if isinstance(stage.objective, OnPrompts):
        check_prompts(draws.index, stage)
        return PromptStream(draws=draws, count=stage.objective.prompts)
    check_whole_pairs(draws.index, stage)
    check_counted(draws.index, stage.context)
    return BatchStream(draws=draws, context=stage.context, blocks=stage.optimiser.batch_tokens // stage.context)


def _decisive(stage: TrainingStage, rewards: tuple[Reward, ...], reward_models: Mapping[str, Path]) -> dict[str, Any]:
    """The settings that a resumed run must share. The number of steps is one where the schedule depends on it."""
    unneeded: dict[str, Any] = dict.fromkeys(_NOT_ORIGIN, True)
    if stage.optimiser.schedule == "constant":
        unneeded["optimiser"] = {"steps"}
    judged = {
        "rewards": [f"{reward.backend_name} {reward.version()}" for reward in rewards],
        "reward_models": {name: checkpoint.weights_sum(folder) for name, folder in reward_models.items()},
    }
    return stage.model_dump(mode="json", exclude=unneeded) | (judged if rewards else {})


def _samples(draws: DrawReader, state: StreamState, batch: Batch | PromptBatch) -> str:
    """A clause on the samples of a batch that begins at `state`."""
    last = batch.after.draw - (batch.after.offset == 0)
    keys = [draws.index.key(draw) for draw in range(state.draw, min(last, state.draw + 2) + 1)]
    return f"(its batch is draws {state.draw} to {last}: {', '.join(keys)}{', …' if last > state.draw + 2 else ''})"


def check_finite(network: Network, step: int) -> None:
    """Raises ValueError for weights that are not finite: they are never saved."""
    if bad := [name for name, weight in network.named_parameters() if not torch.isfinite(weight).all()]:
        raise ValueError(
            f"after step {step} weights are not finite ({bad[0]}); lower `lr`, and resume from the checkpoint before"
        )


def _start(
    out: Path,
    stage: TrainingStage,
    vocabulary: Vocabulary,
    origin: checkpoint.RunOrigin,
    stream: BatchStream | PromptStream,
    resume: bool,
    start: Path | None,
    given: Given,
) -> tuple[Run, StreamState]:
    """The run and its position: at the beginning, or at its latest checkpoint. Raises ValueError."""
    latest = checkpoint.latest(out)
    if latest and not resume:
        raise ValueError(
            f"{out} holds a run already (latest checkpoint: {latest.name}); resume it or train into a new folder"
        )
    state = checkpoint.read_state(latest, origin).stream if latest else StreamState()
    network = starting(stage, vocabulary, origin.seed, start, given.encoders).to(given.device)
    objective = objective_of(stage, vocabulary, given)
    objective.begin(network)
    if latest:
        network.restore(latest)
    network.train(objective.uses_dropout)
    optimiser = optimiser_of(freeze(network, stage.trainable), stage.trainable, stage.optimiser)
    if latest:
        checkpoint.restore_optimiser(latest, network, optimiser)
    available = _available(stream)
    horizon = stage.optimiser.steps or available
    steps = min(horizon, available)
    if state.step > steps:
        raise RecipeError(
            f"{out} has done {state.step} steps already, and `steps` asks for {steps}: raise `steps`, or train into a new folder"
        )
    run = Run(
        stage=stage,
        network=network,
        encoders=given.encoders,
        objective=objective,
        optimiser=optimiser,
        device=given.device,
        seed=origin.seed,
        steps=steps,
        horizon=horizon,
        available=available,
    )
    out.mkdir(parents=True, exist_ok=True)
    losses.truncate(out, state.step)
    return run, state


def device_of(stage: TrainingStage) -> torch.device:
    """Where the stage is trained. Raises ValueError where that is a GPU and torch finds none."""
    has_gpu = torch.cuda.is_available()
    if stage.device == "cuda" and not has_gpu:
        raise ValueError("`device: cuda`, but torch finds no GPU on this machine; set `device: cpu` or `device: auto`")
    return torch.device("cuda" if has_gpu and stage.device != "cpu" else "cpu")


def _available(stream: BatchStream | PromptStream) -> int:
    """The number of steps in the stream. Raises ValueError when it is empty."""
    if not stream.steps:
        raise ValueError(f"{stream.draws.folder} holds no tokens to train on")
    return stream.steps


def _validate(
    run: Run, held_out: Validation | PromptValidation | None, out: Path, step: int
) -> tuple[ValidationRow, ...]:
    """Measures the validation loss where it is due; returns the rows that were appended to `validation.jsonl`."""
    if not held_out or not held_out.due(step, run.steps):
        return ()
    rows = held_out.losses(run.network, run.objective, step, run.encoders)
    losses.append_validation(out, rows)
    return rows


def _step(run: Run, drawn: Batch | PromptBatch) -> tuple[LossRow, ...]:
    """The updates of one step; returns its losses.

    Raises FloatingPointError when a loss or a gradient is not finite: that update is not done, and the step is not saved.
    """
    # seeded by step: so dropout is the same after a resume, and no generator state is saved
    torch.manual_seed(hash64(run.seed, "step", drawn.after.step))
    rate = learning_rate(run.stage.optimiser, drawn.after.step, run.horizon)
    sums = Sums.none(len(drawn.tasks))
    for batch in run.objective.batches(run.network, drawn):
        sums += _update(run, batch, rate)
    return _loss_rows(drawn, sums, rate)


def _update(run: Run, batch: Batch, rate: float) -> Sums:
    """One update; returns its losses by task. Raises FloatingPointError."""
    step = batch.after.step
    sums = _backward(run, batch)
    if not np.isfinite(sums.nats).all():
        raise FloatingPointError(f"the loss of step {step} is not finite; lower `lr` or lengthen `warmup`")
    norm = torch.nn.utils.clip_grad_norm_(run.network.parameters(), run.stage.optimiser.clip or math.inf)
    if not torch.isfinite(norm):
        raise FloatingPointError(f"the gradient of step {step} is not finite; lower `lr`")
    for group in run.optimiser.param_groups:
        group["lr"] = rate * group["scale"]
    run.optimiser.step()
    run.optimiser.zero_grad(set_to_none=True)
    return sums


def _backward(run: Run, batch: Batch) -> Sums:
    """Gradients of the mean over the batch's units, summed over micro-batches."""
    sums = Sums.none(len(batch.tasks))
    with repeatable(run.device):
        for rows in micro_rows(batch, run.device, run.stage.forward_tokens, run.encoders):
            loss, part = run.objective.loss(run.network, rows, len(batch.tasks))
            (loss / run.objective.units(batch)).backward()
            sums += part
    return sums


def _loss_rows(batch: Batch | PromptBatch, sums: Sums, rate: float) -> tuple[LossRow, ...]:
    total = Sums.none(1) + sums.total()
    parts = [("all", total), *((task, sums.of(number)) for number, task in enumerate(batch.tasks))]
    return tuple(
        LossRow(
            step=batch.after.step,
            task=task,
            loss=float(part.nats[0] / max(part.counts[0], 1)),
            tokens=int(part.counts[0]),
            lr=rate,
            metrics={name: float(value[0] / max(part.counts[0], 1)) for name, value in part.metrics.items()},
        )
        for task, part in parts
    )
