"""`weft evaluate`: the table of a run's evaluations, or its stages measured on the held-out samples of another corpus.

    run_evaluate(Path("run"), as_json=False)
    run_evaluate(Path("run"), as_json=False, corpus="other", stage="sft")

Of another corpus losses and preference pairs are measured, by that corpus's tasks and contexts; nothing is written. Its vocabulary must
be the run's.
"""

import json
from pathlib import Path

from weft.jobs.commands import console, open_corpus
from weft.jobs.evaluation import HeldOutCorpus, settings_of
from weft.jobs.evaluation_tables import show_evaluation
from weft.jobs.printing import plain_json
from weft.schemas import recipe_file
from weft.schemas.faults import RecipeError
from weft.schemas.objectives import RewardModel
from weft.schemas.recipe import Recipe
from weft.schemas.vocabulary import Vocabulary
from weft.trainer.checkpoint import verify
from weft.trainer.evaluation import record
from weft.trainer.evaluation.record import EvaluationRow
from weft.trainer.merging import RECORD
from weft.trainer.runs import CHECKPOINTS, ended, start_of


def run_evaluate(run: Path, as_json: bool, corpus: str = "", stage: str = "") -> None:
    """Prints the evaluations that the run holds, or those on `corpus`. Raises RecipeError where there are none."""
    if stage and not corpus:
        raise RecipeError("weft evaluate: --stage names what to measure on another corpus; name that with --corpus")
    _check_is_run(run)
    rows = _measured(run, corpus, stage) if corpus else record.read(run)
    if not rows:
        raise RecipeError(
            f"{run} holds no evaluation; `weft train --resume` writes it, where the corpus holds something out (`hold_out:`)"
        )
    if as_json:
        print(plain_json(json.dumps([row.as_record(rows) for row in rows.values()], indent=1)))
    else:
        show_evaluation(console, rows, f"Evaluation on {corpus}" if corpus else "Evaluation")


def _check_is_run(run: Path) -> None:
    """Raises RecipeError for a folder in which nothing was trained."""
    begun = (*run.glob(f"*/{CHECKPOINTS}"), *run.glob(f"*/{RECORD}"), *run.glob(record.NAME))
    if not begun:
        raise RecipeError(f"{run} holds no run; name the folder that `weft train --out` wrote")


def _measured(run: Path, corpus: str, stage: str) -> dict[str, EvaluationRow]:
    """A row for the stage, or for each that has ended, measured on the corpus. Raises RecipeError, and ValueError for a damaged
    checkpoint.
    """
    store, pipeline = open_corpus(corpus)
    held_out_corpus = HeldOutCorpus(pipeline=pipeline, store=store)
    recipe = _recipe_of(run)
    _check_stage(recipe, stage)
    names = [name for name in recipe.training_order if ended(run, name) and stage in ("", name)]
    if not names:
        raise RecipeError(
            f"{run}: stage {stage!r} was not trained to its end here" if stage else f"{run}: no stage has ended"
        )
    if all(_is_reward_model(recipe, name) for name in names):
        raise _no_losses(names[0])
    rows: dict[str, EvaluationRow] = {}
    with held_out_corpus.samples() as held_out:
        if held_out is None:
            raise RecipeError(f"{corpus} holds no samples to evaluate with; `hold_out:` at a source keeps some")
        for name in names:
            weights = start_of(run, name)
            verify(weights)
            _check_vocabulary(weights, held_out_corpus.vocabulary, corpus)
            measured = held_out_corpus.measured(name, held_out, settings_of(recipe, name), weights)
            rows[name] = EvaluationRow(
                name=name,
                made_from=held_out.fingerprint,
                started_from=_started_from(recipe, name),
                figures=measured.figures,
                preferred=measured.preferred,
            )
    return rows


def _check_stage(recipe: Recipe, stage: str) -> None:
    """Raises RecipeError for a stage that the run does not have, and for a reward model."""
    if stage and stage not in recipe.training_order:
        raise RecipeError(f"no stage {stage!r} in the run; it has {', '.join(recipe.training_order)}")
    if stage and _is_reward_model(recipe, stage):
        raise _no_losses(stage)


def _is_reward_model(recipe: Recipe, stage: str) -> bool:
    return isinstance(settings_of(recipe, stage).objective, RewardModel)


def _no_losses(stage: str) -> RecipeError:
    return RecipeError(
        f"stage {stage!r} is a reward model, which gives scores and no text: it has no losses to measure; `weft evaluate` without "
        "--corpus shows its accuracy on the pairs that its own corpus holds out"
    )


def _started_from(recipe: Recipe, name: str) -> dict[str, float]:
    return recipe.merges.get(name) or dict.fromkeys(recipe.starts(name), 1.0)


def _recipe_of(run: Path) -> Recipe:
    """The recipe that the run's stages were trained with. Raises RecipeError where the folder holds none, or one of another version."""
    files = sorted(run.glob("*/checkpoints/step-*/recipe.yaml"), key=lambda file: file.stat().st_mtime)
    if not files:
        raise RecipeError(f"{run} holds no checkpoint; name the folder that `weft train --out` wrote")
    try:
        return recipe_file.load(str(files[-1]))
    except RecipeError as fault:
        again = "measure it with the version of weft that trained it"
        raise RecipeError(f"{fault}\n{run}: if another version of weft trained this run, {again}") from None


def _check_vocabulary(weights: Path, vocabulary: Vocabulary, corpus: str) -> None:
    """Raises RecipeError."""
    own = Vocabulary.from_json((weights / "vocabulary.json").read_text(encoding="utf-8"))
    if own.fingerprint != vocabulary.fingerprint:
        raise RecipeError(
            f"{corpus} has another vocabulary than {weights}: the ids of its samples mean other tokens; build it with that vocabulary"
        )
