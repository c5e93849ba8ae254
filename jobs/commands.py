"""What the commands share: reading a recipe with its backends, opening a corpus, choosing an engine."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from rich.console import Console

from weft.jobs.printing import escape
from weft.pipelines.backends import RecipeFault
from weft.pipelines.corpus.claim import claimed
from weft.pipelines.corpus.saved_pipeline import SavedPipeline, is_as_written
from weft.pipelines.graph import Pipeline
from weft.pipelines.storage.store import Damaged, Store, remedy
from weft.schemas import recipe_file
from weft.schemas.faults import RecipeError

if TYPE_CHECKING:  # a recipe is checked without what builds: it takes a second to import
    from weft.jobs.engine import Engine
    from weft.jobs.progress import BuildProgress

console = Console(soft_wrap=not os.isatty(1), width=None if os.isatty(1) else 160)


def read_pipeline(path: str, overrides: Sequence[str] = (), kind: type[Pipeline] = Pipeline) -> Pipeline:
    """A recipe with every backend made. Raises RecipeError, with the file and line."""
    try:
        return _checked(recipe_file.read(path, overrides), kind)
    except RecursionError:
        raise RecipeError(f"{path}: it is nested too deeply, or holds itself") from None


def check_recipe(path: str, overrides: Sequence[str] = ()) -> tuple[Pipeline, tuple[str, ...]]:
    """A sound recipe with its backends, and which paths of a shipped one are not there: they are examples.

    Raises RecipeError with every mistake and, for a recipe of the user's own, every missing path.
    """
    from weft.jobs.mistakes import mistakes

    try:
        found = mistakes(recipe_file.read(path, overrides))
    except RecursionError:
        raise RecipeError(f"{path}: it is nested too deeply, or holds itself") from None
    own = any(os.path.isfile(name) for name in (path, f"{path}.yaml"))
    if wrong := (*found.wrong, *(found.missing if own else ())):
        raise RecipeError("\n".join(wrong))
    return read_pipeline(path, overrides), found.missing


def check_paths(path: str, overrides: Sequence[str], pipeline: Pipeline) -> None:
    """Raises RecipeError with every file and folder of a source that is not there, each by its line."""
    from weft.jobs.mistakes import missing_sources

    source = recipe_file.read(path, overrides)
    if gone := [recipe_file.explain(source, fault.path, fault.message) for fault in missing_sources(pipeline)]:
        raise RecipeError("\n".join(gone))


def make_pipeline(recipe: dict[str, Any], overrides: Sequence[str] = ()) -> Pipeline:
    """The same for a recipe that the command line makes. Raises RecipeError."""
    return _checked(recipe_file.made(recipe, overrides), Pipeline)


def _checked(source: recipe_file.Source, kind: type[Pipeline]) -> Pipeline:
    try:
        pipeline = kind(recipe_file.check(source))
        pipeline.check()
    except RecipeFault as fault:
        raise RecipeError(recipe_file.explain(source, fault.path, fault.message, fault.kind)) from None
    return pipeline


def open_store(url: str) -> Store:
    """Raises RecipeError for a url of a kind that is not known or not installed, and for a file."""
    try:
        store = Store(url)
    except (ImportError, ValueError) as error:
        raise RecipeError(f"{url}: {error}") from None
    if store.local and os.path.isfile(store.root):
        raise RecipeError(f"{url}: a file is there; a corpus is a folder")
    return store


@contextmanager
def reading(url: str) -> Iterator[None]:
    """Says what to do about a corpus of which something is missing or broken. Raises RecipeError."""
    try:
        yield
    except FileNotFoundError as error:
        missing = error.filename or error
        raise RecipeError(f"{url}: {missing} is not there yet; {remedy(url)} finishes it") from None
    except Damaged as damage:
        raise RecipeError(f"{url}: {damage}") from None
    except (pa.ArrowException, OSError) as error:  # of a table that the trainer or `inspect` reads by itself
        if isinstance(error, OSError) and error.errno is not None:  # the disk's or the network's, not the file's
            raise
        raise RecipeError(f"{url}: a table of it is damaged ({error}); {remedy(url)} makes it anew") from None


def open_corpus(url: str) -> tuple[Store, Pipeline]:
    """A corpus and the recipe it was built from. Raises RecipeError when there is none."""
    store = open_store(url)
    if not store.exists("recipe.yaml"):
        raise RecipeError(f"{url}: no corpus (it has no recipe.yaml); `weft build RECIPE --out {url}` makes one")
    if not is_as_written(store.read("recipe.yaml")):
        again = f"`weft build RECIPE --out {quote(url)}` with the recipe it was built from writes it anew"
        raise RecipeError(f"{url}: recipe.yaml is damaged or was edited; {again}")
    with local_recipe(store) as recipe:
        return store, read_pipeline(recipe, kind=SavedPipeline)


@contextmanager
def local_recipe(store: Store) -> Iterator[str]:
    """The path of a corpus's recipe; of a remote corpus nothing else is fetched."""
    if store.local:
        yield store.path("recipe.yaml")
        return
    with TemporaryDirectory(prefix="weft-") as folder:
        (copy := Path(folder) / "recipe.yaml").write_bytes(store.read("recipe.yaml"))
        yield str(copy)


def choose_engine(name: str, url: str, address: str | None, workers: int | None) -> "Engine":
    """`ray` when more than one core or a cluster is there and nothing else was asked for."""
    from weft.jobs.engine import LocalEngine

    cluster = bool(address or os.environ.get("RAY_ADDRESS"))
    many = cluster or (workers or os.cpu_count() or 1) > 1
    if name == "local" or (name == "auto" and not many):
        return LocalEngine(Store(url))
    from weft.jobs.ray_engine import RayEngine

    if address:
        _check_reachable(address)
    return RayEngine(url, address, workers)


def _check_reachable(address: str) -> None:
    """Ray itself waits for minutes. Raises RecipeError where nobody listens."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    try:
        if colon and port.isdigit():
            socket.create_connection((host.strip("[]"), int(port)), 10).close()
    except OSError as error:
        raise RecipeError(f"--address {address}: no Ray cluster answers there ({error})") from None


def build_corpus(
    pipeline: Pipeline, out: str, engine: str, address: str | None, workers: int | None, verify: bool = False
) -> "BuildProgress":
    """Builds with progress shown, and returns what was counted.

    A damaged file that a piece of work meets is removed and made anew, once: to meet it again is a failure.
    """
    store = open_store(out)
    if address and engine != "local":
        _check_reachable(address)  # before anything is written
    with claimed(store):
        return _build_undamaged(pipeline, store, engine, address, workers, verify)


def _build_undamaged(
    pipeline: Pipeline, store: Store, engine: str, address: str | None, workers: int | None, verify: bool
) -> "BuildProgress":
    met: set[str] = set()
    while True:
        try:
            return _build(pipeline, store, choose_engine(engine, store.url, address, workers), verify)
        except Damaged as damage:
            if damage.name in met:
                raise
            met.add(damage.name)
            _tell(damage)
            store.remove(damage.name)


def _build(pipeline: Pipeline, store: Store, runs: "Engine", verify: bool) -> "BuildProgress":
    from weft.jobs.build import build
    from weft.jobs.progress import BuildProgress
    from weft.jobs.show import show_passed_over
    from weft.pipelines.models.progress import pace_of
    from weft.pipelines.storage.retries import reading_as

    try:
        with reading_as(pipeline.recipe.reading):
            tell_shortages(pipeline, store)
            with BuildProgress(console, partial(pace_of, store)) as progress, _rejects_told(pipeline, store):
                build(pipeline, store, runs, progress.report, progress.expect, _tell if verify else None)
    finally:
        runs.close()
    show_passed_over(console, pipeline.sources)
    return progress


@contextmanager
def _rejects_told(pipeline: Pipeline, store: Store) -> Iterator[None]:
    """Where a build fails, what was rejected so far is told before: it may be why nothing is left to learn from."""
    from weft.jobs.failures import BuildError
    from weft.jobs.rejects import show_end

    try:
        yield
    except (RecipeError, BuildError):
        show_end(console, store, pipeline)
        raise


def _tell(damage: Damaged) -> None:
    console.print(f"{escape(damage.name)} {escape(damage.what)}: it is made anew", highlight=False)


def tell_shortages(pipeline: Pipeline, store: Store) -> None:
    """Before anything is built: which tasks seem to have too little data, from the headers of some items.

    Raises PlanError where that is certain.
    """
    from weft.jobs.forecast import certain_shortages, holdings, shortages
    from weft.pipelines.mixing.plan import plan_name
    from weft.pipelines.mixing.tree import PlanError

    if all(store.exists(plan_name(stage)) for stage in pipeline.recipe.training):
        return
    held = holdings(pipeline, most=1000)
    if certain := certain_shortages(pipeline, held):
        raise PlanError("\n".join([*certain, "nothing was built: `weft plan` shows the figures"]))
    for sentence in shortages(pipeline, held):
        console.print(f"[yellow]it seems:[/] {escape(sentence)}", highlight=False)


def tell_endings(pipeline: Pipeline, out: str) -> None:
    """Says which stages' streams are shorter than declared, and why."""
    from weft.pipelines.mixing.plan import ending

    for stage in pipeline.recipe.training:
        if why := ending(open_store(out), stage):
            console.print(f"[yellow]{stage} stopped short:[/] {escape(why)} (`exhausted: stop`)", highlight=False)
