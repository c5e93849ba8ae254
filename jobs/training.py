"""Runs one training stage on a corpus and shows how the losses go, task by task."""

from pathlib import Path

import yaml
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from weft.jobs.commands import console, open_store
from weft.pipelines.graph import House
from weft.pipelines.mixing.shards import index_name
from weft.schemas.recipe_file import RecipeError
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.train import Result, StepReport, train


def run_training(house: House, corpus: str, stage: str, out: Path, resume: bool) -> Result:
    """Trains with progress shown. Raises RecipeError for a stage or a corpus that is not there."""
    stage = stage or next(iter(house.recipe.training), "")
    if stage not in house.recipe.training:
        raise RecipeError(f"no training stage {stage!r}; the recipe has {', '.join(house.recipe.training) or 'none'}")
    store = open_store(corpus)
    if not store.exists(index_name(stage)):
        raise RecipeError(f"{corpus}: no shards for stage {stage!r}; `weft build` makes them")
    vocabulary = Vocabulary.from_json(store.read("vocabulary/vocabulary.json").decode())
    text = yaml.safe_dump(house.recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    columns = (
        TextColumn("train"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("train", total=None, note="")

        def report(step: StepReport) -> None:
            note = "  ".join(f"{row.task} {row.loss:.3f}" for row in step.rows)
            bar.update(task, completed=step.step, total=step.steps, note=note)
            if not console.is_terminal and (step.step % max(1, step.steps // 10) == 0 or step.step == 1):
                console.print(f"step {step.step} of {step.steps}  {note}", highlight=False)

        shards = store.folder(f"shards/{stage}")
        result = train(shards, out, house.recipe.training[stage], vocabulary, text, house.recipe.seed, resume, report)
    ended = "; the stream ended there" if result.exhausted else ""
    console.print(
        f"{result.step} steps{ended}; checkpoint {result.checkpoint}, losses {out}/losses.jsonl and losses.png",
        highlight=False,
    )
    return result
