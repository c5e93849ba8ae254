"""The command line: `weft COMMAND --help` shows each with an example.

Exit codes: 0 success, 1 a broken promise or failed work, 2 a wrong recipe or argument.
The commands are in `*_cli.py`, by what they are about; here they get their order, and errors become sentences.
"""

import json
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from weft.jobs.corpus_cli import audit, inspect, rejects, status
from weft.jobs.help import Command, CommandGroup
from weft.jobs.interruption import interrupted
from weft.jobs.printing import plain, plain_json
from weft.jobs.recipe_cli import build, demo, plan, validate
from weft.jobs.speech_cli import align, encode
from weft.jobs.tokenizer_cli import tokenizer_app
from weft.jobs.training_cli import evaluate, merge, train

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich", cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
for command in (
    demo, validate, plan, build, status, audit, rejects, inspect, align, train, evaluate, merge, encode,
):  # fmt: skip
    app.command(cls=Command)(command)
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


def main() -> None:
    """Runs a command. An error becomes an exit code and one sentence on standard error; with --json, an object on standard output."""
    from weft.jobs.faults import explain

    try:
        app()
    except SystemExit as end:
        if end.code == 130:  # typer has caught Ctrl-C
            print(interrupted(sys.argv[1:]), file=sys.stderr)
        raise
    except Exception as error:  # noqa: BLE001 - the one place where an error becomes a sentence
        message, code = explain(error)
        print(plain(message), file=sys.stderr)
        if "--json" in sys.argv:  # whoever reads standard output gets JSON, whatever happens
            print(plain_json(json.dumps({"error": message}, ensure_ascii=False)))
        sys.exit(code)


if __name__ == "__main__":
    main()
