"""What the commands share: reading a recipe with its backends, and opening a corpus."""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from rich.console import Console

from weft.jobs.options import check_folder
from weft.jobs.printing import escape
from weft.jobs.unfinished import absent, not_there
from weft.pipelines.choices.recipe_faults import RecipeFault
from weft.pipelines.corpus.corpus_folder import check_format, is_corpus
from weft.pipelines.corpus.saved_pipeline import SavedPipeline, is_as_written
from weft.pipelines.graph import Pipeline
from weft.pipelines.storage.damage import Damaged, remedy
from weft.pipelines.storage.store import Store
from weft.schemas import recipe_file
from weft.schemas.faults import RecipeError
from weft.schemas.recipe_check import check, explain
from weft.schemas.recipe_text import RecipeText

console = Console(soft_wrap=not os.isatty(1), width=None if os.isatty(1) else 160)


def read_pipeline(path: str, overrides: Sequence[str] = (), kind: type[Pipeline] = Pipeline) -> Pipeline:
    """Reads a recipe and creates its backends. Raises RecipeError, with the file and line."""
    try:
        return _checked(recipe_file.read(path, overrides), kind)
    except RecursionError:
        raise RecipeError(f"{path}: it is nested too deeply, or holds itself") from None


def check_recipe(path: str, overrides: Sequence[str] = ()) -> tuple[Pipeline, tuple[str, ...]]:
    """A valid recipe with its backends, and the missing paths of a shipped recipe, which are examples.

    Raises RecipeError with every mistake and, for a recipe of the user's own, every missing path.
    """
    from weft.jobs.mistakes import mistakes

    try:
        problems = mistakes(recipe_file.read(path, overrides))
    except RecursionError:
        raise RecipeError(f"{path}: it is nested too deeply, or holds itself") from None
    if wrong := (*problems.wrong, *(problems.missing if is_own(path) else ())):
        raise RecipeError("\n".join(wrong))
    return read_pipeline(path, overrides), problems.missing


def is_own(path: str) -> bool:
    """Whether a recipe is the user's own; the paths of a shipped one are examples."""
    return any(os.path.isfile(name) for name in (path, f"{path}.yaml"))


def absent_sources(path: str, overrides: Sequence[str], pipeline: Pipeline) -> dict[str, str]:
    """The sources whose files are missing, with a sentence for each that names its line."""
    from weft.jobs.checks.missing import missing_sources

    source = recipe_file.read(path, overrides)
    gone: dict[str, list[str]] = {}
    for fault in missing_sources(pipeline):
        gone.setdefault(fault.path[1], []).append(explain(source, fault.path, fault.message))
    return {name: "\n".join(sentences) for name, sentences in gone.items()}


def refuse_unfit(path: str, overrides: Sequence[str], pipeline: Pipeline, absent: Collection[str]) -> tuple[str, ...]:
    """Raises RecipeError, with the lines, for tasks that can make nothing of a source, as its listing shows.

    Returns a sentence for each of which that is not known, as not all of the source was read.
    """
    from weft.jobs.checks.material import fits

    checked = fits(pipeline, absent)
    if checked.misfits:
        source = recipe_file.read(path, overrides)
        faults = (explain(source, fault.path, fault.message) for fault in checked.misfits)
        raise RecipeError("\n".join(faults))
    return checked.unread


def make_pipeline(recipe: dict[str, Any], overrides: Sequence[str] = ()) -> Pipeline:
    """Creates the backends of a recipe that a command composes. Raises RecipeError."""
    return _checked(recipe_file.from_mapping(recipe, overrides), Pipeline)


def _checked(source: RecipeText, kind: type[Pipeline]) -> Pipeline:
    try:
        pipeline = kind(check(source))
        pipeline.check()
    except RecipeFault as fault:
        raise RecipeError(explain(source, fault.path, fault.message, kind=fault.kind)) from None
    return pipeline


def open_store(url: str) -> Store:
    """Opens the folder or url of a corpus. Raises RecipeError for a file, for what would lie in one, and for a url whose protocol is
    unknown or not installed.
    """
    try:
        store = Store(url)
    except (ImportError, ValueError) as error:
        raise RecipeError(f"{url}: {error}") from None
    if store.local:
        check_folder(url, Path(store.root), "a corpus")
    return store


@contextmanager
def reading(url: str) -> Iterator[None]:
    """Turns errors of a missing or damaged file of a corpus into a RecipeError that names the command that repairs it. A missing file
    of something else, such as a run, stays what it is.
    """
    try:
        yield
    except FileNotFoundError as error:
        store = open_store(url)
        if not _is_in(store, error):
            raise
        raise RecipeError(not_there(store, error.filename or error)) from None
    except Damaged as damage:
        raise RecipeError(f"{url}: {damage}") from None
    except (pa.ArrowException, OSError) as error:  # of a table that the trainer or `inspect` reads by itself
        if (
            isinstance(error, OSError) and error.errno is not None
        ):  # a fault of the disk or the network, not of the file
            raise
        raise RecipeError(f"{url}: a table of it is damaged ({error}); {remedy(url)} builds it again") from None


def _is_in(store: Store, error: FileNotFoundError) -> bool:
    """Whether the missing file is one of the corpus. Errors of libraries may name it in their text alone."""
    if store.local and error.filename:
        return Path(os.fsdecode(error.filename)).absolute().is_relative_to(store.root)
    return f"{store.root}/" in str(error.filename or error)


def open_built(url: str) -> Store:
    """The store of a corpus that is only read. Raises OtherFormat for one that another version of weft made."""
    store = open_store(url)
    check_format(store)
    return store


def open_corpus(url: str) -> tuple[Store, Pipeline]:
    """A corpus and the recipe that it was built from. Raises RecipeError when there is no corpus, or its recipe was changed or
    cannot be used here, as that of another version of weft.
    """
    store = open_built(url)
    if not store.exists("recipe.yaml") or not is_corpus(store):
        raise RecipeError(absent(store, url))
    if not is_as_written(store.read("recipe.yaml")):
        again = f"`weft build RECIPE --out {quote(url)}` with the recipe it was built from writes it again"
        raise RecipeError(f"{url}: recipe.yaml is damaged or was edited; {again}")
    with local_recipe(store) as recipe:
        try:
            return store, read_pipeline(recipe, kind=SavedPipeline)
        except RecipeError as fault:
            again = f"`weft build RECIPE --out {quote(url)}` with a recipe of this version brings it up to date"
            raise RecipeError(f"{fault}\n{url}: if another version of weft built this corpus, {again}") from None


@contextmanager
def local_recipe(store: Store) -> Iterator[str]:
    """A local path of the recipe of a corpus; of a remote corpus only this file is fetched."""
    if store.local:
        yield store.path("recipe.yaml")
        return
    with TemporaryDirectory(prefix="weft-") as folder:
        (copy := Path(folder) / "recipe.yaml").write_bytes(store.read("recipe.yaml"))
        yield str(copy)


def show_shortages(pipeline: Pipeline, store: Store) -> None:
    """Prints, before anything is built, which tasks seem to have too little data by the headers of some items.

    Raises RecipeError where a task can make nothing of a source, SplitError for a share that holds out nobody or everybody, and
    PlanError where the shortage is certain.
    """
    from weft.jobs.checks.material import fits
    from weft.jobs.first_look import first_look
    from weft.jobs.shortages import certain_shortages, shortages, unknown_amounts
    from weft.pipelines.mixing.plan_files import plan_name
    from weft.pipelines.mixing.tree import PlanError

    stages = pipeline.recipe.training
    if stages and all(store.exists(plan_name(stage)) for stage in stages):
        return
    checked = fits(pipeline)
    if checked.misfits:
        raise RecipeError("\n".join(f"{'.'.join(fault.path)}: {fault.message}" for fault in checked.misfits))
    for sentence in checked.unread:
        console.print(escape(sentence), highlight=False)
    if not (stages or pipeline.spaces):
        return
    sizes = first_look(pipeline)
    if certain := certain_shortages(pipeline, sizes):
        raise PlanError("\n".join([*certain, "nothing was built: `weft plan` shows the figures"]))
    for sentence in unknown_amounts(pipeline, sizes):
        console.print(escape(sentence), highlight=False)
    for sentence in shortages(pipeline, sizes):
        console.print(f"[yellow]it seems:[/] {escape(sentence)}", highlight=False)
