"""`weft train`: runs one training stage on a corpus and prints the loss of each task."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

import yaml
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from weft.jobs.commands import console, open_built
from weft.jobs.model_check import check_models
from weft.jobs.progress import SELDOM, WRITTEN
from weft.jobs.shard_reading import shards_of
from weft.jobs.show import clock_time
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.plan_files import ending as why_short
from weft.pipelines.mixing.refusals import refusal_of
from weft.pipelines.mixing.shards import index_name
from weft.pipelines.parts.tables import opened_part
from weft.pipelines.storage.store import Store
from weft.schemas.counting import counted
from weft.schemas.faults import RecipeError
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.losses import LossRow, ValidationRow
from weft.trainer.train import Result, StepReport, train

VALIDATION = "validation"  # the folder of held-out shards, beside those of the stages


def run_training(pipeline: Pipeline, corpus: str, stage: str, out: Path, resume: bool) -> Result:
    """Trains and shows progress. Raises RecipeError for an unknown stage, and for a missing corpus or missing shards."""
    stage = stage or next(iter(pipeline.recipe.training), "")
    if not pipeline.recipe.training:
        raise RecipeError(
            "the recipe has no `training:`, so there is nothing to train; recipes/demo.yaml shows a stage"
        )
    if stage not in pipeline.recipe.training:
        raise RecipeError(f"no training stage {stage!r}; the recipe has {', '.join(pipeline.recipe.training)}")
    _check_targets(pipeline, stage)
    check_models(pipeline.recipe, [stage])
    store = open_built(corpus)
    if not store.exists(index_name(stage)):
        why = refusal_of(store, stage, pipeline.recipe.training[stage])
        raise RecipeError(f"{corpus}: no shards for stage {stage!r}; {why or '`weft build` makes them'}")
    vocabulary = Vocabulary.from_json(store.read("vocabulary/vocabulary.json").decode())
    text = yaml.safe_dump(pipeline.recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    held_out, settings, seed = has_held_out(store), pipeline.recipe.training[stage], pipeline.recipe.seed
    with (
        shards_of(store, [stage, *([VALIDATION] if held_out else [])]) as (shards, open_tar),
        _progress(settings) as report,
    ):
        validation = shards / VALIDATION if held_out else None
        result = train(shards / stage, out, settings, vocabulary, text, seed, resume, report, validation, open_tar)
    files = "losses.jsonl, validation.jsonl and losses.png" if held_out else "losses.jsonl and losses.png"
    why = ending(result, why_short(store, stage))
    console.print(
        f"{counted(result.step, 'step')}{why}; checkpoint {result.checkpoint}, in {out}: {files}", highlight=False
    )
    return result


def _check_targets(pipeline: Pipeline, stage: str) -> None:
    """Raises RecipeError for a stage of prompts."""
    prompts = [task for task in pipeline.recipe.training[stage].mixture.tasks if pipeline.tasks[task].is_prompt]
    if prompts:
        raise RecipeError(
            f"stage {stage!r} holds prompts ({', '.join(prompts)}), none of whose tokens counts in the loss: `weft train` learns "
            "nothing of them"
        )


def ending(result: Result, reason: str = "") -> str:
    """A clause for a run that the end of the stream ended early, with the reason; otherwise empty."""
    if not result.at_end or not (result.exhausted or reason):
        return ""
    declared = f" of {result.declared} declared" if result.exhausted else ""
    why = f": {reason}" if reason else ""
    return f"{declared}; the stream ended there, after {counted(result.draws, 'draw')}{why}"


def has_held_out(store: Store) -> bool:
    """Whether there are held-out samples; prints a line where there are none. A build writes an empty index for them."""
    if store.exists(index_name(VALIDATION)):
        with opened_part(store, index_name(VALIDATION)) as index:
            if index.metadata.num_rows:
                return True
    console.print("no validation data in this corpus; `hold_out:` at a source keeps some", highlight=False)
    return False


@contextmanager
def _progress(stage: TrainingStage) -> Iterator[Callable[[StepReport], None]]:
    """Shows a bar, or plain lines without a terminal; validation losses are lines in both."""
    columns = (
        TextColumn("train"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("train", total=None, note="")
        lines = StepLines()

        def report(step: StepReport) -> None:
            note = losses_line(step.rows)
            bar.update(task, completed=step.step, total=step.steps, note=note)
            if lines.is_due(step) and not console.is_terminal:
                console.print(f"step {step.step} of {step.steps}  {note}  {lines.pace(step)}", highlight=False)
            if step.validation:
                line = validation_line(step.validation, list(stage.mixture.weights))
                console.print(f"step {step.step} of {step.steps}  {line}", highlight=False)

        yield report


@dataclass
class StepLines:
    """Plain lines without a terminal: selects the first step, the last, and one in at least 10 s; and computes their rate."""

    seconds: float = 0.0
    steps: int = 0
    last_line: float = -inf  # seconds

    def is_due(self, step: StepReport) -> bool:
        self.seconds, self.steps = self.seconds + step.seconds, self.steps + 1
        if self.seconds - self.last_line < max(WRITTEN, self.seconds / SELDOM) and step.step < step.steps:
            return False
        self.last_line = self.seconds
        return True

    def pace(self, step: StepReport) -> str:
        each = self.seconds / self.steps
        rate = f"{1 / each:,.2f}/s, " if each else ""
        return f"{rate}{clock_time((step.steps - step.step) * each)} left"


def losses_line(rows: Sequence[LossRow] | Sequence[ValidationRow]) -> str:
    """The loss of each task, in nats a token; a task without counted tokens has none."""
    return "  ".join(f"{row.task} {row.loss:.3f}" if row.tokens else f"{row.task} no counted tokens" for row in rows)


def validation_line(rows: Sequence[ValidationRow], tasks: Sequence[str]) -> str:
    """The validation loss of each task, and the tasks that have no held-out samples."""
    missing = ", ".join(sorted(set(tasks) - {row.task for row in rows}))
    return f"validation: {losses_line(rows)}" + (f"  (no held-out samples of {missing})" if missing else "")
