"""`weft train`: the stages of a recipe in order, or one of them, on a corpus.

run_training(pipeline, "corpus", stage="", out=Path("run"), resume=False)      run/align/…, run/extend/…, run/final/…
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from weft.jobs.commands import console, open_corpus
from weft.jobs.evaluation import HeldOutCorpus, StageEvaluation
from weft.jobs.reply_check import vocabulary_files
from weft.jobs.shard_reading import shards_of
from weft.jobs.training_check import PlannedRun, check_corpus, check_run, check_stages, holds_out
from weft.jobs.training_encoders import encoders_of, latents_of
from weft.jobs.training_progress import progress
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.plan_files import ending as why_short
from weft.pipelines.storage.alone import alone
from weft.pipelines.storage.lock import TRAINING
from weft.pipelines.storage.store import Store
from weft.schemas.counting import counted
from weft.schemas.faults import RecipeError
from weft.schemas.plan import VALIDATION_STAGE
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.merging import check_merge, merge
from weft.trainer.models.encoders import FrozenEncoders
from weft.trainer.runs import start_of
from weft.trainer.train import Result, train


@dataclass(frozen=True)
class Training:
    """What all stages of one `weft train` share."""

    pipeline: Pipeline
    store: Store
    out: Path
    resume: bool

    @cached_property
    def encoders(self) -> FrozenEncoders:
        """Those of the latents of any stage, loaded once. Raises RecipeError."""
        return encoders_of(self.pipeline, self.store, latents_of(self.pipeline))


def run_training(pipeline: Pipeline, corpus: str, stage: str, out: Path, resume: bool) -> tuple[Result, ...]:
    """Trains the stage, or with "" all stages and merges of the recipe in order, and evaluates each; shows progress. What has ended is
    kept with `resume`.

    Raises RecipeError for an unknown stage, and before anything is trained for what `training_check` refuses; Locked where another
    training holds the folder.
    """
    recipe = pipeline.recipe
    if not recipe.training:
        raise RecipeError(
            "the recipe has no `training:`, so there is nothing to train; recipes/demo.yaml shows a stage"
        )
    if stage and stage not in recipe.training_order:
        raise RecipeError(f"no training stage {stage!r}; the recipe has {', '.join(recipe.training_order)}")
    names = (stage,) if stage else recipe.training_order
    with alone(Store(str(out.absolute())), TRAINING):
        return _run(PlannedRun(pipeline=pipeline, out=out, names=names, resume=resume), corpus)


def _run(run: PlannedRun, corpus: str) -> tuple[Result, ...]:
    """All that is checked first, and then the stages and merges of the run."""
    check_run(run)
    store, built = open_corpus(corpus)
    check_corpus(run, corpus, store=store, built=built)
    training = Training(pipeline=run.pipeline, store=store, out=run.out, resume=run.resume)
    check_stages(run, store, training.encoders)
    evaluation = evaluation_of(training)
    results = []
    for name in run.names:
        with _named(run.out / name):
            if name in run.pipeline.recipe.merges:
                _merge(training, name)
            else:
                results.append(_train(training, name, held_out=evaluation is not None))
            if evaluation:
                evaluation.after(name)
    if evaluation:
        evaluation.finish()
    return tuple(results)


@contextmanager
def _named(stage: Path) -> Iterator[None]:
    """Adds the folder of the stage to an error that names no file, as of a full disk."""
    try:
        yield
    except OSError as fault:
        if fault.errno is not None and fault.filename is None:
            fault.add_note(str(stage))
        raise


def evaluation_of(training: Training) -> StageEvaluation | None:
    """The evaluation of the run's stages; None, and a line is printed, where the corpus holds nothing out."""
    if not has_held_out(training.store):
        return None
    return StageEvaluation(HeldOutCorpus(pipeline=training.pipeline, store=training.store), training.out)


def _train(training: Training, name: str, held_out: bool) -> Result:
    store, recipe, out = training.store, training.pipeline.recipe, training.out / name
    vocabulary = Vocabulary.from_json(store.read("vocabulary/vocabulary.json").decode())
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    settings = recipe.training[name]
    start = start_of(training.out, settings.model.start) if settings.model.start else None
    reward_models = [stage for stage in recipe.needs(name) if stage not in recipe.starts(name)]
    with (
        shards_of(store, [name, *([VALIDATION_STAGE] if held_out else [])]) as (shards, open_tar),
        progress(name, settings) as report,
    ):
        validation = shards / VALIDATION_STAGE if held_out else None
        result = train(
            shards / name,
            out,
            settings,
            vocabulary=vocabulary,
            recipe_text=text,
            seed=recipe.seed,
            resume=training.resume,
            report=report,
            validation=validation,
            open_tar=open_tar,
            start=start,
            encoders=training.encoders,
            files=vocabulary_files(store),
            rewards=training.pipeline.rewards[name],
            reward_models={stage: start_of(training.out, stage) for stage in reward_models},
            warn=lambda sentence: console.print(sentence, highlight=False, markup=False),
        )
    files = "losses.jsonl, validation.jsonl and losses.png" if held_out else "losses.jsonl and losses.png"
    why = ending(result, why_short(store, name))
    console.print(
        f"{name}: {counted(result.step, 'step')}{why}; checkpoint {result.checkpoint}, in {out}: {files}",
        highlight=False,
    )
    return result


def _merge(training: Training, name: str) -> None:
    """Raises ValueError for checkpoints that cannot be merged, and for a merge of others in its folder."""
    target = training.out / name
    weights = training.pipeline.recipe.merges[name]
    parts = {start_of(training.out, start): weight for start, weight in weights.items()}
    if target.exists():
        check_merge(target, parts)
    else:
        merge(parts, target)
    console.print(
        f"{name}: {' + '.join(f'{weight:g} {start}' for start, weight in weights.items())}, in {target}",
        highlight=False,
    )


def ending(result: Result, reason: str = "") -> str:
    """A clause for a run that the end of the stream ended early, with the reason; otherwise empty."""
    if not result.at_end or not (result.exhausted or reason):
        return ""
    declared = f" of {result.declared} declared" if result.exhausted else ""
    why = f": {reason}" if reason else ""
    return f"{declared}; the stream ended there, after {counted(result.draws, 'draw')}{why}"


def has_held_out(store: Store) -> bool:
    """Whether there are held-out samples; prints a line where there are none."""
    if not holds_out(store):
        console.print("no validation data in this corpus; `hold_out:` at a source keeps some", highlight=False)
        return False
    return True
