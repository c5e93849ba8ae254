"""Trains one stage. This is the whole loop, to be read from top to bottom.

    train(shards, out, stage, vocabulary, recipe_text, seed=0, resume=False, report=print, validation=held_out)
      out/losses.jsonl, validation.jsonl, losses.png, tensorboard/, checkpoints/step-000100/ …

Float32 master weights on one device (`device`); `dtype: bfloat16` is autocast. Not supported: several devices (the
stream has ranks, this loop has none), and compilation.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from weft.schemas.fingerprint import hash64
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer import checkpoint, curves, losses, runs
from weft.trainer.ahead import ahead
from weft.trainer.board import Board
from weft.trainer.counted import counted_batches
from weft.trainer.finite import Diverged, check_finite, finite
from weft.trainer.loader import DrawReader, OpenTar, mapped
from weft.trainer.losses import LossRow, ValidationRow
from weft.trainer.models.encoder_cache import cached
from weft.trainer.models.encoders import NO_ENCODERS, FrozenEncoders, checksums, prepared_for
from weft.trainer.models.special_ids import set_special_ids
from weft.trainer.objectives.base import Sums, micro_rows
from weft.trainer.objectives.factory import ObjectiveInputs
from weft.trainer.prompt_validation import PromptValidation
from weft.trainer.prompts import PromptBatch, PromptStream
from weft.trainer.repeatable import repeatable
from weft.trainer.rewards.base import Reward
from weft.trainer.run_setup import Run, begin, decisive_settings, device_of, held_out_samples, stream_of
from weft.trainer.schedule import learning_rate
from weft.trainer.stream import Batch, StreamState
from weft.trainer.unsupported import check_adaptors, check_supported
from weft.trainer.validation import Validation

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
    if encoders:  # without any the network has no adaptors, and `freeze` refuses their groups
        check_adaptors(draws.index, stage.trainable)
    stream = stream_of(draws, stage)
    if isinstance(stream, PromptStream):
        encoders = cached(encoders, members=8 * stream.count)
    held_out = held_out_samples(validation, stage, vocabulary.size, open_tar) if validation else None
    origin = checkpoint.RunOrigin(
        vocabulary=vocabulary.fingerprint,
        index=draws.checksum(),
        seed=seed,
        start=checkpoint.weights_fingerprint(start) if start else checkpoint.base_fingerprint(stage.model.base),
        settings=decisive_settings(stage, rewards, reward_models),
        encoders=frozen,
    )
    if resume:
        checkpoint.set_damaged_aside(out, warn)
    inputs = ObjectiveInputs(
        seed=seed,
        files=files,
        rewards=rewards,
        reward_models=reward_models,
        encoders=encoders,
        device=device_of(stage),
        warn=warn,
    )
    run, state = begin(out, stage, vocabulary, origin=origin, stream=stream, resume=resume, start=start, inputs=inputs)
    set_special_ids(run.network.lm, vocabulary)
    if state.step < run.steps:
        runs.reopen(out)
    batches = islice(counted_batches(stream.batches(state), shards), run.steps - state.step)
    with Board(out, state.step) as board, ahead(batches) as made_ahead:
        if state.step == 0 and isinstance(
            held_out, PromptValidation
        ):  # the stage before was not measured by these rewards
            board.add((), _validate(run, held_out, out, 0))
        for batch in made_ahead:
            began = time.monotonic()
            batch.check_ids(vocabulary.size, shards)
            with finite(run.optimiser, out, partial(_samples, draws, state, batch)):
                rows = _step(run, batch)
            state = batch.after
            losses.append(out, rows)
            measured = _validate(run, held_out, out, state.step)
            board.add(rows, measured)
            if state.step % stage.checkpoint_every == 0 or state.step == run.steps:
                with finite(run.optimiser, out):
                    check_finite(run.network, state.step)
                training_state = checkpoint.State(stream=state, origin=origin)
                checkpoint.save(out, run.network, run.optimiser, state=training_state, recipe=recipe_text, files=files)
                checkpoint.prune(out, stage.keep)
            seconds = time.monotonic() - began
            report(StepReport(step=state.step, steps=run.steps, rows=rows, seconds=seconds, validation=measured))
    run.objective.end()
    curves.plot(out)
    runs.end(out, checkpoint.folder_of(out, state.step))
    return Result(
        step=state.step,
        declared=stage.optimiser.steps,
        draws=len(draws),
        at_end=state.step == run.available,
        checkpoint=checkpoint.folder_of(out, state.step),
    )


def _samples(draws: DrawReader, state: StreamState, batch: Batch | PromptBatch) -> str:
    """A clause on the samples of a batch that begins at `state`."""
    last = batch.after.draw - (batch.after.offset == 0)
    keys = [draws.index.key(draw) for draw in range(state.draw, min(last, state.draw + 2) + 1)]
    return f" (its batch is draws {state.draw} to {last}: {', '.join(keys)}{', …' if last > state.draw + 2 else ''})"


def _validate(
    run: Run, held_out: Validation | PromptValidation | None, out: Path, step: int
) -> tuple[ValidationRow, ...]:
    """Measures the validation loss where it is due; returns the rows that were appended to `validation.jsonl`."""
    if not held_out or not held_out.due(step, run.steps):
        return ()
    with finite(run.optimiser, out):
        rows = held_out.losses(run.network, run.objective, step, run.encoders)
    losses.append_validation(out, rows)
    return rows


def _step(run: Run, drawn: Batch | PromptBatch) -> tuple[LossRow, ...]:
    """The updates of one step; returns its losses.

    Raises FloatingPointError when a loss, a metric or a gradient is not finite: that update is not done, and the step is not saved.
    """
    # seeded by step: so dropout is the same after a resume, and no generator state is saved
    torch.manual_seed(hash64(run.seed, "step", drawn.after.step))
    rate = learning_rate(run.stage.optimiser, drawn.after.step, run.horizon)
    updates = [_update(run, batch, rate) for batch in run.objective.batches(run.network, drawn)]
    return _loss_rows(drawn, updates, rate)


def _update(run: Run, batch: Batch, rate: float) -> Sums:
    """One update; returns its losses by task. Raises FloatingPointError."""
    step = batch.after.step
    sums = _backward(run, batch)
    if not np.isfinite(sums.nats).all():
        raise Diverged(f"the loss of step {step} is not finite")
    if bad := [name for name, values in sums.metrics.items() if not np.isfinite(values).all()]:
        raise Diverged(f"{bad[0]} of step {step} is not finite")
    norm = torch.nn.utils.clip_grad_norm_(run.network.parameters(), run.stage.optimiser.clip or math.inf)
    if not torch.isfinite(norm):
        raise Diverged(f"the gradient of step {step} is not finite")
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
            if loss.requires_grad:  # not where adaptors alone are trained, and these rows have no latents
                (loss / run.objective.units(batch)).backward()
            sums += part
    return sums


def _loss_rows(batch: Batch | PromptBatch, updates: Sequence[Sums], rate: float) -> tuple[LossRow, ...]:
    """Means over the updates of a step. All of them are on the same samples, which are counted once."""
    sums = sum(updates, Sums.none(len(batch.tasks)))
    total = Sums.none(1) + sums.total()
    parts = [("all", total), *((task, sums.of(number)) for number, task in enumerate(batch.tasks))]
    return tuple(
        LossRow(
            step=batch.after.step,
            task=task,
            loss=float(part.nats[0] / max(part.counts[0], 1)),
            tokens=int(part.counts[0]) // len(updates),
            lr=rate,
            metrics={name: float(value[0] / max(part.counts[0], 1)) for name, value in part.metrics.items()},
        )
        for task, part in parts
    )
