"""`weft train`: the stages of a recipe in order, or one of them, on a corpus.

run_training(pipeline, "corpus", stage="", out=Path("run"), resume=False)      run/align/…, run/extend/…, run/final/…
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from weft.jobs.commands import console, open_present
from weft.jobs.evaluation import HeldOutCorpus, StageEvaluation
from weft.jobs.model_check import check_bases, check_models
from weft.jobs.reply_check import check_replies, vocabulary_files
from weft.jobs.same_recipe import check_same
from weft.jobs.shard_reading import shards_of
from weft.jobs.training_encoders import encoders_of, latents_of
from weft.jobs.training_progress import progress
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.plan_files import ending as why_short
from weft.pipelines.mixing.refusals import refusal_of
from weft.pipelines.mixing.shards import index_name
from weft.pipelines.parts.tables import opened_part
from weft.pipelines.storage.store import Store
from weft.schemas.counting import counted
from weft.schemas.faults import RecipeError
from weft.schemas.plan import VALIDATION_STAGE
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.merging import check_merge, merge
from weft.trainer.runs import ended, start_of
from weft.trainer.train import Result, train


@dataclass(frozen=True)
class Training:
    """What all stages of one `weft train` share."""

    pipeline: Pipeline
    corpus: str
    store: Store
    out: Path
    resume: bool


def run_training(pipeline: Pipeline, corpus: str, stage: str, out: Path, resume: bool) -> tuple[Result, ...]:
    """Trains the stage, or with "" all stages and merges of the recipe in order, and evaluates each; shows progress. What has ended is
    kept with `resume`.

    Raises RecipeError for an unknown stage, a missing corpus or missing shards, a stage whose start was not trained, and a `resume`
    where nothing was begun.
    """
    recipe = pipeline.recipe
    if not recipe.training:
        raise RecipeError(
            "the recipe has no `training:`, so there is nothing to train; recipes/demo.yaml shows a stage"
        )
    if stage and stage not in recipe.training_order:
        raise RecipeError(f"no training stage {stage!r}; the recipe has {', '.join(recipe.training_order)}")
    names = (stage,) if stage else recipe.training_order
    training = Training(pipeline=pipeline, corpus=corpus, store=open_present(corpus), out=out, resume=resume)
    _check(training, names)
    evaluation = evaluation_of(training)
    results = []
    for name in names:
        with _named(out / name):
            if name in recipe.merges:
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


def _check(training: Training, names: Sequence[str]) -> None:
    """Raises RecipeError for what no stage should begin with, before the first one does."""
    recipe = training.pipeline.recipe
    trained = [name for name in names if name in recipe.training]
    check_models(recipe, trained)
    check_bases(recipe, trained)
    for name in trained:
        _check_targets(training.pipeline, name)
        if not training.store.exists(index_name(name)):
            why = refusal_of(training.store, name, recipe.training[name])
            raise RecipeError(f"{training.corpus}: no shards for stage {name!r}; {why or '`weft build` makes them'}")
        check_replies(training.pipeline, training.store, name)
    begun = [name for name in names if (training.out / name).exists()]
    if training.resume and not begun:
        raise RecipeError(
            f"{training.out} holds no run of {', '.join(names)} to resume; leave --resume out to begin one"
        )
    if begun and not training.resume:
        raise RecipeError(
            f"{training.out} holds a run of {', '.join(begun)} already; resume it (--resume) or name a new folder"
        )
    for name in names:
        for start in recipe.needs(name):
            if start not in names and not ended(training.out, start):
                key = "model.start" if start in recipe.starts(name) else "objective.rewards"
                where = f"training.{name}.{key}" if name in recipe.training else f"merges.{name}"
                raise RecipeError(
                    f"{where}: stage {start!r} was not trained to its end in {training.out}; train it first, with --stage {start}"
                )
    check_same(training.pipeline, training.corpus, trained)


def _check_targets(pipeline: Pipeline, stage: str) -> None:
    """Raises RecipeError for prompts that the stage's objective does not learn from, and for other samples where it needs prompts."""
    tasks, objective = pipeline.recipe.training[stage].mixture.tasks, pipeline.recipe.training[stage].objective
    prompts = [task for task in tasks if pipeline.tasks[task].is_prompt]
    if prompts and objective.takes != "prompts":
        raise RecipeError(
            f"stage {stage!r} holds prompts ({', '.join(prompts)}), none of whose tokens counts in the loss, and `objective: "
            f"{objective.use}` learns nothing of them: grpo and ppo do"
        )
    if objective.takes == "prompts" and (others := [task for task in tasks if task not in prompts]):
        raise RecipeError(
            f"stage {stage!r}: `objective: {objective.use}` learns from prompts, and the task {others[0]!r} writes none "
            "(`use: prompts` does)"
        )


def _train(training: Training, name: str, held_out: bool) -> Result:
    store, recipe, out = training.store, training.pipeline.recipe, training.out / name
    vocabulary = Vocabulary.from_json(store.read("vocabulary/vocabulary.json").decode())
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    settings = recipe.training[name]
    start = start_of(training.out, settings.model.start) if settings.model.start else None
    reward_models = [stage for stage in recipe.needs(name) if stage not in recipe.starts(name)]
    encoders = encoders_of(training.pipeline, store, latents_of(training.pipeline))
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
            encoders=encoders,
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
    """Whether there are held-out samples; prints a line where there are none. A build writes an empty index for them."""
    if store.exists(index_name(VALIDATION_STAGE)):
        with opened_part(store, index_name(VALIDATION_STAGE)) as index:
            if index.metadata.num_rows:
                return True
    console.print("no validation data in this corpus; `hold_out:` at a source keeps some", highlight=False)
    return False
