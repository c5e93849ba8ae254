"""The command line: `weft COMMAND --help` shows each with an example.

Exit codes: 0 success, 1 a broken promise or failed work, 2 a wrong recipe or argument.
"""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from weft.jobs.corpus_cli import audit, inspect, rejects, status
from weft.jobs.help import Command, CommandGroup
from weft.jobs.options import (
    AddressOption,
    DebugOption,
    EngineOption,
    JsonOption,
    WorkersOption,
    check_engine,
    paths_and_settings,
)
from weft.jobs.printing import escape, plain
from weft.jobs.tokenizer_cli import encode, tokenizer_app
from weft.schemas.counting import counted
from weft.schemas.faults import RecipeError

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich", cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip

RecipeArgument = Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped one.", show_default=False)]
Overrides = Annotated[list[str] | None, typer.Argument(help="Settings to change, as key=value.", show_default=False)]

app.add_typer(tokenizer_app, name="tokenizer")


def _show_version(is_set: bool) -> None:
    if is_set:
        print(f"weft {version('weft')}")
        raise typer.Exit


@app.callback()
def weft(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Builds interleaved speech-text training corpora in exact shares, audits them, and trains speech language models on them."""


@app.command(cls=Command)
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
    run_demo(out, speech or [], engine, workers)


@app.command(cls=Command)
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


@app.command(cls=Command)
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
        raise RecipeError("\n".join(absent.values()))
    if absent and not as_json:
        console.print("nothing is counted of sources whose files are not here:", ", ".join(absent), highlight=False)


@app.command(cls=Command)
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
    from weft.jobs.commands import build_corpus, console, open_store, read_pipeline, show_endings
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


for command in (status, audit, rejects, inspect):
    app.command(cls=Command)(command)


@app.command(cls=Command)
def align(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Audio with transcripts beside it, folders, or any path that a source reads; and settings, as key=value.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Where the timing files go.", show_default=False)],
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="textgrid, json or ctm; repeatable.", show_default="textgrid")
    ] = None,
    transcripts: Annotated[str, typer.Option(help="Where the transcripts lie, if not beside the audio.")] = "",
    retime: Annotated[bool, typer.Option("--retime", help="Align words again that come with times.")] = False,
    engine: EngineOption = "auto",
    address: AddressOption = None,
    workers: WorkersOption = None,
    debug: DebugOption = False,
) -> None:
    """Aligns words with audio (start and end times): audio and text in; Praat TextGrids, CTM or JSON out.

    FILE is audio (.txt, .lab, .TextGrid, .ctm beside it), a folder of it, a JSONL or NeMo manifest, Lhotse cuts, a Kaldi
    folder, a Hugging Face dataset, WebDataset tars or a list of urls.

    Example: weft align clip.wav interviews/ --out aligned --format textgrid align.use=sphinx
    """
    from weft.jobs.aligning import AlignRequest, recipe_of, run_align
    from weft.jobs.commands import make_pipeline

    check_engine(engine)
    paths, settings = paths_and_settings("weft align", files)
    if out.is_file():
        raise RecipeError(f"--out {out}: a file is there; name a folder")
    source = {k: v for k, v in (("transcripts", transcripts), ("retime", retime)) if v}
    request = AlignRequest(paths=paths, source=source, formats=tuple(formats or ["textgrid"]), out=out)
    if not run_align(make_pipeline(recipe_of(request), settings), request, engine, address=address, workers=workers):
        raise typer.Exit(1)


@app.command(cls=Command)
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
    if out.is_file():
        raise RecipeError(f"--out {out}: a file is there; a run is a folder")
    with reading(corpus):
        run_training(read_pipeline(recipe, overrides or []), corpus, stage, out=out, resume=resume)


@app.command(cls=Command)
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
    with reading(corpus or str(run)):
        run_evaluate(run, as_json, corpus, stage)


@app.command(cls=Command)
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

    run_merge(parts, out)


app.command(cls=Command)(encode)


def main() -> None:
    """Runs a command. An error becomes one sentence on standard error and an exit code."""
    from weft.jobs.faults import explain

    try:
        app()
    except SystemExit as end:
        if end.code == 130:  # typer has caught Ctrl-C
            print("interrupted; finished work is kept, and the same command continues", file=sys.stderr)
        raise
    except Exception as error:  # noqa: BLE001 - the one place where an error becomes a sentence
        message, code = explain(error)
        print(plain(message), file=sys.stderr)
        sys.exit(code)


if __name__ == "__main__":
    main()
