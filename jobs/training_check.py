"""What no training should begin with, told before its first stage does: first what the recipe, the folder of the run and the machine
show, then what the corpus does, and last what takes longer.

run = PlannedRun(pipeline=pipeline, out=Path("run"), names=("base", "sft", "final"), resume=False)
check_run(run)
check_corpus(run, "corpus", store=store, built=built)
check_stages(run, store, encoders)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from weft.jobs.network_check import WeightLines, check_networks
from weft.jobs.reply_check import check_replies, vocabulary_files
from weft.jobs.resume_check import check_resumed
from weft.jobs.same_recipe import check_same
from weft.jobs.shard_reading import shards_of
from weft.jobs.start_check import check_starts
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.refusals import refusal_of
from weft.pipelines.mixing.shards import index_name
from weft.pipelines.parts.tables import opened_part
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError
from weft.schemas.plan import VALIDATION_STAGE
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.models.encoders import FrozenEncoders
from weft.trainer.runs import ended
from weft.trainer.sample_check import check_samples


@dataclass(frozen=True)
class PlannedRun:
    """The stages and merges that one `weft train` is to train, in order."""

    pipeline: Pipeline
    out: Path
    names: Sequence[str]
    resume: bool

    @property
    def stages(self) -> list[str]:
        """Without merges."""
        return [name for name in self.names if name in self.pipeline.recipe.training]

    @property
    def lines(self) -> WeightLines:
        return WeightLines(recipe=self.pipeline.recipe, out=self.out, names=self.names)


def check_run(run: PlannedRun) -> None:
    """Raises RecipeError for a folder that holds no run or another, stages whose start was not trained, and networks that cannot be."""
    for name in run.stages:
        _check_targets(run.pipeline, name)
    _check_folder(run)
    check_networks(run.pipeline, run.lines)


def check_corpus(run: PlannedRun, corpus: str, store: Store, built: Pipeline) -> None:
    """`built` is the recipe that the corpus was built from. Raises RecipeError for a corpus that is not the recipe's or lacks shards,
    and for replies that could not end or do not fit.
    """
    recipe = run.pipeline.recipe
    for name in run.stages:
        if not store.exists(index_name(name)):
            why = refusal_of(store, name, recipe.training[name])
            raise RecipeError(f"{corpus}: no shards for stage {name!r}; {why or '`weft build` makes them'}")
        check_replies(run.pipeline, store, name)
    check_same(run.pipeline, built, corpus, run.stages)


def check_stages(run: PlannedRun, store: Store, encoders: FrozenEncoders) -> None:
    """Raises RecipeError for stages that cannot learn from their samples, go on as the recipe says, or start with the vocabulary;
    ValueError for damaged samples.
    """
    vocabulary = Vocabulary.from_json(store.read("vocabulary/vocabulary.json").decode())
    steps = {name: _steps(run, store, name, vocabulary=vocabulary, encoders=encoders) for name in run.stages}
    check_resumed(run.pipeline.recipe, run.out, {name: steps.get(name, 0) for name in run.names})
    check_starts(run.lines, vocabulary, vocabulary_files(store), encoders)


def _steps(run: PlannedRun, store: Store, name: str, vocabulary: Vocabulary, encoders: FrozenEncoders) -> int:
    """The steps of a stage. Raises RecipeError and ValueError for samples that it cannot learn from."""
    held_out = holds_out(store)
    with shards_of(store, [name, *([VALIDATION_STAGE] if held_out else [])]) as (shards, open_tar):
        return check_samples(
            shards / name,
            run.pipeline.recipe.training[name],
            vocabulary,
            modalities=encoders.keys(),
            validation=shards / VALIDATION_STAGE if held_out else None,
            open_tar=open_tar,
        )


def holds_out(store: Store) -> bool:
    """Whether there are held-out samples. A build writes an empty index for them."""
    if not store.exists(index_name(VALIDATION_STAGE)):
        return False
    with opened_part(store, index_name(VALIDATION_STAGE)) as index:
        return bool(index.metadata.num_rows)


def _check_folder(run: PlannedRun) -> None:
    """Raises RecipeError."""
    begun = [name for name in run.names if (run.out / name).exists()]
    if run.resume and not begun:
        raise RecipeError(
            f"{run.out} holds no run of {', '.join(run.names)} to resume; leave --resume out to begin one"
        )
    if begun and not run.resume:
        raise RecipeError(
            f"{run.out} holds a run of {', '.join(begun)} already; resume it (--resume) or name a new folder"
        )
    recipe = run.pipeline.recipe
    for name in run.names:
        for start in recipe.needs(name):
            if start not in run.names and not ended(run.out, start):
                key = "model.start" if start in recipe.starts(name) else "objective.rewards"
                where = f"training.{name}.{key}" if name in recipe.training else f"merges.{name}"
                raise RecipeError(
                    f"{where}: stage {start!r} was not trained to its end in {run.out}; train it first, with --stage {start}"
                )


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
