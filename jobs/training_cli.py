"""The commands that train and measure models: `weft train`, `evaluate` and `merge`."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from weft.jobs.options import DebugOption, JsonOption, Overrides, RecipeArgument, check_folder, check_parents
from weft.schemas.faults import RecipeError


def train(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    corpus: Annotated[str, typer.Option(help="The corpus to train on.", show_default=False)] = "",
    stage: Annotated[str, typer.Option(help="One training stage or merge; all of them in order unless named.")] = "",
    out: Annotated[
        Path, typer.Option(help="Where the run goes: a folder a stage, with checkpoints and losses.")
    ] = Path("run"),
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the latest checkpoints.")] = False,
    debug: DebugOption = False,
) -> None:
    """Trains the stages of the reference model in order on the shards of a corpus.

    Example: weft train my.yaml --corpus corpus --out run
    """
    from weft.jobs.commands import read_pipeline, reading
    from weft.jobs.training import run_training

    if not corpus:
        raise RecipeError("weft train: name the corpus, such as --corpus corpus")
    check_folder(f"--out {out}", out, "a run")
    with reading(corpus):
        run_training(read_pipeline(recipe, overrides or []), corpus, stage, out=out, resume=resume)


def evaluate(
    run: Annotated[
        Path, typer.Argument(help="The folder of a run: what `weft train --out` wrote.", show_default=False)
    ],
    corpus: Annotated[
        str, typer.Option(help="Measure on the held-out samples of this corpus instead.", show_default=False)
    ] = "",
    stage: Annotated[
        str, typer.Option(help="With --corpus: one stage or merge; all that have ended unless named.")
    ] = "",
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Shows what each stage of a run learnt, on held-out samples: losses of text and speech, preferences, the cost to the text.

    Example: weft evaluate run

    Example: weft evaluate run --corpus corpus --stage pretrain
    """
    from weft.jobs.commands import reading
    from weft.jobs.evaluate_run import run_evaluate

    if not run.is_dir():
        raise RecipeError(f"{run}: no such folder; name the one that `weft train --out` wrote")
    with reading(corpus) if corpus else nullcontext():
        run_evaluate(run, as_json, corpus, stage)


def merge(
    parts: Annotated[
        list[str], typer.Argument(help="Checkpoints or stages of a run, each with its weight: FOLDER=WEIGHT.")
    ],
    out: Annotated[Path, typer.Option(help="The folder of the merge.", show_default=False)],
    debug: DebugOption = False,
) -> None:
    """Writes the weighted mean of the weights of several checkpoints of one model.

    Example: weft merge run/sft-1=5 run/sft-2=5 run/dpo=1 --out run/final
    """
    from weft.jobs.merging import run_merge

    check_parents(f"--out {out}", out)
    run_merge(parts, out)
