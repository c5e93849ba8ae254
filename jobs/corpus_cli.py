"""The commands that look at a corpus: `weft status`, `audit`, `rejects` and `inspect`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from weft.jobs.options import CorpusArgument, JsonOption, LimitOption
from weft.jobs.printing import plain_json
from weft.schemas.faults import RecipeError


def status(corpus: CorpusArgument, as_json: JsonOption = False) -> None:
    """Shows how much of a corpus is done, stage by stage.

    Example: weft status corpus
    """
    from weft.jobs.commands import console, open_built, open_corpus, reading
    from weft.jobs.status import show_begun, show_status
    from weft.jobs.unfinished import begun

    with reading(corpus):
        if begun(store := open_built(corpus)):
            show_begun(console, store, as_json)
        else:
            show_status(console, *open_corpus(corpus), as_json=as_json)


def audit(
    corpus: CorpusArgument,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every byte: parts, models, orders, and each sample of each tar.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compares declared with realised shares, and checks the ledger of every stage. Exits with 1 when a promise is broken.

    Example: weft audit corpus --deep
    """
    from weft.jobs.commands import console, open_corpus, reading
    from weft.jobs.show import show_audit
    from weft.jobs.unfinished import at_work
    from weft.pipelines.mixing.audit import audit as run_audit

    with reading(corpus):
        store, pipeline = open_corpus(corpus)
        report = run_audit(store, pipeline, deep)
    if as_json:
        print(plain_json(json.dumps(asdict(report), indent=1, ensure_ascii=False)))
    else:
        show_audit(console, report)
        if working := at_work(store):
            console.print(f"{working}: what is missing may come yet", highlight=False, markup=False)
    if report.faults:
        raise typer.Exit(1)


def rejects(
    corpus: CorpusArgument,
    reason: Annotated[
        str, typer.Option(help="Only rejects of this reason, such as truncated.", show_default=False)
    ] = "",
    source: Annotated[str, typer.Option(help="Only rejects of this source.", show_default=False)] = "",
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """Lists rejected items with their reasons, and counts them by reason.

    Example: weft rejects corpus --reason truncated
    """
    from weft.jobs.commands import console, open_corpus, reading
    from weft.jobs.rejects import RejectFilter, show_rejects

    with reading(corpus):
        store, pipeline = open_corpus(corpus)
        wanted = RejectFilter(reason=reason, source=source)
        show_rejects(console, store, pipeline, wanted=wanted, limit=limit, as_json=as_json)


def inspect(
    corpus: CorpusArgument,
    key: Annotated[
        str | None, typer.Argument(help="A sample's key, or how it begins; or the name of a file.", show_default=False)
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List samples with their texts; needs no key.")] = False,
    stage: Annotated[str, typer.Option(help="With --list: of one training stage.", show_default=False)] = "",
    task: Annotated[str, typer.Option(help="With --list: of one task.", show_default=False)] = "",
    source: Annotated[str, typer.Option(help="With --list: of one source.", show_default=False)] = "",
    speaker: Annotated[str, typer.Option(help="With --list: of one speaker.", show_default=False)] = "",
    limit: LimitOption = 20,
    as_json: JsonOption = False,
) -> None:
    """Shows one sample: what it is, where it came from, and its spans as text and literals. Or lists samples.

    Example: weft inspect corpus --list --task text

    Example: weft inspect corpus clip-3fa0c1d2e4b5-0000-words-0

    Example: weft inspect corpus clip.wav
    """
    from weft.jobs.commands import console, open_corpus, reading
    from weft.jobs.samples import SampleFilter, list_samples, show_sample

    if key is None and not listed:
        raise RecipeError(f"weft inspect: name a sample's key or a file, or list them: weft inspect {corpus} --list")
    with reading(corpus):
        store, pipeline = open_corpus(corpus)
        if listed:
            wanted = SampleFilter(stage=stage, task=task, source=source, speaker=speaker)
            list_samples(console, store, pipeline, wanted=wanted, limit=limit, as_json=as_json)
        else:
            show_sample(console, store, pipeline, key=key or "", as_json=as_json)
