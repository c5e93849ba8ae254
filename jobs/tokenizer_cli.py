"""The commands of speech tokenizers: `weft tokenizer train | evaluate | list`."""

from pathlib import Path
from typing import Annotated

import typer

from weft.jobs.help import Command, CommandGroup
from weft.jobs.options import (
    AddressOption,
    DebugOption,
    EngineOption,
    WorkersOption,
    check_engine,
    check_folder,
    paths_and_settings,
)

tokenizer_app = typer.Typer(
    no_args_is_help=True, cls=CommandGroup, help="Trains, measures and lists speech tokenizers."
)


@tokenizer_app.command("train", cls=Command)
def tokenizer_train(
    use: Annotated[
        str, typer.Argument(help="The tokenizer's name: `weft tokenizer list` shows all.", show_default=False)
    ],
    files: Annotated[
        list[str],
        typer.Argument(
            help="Speech, with transcripts and labels where there are any; and settings of the tokenizer, as key=value.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Where the tokenizer goes.", show_default=False)],
    engine: EngineOption = "auto",
    address: AddressOption = None,
    workers: WorkersOption = None,
    debug: DebugOption = False,
) -> None:
    """Trains a speech tokenizer. After an interruption the same command continues.

    `fsq` and `linguistic` learn from transcripts, `style` from emotions and speakers where they are known, `pitch` from speakers.

    Example: weft tokenizer train hubert recordings/ --out models/hubert size=200 training.steps=1000
    """
    from weft.jobs.tokenizing import run_training

    check_engine(engine)
    paths, settings = paths_and_settings("weft tokenizer train", files)
    check_folder(f"--out {out}", out, "a tokenizer")
    run_training(use, paths, settings, out=out, engine=engine, address=address, workers=workers)


@tokenizer_app.command("evaluate", cls=Command)
def tokenizer_evaluate(
    tokenizer: Annotated[
        Path, typer.Argument(help="A trained folder of `weft tokenizer train`, or hf://org/name.", show_default=False)
    ],
    files: Annotated[
        list[str], typer.Argument(help="Speech that it was not trained on, with transcripts.", show_default=False)
    ],
    beside: Annotated[
        list[Path] | None,
        typer.Option(help="Another trained tokenizer, in a column of its own; repeatable.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the speech is aligned and encoded.")] = Path("evaluation"),
    engine: EngineOption = "auto",
    address: AddressOption = None,
    workers: WorkersOption = None,
    debug: DebugOption = False,
) -> None:
    """Measures a tokenizer: how well its codes predict phones, speakers and emotions, their robustness to noise, their bit rate.

    Compare each figure with that of MFCC k-means (`cepstra`) of the same size and rate, trained on the same speech.

    Example: weft tokenizer evaluate models/hubert test-clips/ --beside models/cepstra
    """
    from weft.jobs.evaluating import run_evaluation

    check_engine(engine)
    paths, settings = paths_and_settings("weft tokenizer evaluate", files)
    check_folder(f"--out {out}", out, "the output")
    run_evaluation(
        [tokenizer, *(beside or [])], paths, settings, out=out, engine=engine, address=address, workers=workers
    )


@tokenizer_app.command("list", cls=Command)
def tokenizer_list() -> None:
    """Lists the speech tokenizers with their rates, codebook sizes and literals.

    Example: weft tokenizer list
    """
    from weft.jobs.tokenizing import show_tokenizers

    show_tokenizers()
