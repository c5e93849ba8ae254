"""The commands that take a recipe to a corpus: `weft demo`, `validate`, `plan` and `build`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from weft.jobs.options import (
    AddressOption,
    DebugOption,
    EngineOption,
    JsonOption,
    Overrides,
    RecipeArgument,
    WorkersOption,
    check_engine,
    check_folder,
)
from weft.jobs.printing import escape, plain
from weft.schemas.counting import counted
from weft.schemas.faults import RecipeError


def demo(
    out: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("demo"),
    speech: Annotated[
        list[str] | None, typer.Option(help="Your own speech: a folder or a .jsonl manifest; repeatable.")
    ] = None,
    engine: EngineOption = "auto",
    workers: WorkersOption = None,
    debug: DebugOption = False,
) -> None:
    """Builds a corpus from raw speech and trains a model on it: embedded backends alone, in minutes.

    Example: weft demo --speech ~/my-recordings
    """
    from weft.jobs.demo import run_demo

    check_engine(engine)
    check_folder(f"--out {out}", out, "the demo")
    run_demo(out, speech or [], engine, workers)


def validate(recipe: RecipeArgument, overrides: Overrides = None) -> None:
    """Checks a recipe: every key, every backend's settings, every name and path. Prints all mistakes at once, with their lines.

    Example: weft validate my.yaml part_size=200
    """
    from weft.jobs.commands import check_recipe, console

    pipeline, missing = check_recipe(recipe, overrides or [])
    sources, tasks = counted(len(pipeline.sources), "source"), counted(len(pipeline.tasks), "task")
    console.print(f"{escape(recipe)}: the recipe is valid, with {sources} and {tasks}")
    for sentence in missing:
        console.print(escape(sentence), highlight=False)


def plan(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    out: Annotated[str, typer.Option(help="With --changes: the corpus.", show_default=False)] = "",
    changes: Annotated[bool, typer.Option("--changes", help="List what a build would do again, and why.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Prints what would be built and what it would cost, from listings and headers alone; nothing is built.

    Of a published system it prints the paper's tables beside. Exits with 1 when a task has too little data.

    Example: weft plan my.yaml training.pretrain.mixture.scale=0.5

    Example: weft plan my.yaml --out corpus --changes
    """
    from weft.jobs.commands import absent_sources, console, is_own, open_built, read_pipeline, refuse_unfit
    from weft.jobs.forecast_tables import show_forecast

    if changes:
        from weft.jobs.changes import show_changes

        if not out:
            raise RecipeError("weft plan --changes: name the corpus, such as --out corpus")
        if as_json:
            raise RecipeError(
                "weft plan --changes: --json is not supported; it prints one line for each stage and source"
            )
        show_changes(console, read_pipeline(recipe, overrides or []), open_built(out))
        return
    if out:
        raise RecipeError("weft plan: --out is for --changes; without it no corpus is looked at")
    pipeline = read_pipeline(recipe, overrides or [])
    absent = absent_sources(recipe, overrides or [], pipeline)
    if absent and not pipeline.recipe.published.stages:
        raise RecipeError("\n".join(absent.values()))
    for sentence in refuse_unfit(recipe, overrides or [], pipeline, absent):
        print(plain(sentence), file=sys.stderr)
    if show_forecast(console, pipeline, as_json, absent):
        raise typer.Exit(1)
    if absent and is_own(recipe):
        if as_json:
            raise typer.Exit(2)  # the object has the sentences
        raise RecipeError("\n".join(absent.values()))
    if absent and not as_json:
        console.print("nothing is counted of sources whose files are not here:", ", ".join(absent), highlight=False)


def build(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    out: Annotated[str, typer.Option(help="The corpus: a folder or an fsspec url.", show_default=False)] = "",
    engine: EngineOption = "auto",
    address: AddressOption = None,
    workers: WorkersOption = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read the whole corpus first, and build damaged files again.")
    ] = False,
    debug: DebugOption = False,
) -> None:
    """Builds a corpus, or what is missing of it: after an interruption or a change run the same command again.

    Exits with 1 when a whole source or language was rejected.

    Example: weft build my.yaml --out corpus align.use=sphinx
    """
    from weft.jobs.building import build_corpus, show_endings
    from weft.jobs.commands import console, open_store, read_pipeline
    from weft.jobs.rejects import show_end

    check_engine(engine)
    if not out:
        raise RecipeError("weft build: name the folder of the corpus, such as --out corpus")
    pipeline = read_pipeline(recipe, overrides or [])
    progress = build_corpus(pipeline, out, engine, address=address, workers=workers, verify=verify)
    show_endings(pipeline, out)
    console.print(
        f"{escape(out)}: {counted(progress.done.total(), 'part')} built, {progress.kept.total():,} reused; "
        f"`weft audit {escape(out)}` shows what is in it",
        highlight=False,
    )
    if show_end(console, open_store(out), pipeline):
        raise typer.Exit(1)
