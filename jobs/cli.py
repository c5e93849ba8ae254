"""The command line: `weft COMMAND --help` shows each with an example.

Exit codes: 0 well, 1 a promise broken or work failed, 2 a wrong recipe or argument.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from weft.jobs.options import AddressOption, EngineOption, WorkersOption, check_engine, parted
from weft.jobs.tokenizer_cli import encode, tokenizer_app
from weft.schemas.recipe_file import RecipeError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich",
    help="Interleaved speech-text training corpora, exact and audited, and the models they are for.",
)  # fmt: skip

RecipeArgument = Annotated[str, typer.Argument(help="A recipe file, or the name of a shipped one.", show_default=False)]
CorpusArgument = Annotated[str, typer.Argument(help="A corpus: a folder or an fsspec url.", show_default=False)]
Overrides = Annotated[list[str] | None, typer.Argument(help="Settings to change, as key=value.", show_default=False)]

app.add_typer(tokenizer_app, name="tokenizer")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("demo"),
    speech: Annotated[
        list[str] | None, typer.Option(help="Your own speech: a folder or a .jsonl manifest; repeatable.")
    ] = None,
    engine: EngineOption = "auto",
    workers: WorkersOption = None,
) -> None:
    """The whole story on embedded backends, in minutes: raw speech to a trained model.

    Example: weft demo --speech ~/my-recordings
    """
    from weft.jobs.demo import run_demo

    check_engine(engine)
    run_demo(out, speech or [], engine, workers)


@app.command()
def validate(recipe: RecipeArgument, overrides: Overrides = None) -> None:
    """Checks a recipe: every key, every backend's settings, every name.

    Example: weft validate my.yaml part_size=200
    """
    from weft.jobs.commands import console, read_house
    from weft.pipelines.revisions import check_checkpoints

    house = read_house(recipe, overrides or [])
    check_checkpoints(house)
    console.print(f"{escape(recipe)}: a sound recipe with {len(house.sources)} sources and {len(house.tasks)} tasks")


@app.command()
def plan(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    out: Annotated[str, typer.Option(help="With --changes: the corpus.", show_default=False)] = "",
    changes: Annotated[bool, typer.Option("--changes", help="What of a corpus would be done again, and why.")] = False,
) -> None:
    """Prints what would be built and what it would cost, from listings and headers alone; nothing is built.

    Exits with 1 when a task has too little data.

    Example: weft plan spirit-lm-base scale=1e-6

    Example: weft plan my.yaml --out corpus --changes
    """
    from weft.jobs.commands import console, open_store, read_house
    from weft.jobs.forecast import show_forecast

    if changes:
        from weft.jobs.changes import show_changes

        if not out:
            raise RecipeError("weft plan --changes: say which corpus, such as --out corpus")
        show_changes(console, read_house(recipe, overrides or []), open_store(out))
        return
    if show_forecast(console, read_house(recipe, overrides or [])):
        raise typer.Exit(1)


@app.command()
def build(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    out: Annotated[str, typer.Option(help="The corpus: a folder or an fsspec url.", show_default=False)] = "",
    engine: EngineOption = "auto",
    address: AddressOption = None,
    workers: WorkersOption = None,
    verify: Annotated[bool, typer.Option(help="Read all that is there first, and make anew what is damaged.")] = False,
) -> None:
    """Builds a corpus, or what is missing of it: run the same command again after anything.

    Example: weft build my.yaml --out corpus align.use=sphinx
    """
    from weft.jobs.commands import build_corpus, console, read_house, tell_endings

    check_engine(engine)
    if not out:
        raise RecipeError("weft build: say where the corpus goes, such as --out corpus")
    house = read_house(recipe, overrides or [])
    progress = build_corpus(house, out, engine, address, workers, verify)
    tell_endings(house, out)
    console.print(
        f"{escape(out)}: {progress.done.total():,} pieces of work done, {progress.kept.total():,} kept from before; "
        f"`weft audit {escape(out)}` shows what is in it",
        highlight=False,
    )


@app.command()
def status(corpus: CorpusArgument) -> None:
    """Shows what of a corpus is done, stage by stage.

    Example: weft status corpus
    """
    from weft.jobs.commands import console, open_corpus, reading
    from weft.jobs.status import show_status

    with reading(corpus):
        show_status(console, *open_corpus(corpus))


@app.command()
def audit(
    corpus: CorpusArgument,
    deep: Annotated[
        bool, typer.Option(help="Read every byte: parts, models, orders, and each sample of each tar.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on standard output.")] = False,
) -> None:
    """Declared against realised, and the ledger of every stage. Exits with 1 when a promise is broken.

    Example: weft audit corpus --deep
    """
    from weft.jobs.commands import console, open_corpus, reading
    from weft.jobs.show import show_audit
    from weft.pipelines.mixing.audit import audit as run_audit

    with reading(corpus):
        found = run_audit(*open_corpus(corpus), deep)
    if as_json:
        print(json.dumps(asdict(found), indent=1, ensure_ascii=False))
    else:
        show_audit(console, found)
    if found.faults:
        raise typer.Exit(1)


@app.command()
def inspect(
    corpus: CorpusArgument, key: Annotated[str, typer.Argument(help="A sample's key, or how it begins.")]
) -> None:
    """One sample in the terminal: what it is, where it came from, and its spans as text and literals.

    Example: weft inspect corpus clip-3fa0c1d2e4b5-0000-words-0
    """
    from weft.jobs.commands import console, open_corpus, reading
    from weft.jobs.samples import show_sample

    with reading(corpus):
        show_sample(console, *open_corpus(corpus), key)


@app.command()
def align(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Audio beside its transcripts, folders of it, or whatever a source reads; and settings, as key=value.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Where the timing files go.", show_default=False)],
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="textgrid, json or ctm; repeatable.", show_default="textgrid")
    ] = None,
    transcripts: Annotated[str, typer.Option(help="Where the transcripts lie, if not beside the audio.")] = "",
    retime: Annotated[bool, typer.Option(help="Align words anew that come with times.")] = False,
    engine: EngineOption = "auto",
    address: AddressOption = None,
    workers: WorkersOption = None,
) -> None:
    """Puts words in time: audio and text in; Praat TextGrids, CTM or JSON out.

    FILE is audio (.txt, .lab, .TextGrid, .ctm beside it), a folder of it, a JSONL or NeMo manifest, Lhotse cuts, a Kaldi
    folder, a Hugging Face dataset, WebDataset tars or a list of urls.

    Example: weft align clip.wav interviews/ --out aligned --format textgrid align.use=sphinx
    """
    from weft.jobs.aligning import Wanted, recipe_of, run_align
    from weft.jobs.commands import make_house

    check_engine(engine)
    paths, settings = parted("weft align", files)
    if out.is_file():
        raise RecipeError(f"--out {out}: a file is there; name a folder")
    source = {k: v for k, v in (("transcripts", transcripts), ("retime", retime)) if v}
    wanted = Wanted(paths, source, tuple(formats or ["textgrid"]), out)
    if not run_align(make_house(recipe_of(wanted), settings), wanted, engine, address, workers):
        raise typer.Exit(1)


@app.command()
def train(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    corpus: Annotated[str, typer.Option(help="The corpus to train on.", show_default=False)] = "",
    stage: Annotated[str, typer.Option(help="The training stage; the recipe's first unless named.")] = "",
    out: Annotated[Path, typer.Option(help="Where the run goes: checkpoints and losses.")] = Path("run"),
    resume: Annotated[bool, typer.Option(help="Go on from the latest checkpoint.")] = False,
) -> None:
    """Trains the reference model on a corpus's shards, one stage.

    Example: weft train my.yaml --corpus corpus --stage pretrain --out run
    """
    from weft.jobs.commands import read_house, reading
    from weft.jobs.training import run_training

    if not corpus:
        raise RecipeError("weft train: say which corpus to train on, such as --corpus corpus")
    if out.is_file():
        raise RecipeError(f"--out {out}: a file is there; a run is a folder")
    with reading(corpus):
        run_training(read_house(recipe, overrides or []), corpus, stage, out, resume)


app.command()(encode)


def main() -> None:
    """Runs a command; what went wrong is one sentence on standard error and an exit code."""
    from weft.jobs.faults import explain

    try:
        app()
    except SystemExit as end:
        if end.code == 130:  # typer has caught Ctrl-C
            print("interrupted; what is done is kept, the same command goes on from here", file=sys.stderr)
        raise
    except Exception as error:  # noqa: BLE001 - the one place where a fault becomes a sentence
        message, code = explain(error)
        print(message, file=sys.stderr)
        sys.exit(code)


if __name__ == "__main__":
    main()
