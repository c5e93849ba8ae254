"""What the commands share: reading a recipe with its backends, opening a corpus, choosing an engine."""

import os
from collections.abc import Sequence

from rich.console import Console

from weft.jobs.build import build
from weft.jobs.engine import Engine, LocalEngine
from weft.jobs.progress import BuildProgress
from weft.pipelines.graph import House, RecipeFault
from weft.pipelines.store import Store
from weft.schemas import recipe_file
from weft.schemas.recipe_file import RecipeError

console = Console(soft_wrap=not os.isatty(1), width=None if os.isatty(1) else 160)


def read_house(path: str, overrides: Sequence[str] = ()) -> House:
    """A recipe with every backend made. Raises RecipeError, with the file and line."""
    source = recipe_file.read(path, overrides)
    house = House(recipe_file.check(source))
    try:
        house.check()
    except RecipeFault as fault:
        raise RecipeError(recipe_file.explain(source, fault.path, fault.message, fault.kind)) from None
    return house


def open_corpus(url: str) -> tuple[Store, House]:
    """A corpus and the recipe it was built from. Raises RecipeError when there is none."""
    store = Store(url)
    if not store.exists("recipe.yaml"):
        raise RecipeError(f"{url}: no corpus (it has no recipe.yaml); `weft build RECIPE --out {url}` makes one")
    return store, read_house(str(store.folder("recipe.yaml") if store.local else store.folder("") / "recipe.yaml"))


def choose_engine(name: str, url: str, address: str | None, workers: int | None) -> Engine:
    """`ray` when more than one core or a cluster is there and nothing else was asked for."""
    cluster = bool(address or os.environ.get("RAY_ADDRESS"))
    many = cluster or (workers or os.cpu_count() or 1) > 1
    if name == "local" or (name == "auto" and not many):
        return LocalEngine(Store(url))
    from weft.jobs.ray_engine import RayEngine

    return RayEngine(url, address, workers)


def build_corpus(house: House, out: str, engine: str, address: str | None, workers: int | None) -> BuildProgress:
    """Builds with progress shown, and returns what was counted."""
    store = Store(out)
    runs = choose_engine(engine, store.url, address, workers)
    try:
        with BuildProgress(console) as progress:
            build(house, store, runs, progress.report, progress.expect)
    finally:
        runs.close()
    return progress
