"""The commands that take audio to files and need no recipe: `weft align` and `encode`."""

from pathlib import Path
from typing import Annotated

import typer

from weft.jobs.options import (
    AddressOption,
    DebugOption,
    EngineOption,
    WorkersOption,
    check_engine,
    check_folder,
    check_parents,
    paths_and_settings,
)


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
    check_folder(f"--out {out}", out, "the output")
    source = {k: v for k, v in (("transcripts", transcripts), ("retime", retime)) if v}
    request = AlignRequest(paths=paths, source=source, formats=tuple(formats or ["textgrid"]), out=out)
    if not run_align(make_pipeline(recipe_of(request), settings), request, engine, address=address, workers=workers):
        raise typer.Exit(1)


def encode(
    files: Annotated[
        list[str], typer.Argument(help="Audio, folders of it, or whatever a source reads.", show_default=False)
    ],
    tokenizer: Annotated[
        list[Path],
        typer.Option(
            help="A trained folder of `weft tokenizer train`, or hf://org/name; repeatable.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option(help="The table of tokens, a .parquet file.", show_default=False)],
    merge: Annotated[
        str, typer.Option(help="How several tokenizers become one stream: time, or groups such as 2:3.")
    ] = "time",
    engine: EngineOption = "auto",
    address: AddressOption = None,
    workers: WorkersOption = None,
    debug: DebugOption = False,
) -> None:
    """Turns speech into tokens: audio in, a table of ids, durations and literals out.

    The tokens of several tokenizers become one stream: ordered by time as in Spirit LM Expressive, where tokens that begin together
    keep the order of the options, or in groups as in Step-Audio-AQAA.

    Example: weft encode clip.wav --tokenizer models/style --tokenizer models/pitch --tokenizer models/hubert --out tokens.parquet
    """
    from weft.jobs.encoding import EncodeRequest, run_encode

    check_engine(engine)
    paths, settings = paths_and_settings("weft encode", files)
    check_parents(f"--out {out}", out)
    request = EncodeRequest(paths=paths, tokenizers=tuple(tokenizer), out=out, merge=merge)
    if not run_encode(request, settings, engine, address=address, workers=workers):
        raise typer.Exit(1)
