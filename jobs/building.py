"""Building a corpus with progress, for every command that builds one: `weft build`, `demo`, `align`, `encode`, `tokenizer …`."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from weft.jobs.commands import console, open_store, show_shortages
from weft.jobs.printing import escape
from weft.pipelines.corpus.corpus_folder import locked_corpus
from weft.pipelines.graph import Pipeline
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError, TooLittleData

if TYPE_CHECKING:  # their imports take a second
    from weft.jobs.engine import Engine
    from weft.jobs.progress import BuildProgress


def choose_engine(name: str, url: str, address: str | None, workers: int | None) -> "Engine":
    """The engine `name`; `auto` is Ray where there is a cluster or more than one core. Raises RecipeError."""
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
    """Raises RecipeError when no server listens at `address`, for which Ray itself would wait minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    try:
        if colon and port.isdigit():
            socket.create_connection((host.strip("[]"), int(port)), 10).close()
    except OSError as error:
        raise RecipeError(f"--address {address}: no Ray cluster answers there ({error})") from None


def build_corpus(
    pipeline: Pipeline, out: str, engine: str, address: str | None, workers: int | None, verify: bool = False
) -> "BuildProgress":
    """Builds and shows progress; returns the counts.

    A damaged file that a piece of work reads is removed and built again, once. Raises Damaged when it is damaged again.
    """
    store = open_store(out)
    if address and engine != "local":
        _check_reachable(address)  # before anything is written
    with locked_corpus(store):
        return _build_repairing(pipeline, store, engine, address=address, workers=workers, verify=verify)


def _build_repairing(
    pipeline: Pipeline, store: Store, engine: str, address: str | None, workers: int | None, verify: bool
) -> "BuildProgress":
    repaired: set[str] = set()
    while True:
        try:
            return _build(pipeline, store, choose_engine(engine, store.url, address, workers), verify)
        except Damaged as damage:
            if damage.name in repaired:
                raise
            repaired.add(damage.name)
            _report_damage(damage)
            store.remove(damage.name)


def _build(pipeline: Pipeline, store: Store, runs: "Engine", verify: bool) -> "BuildProgress":
    from weft.jobs.build import build
    from weft.jobs.model_check import check_models
    from weft.jobs.progress import BuildProgress
    from weft.jobs.show import show_passed_over
    from weft.pipelines.mixing.shards import index_name
    from weft.pipelines.models.progress import pace_of
    from weft.pipelines.storage.retries import reading_as

    try:
        check_models(pipeline.recipe, [s for s in pipeline.recipe.training if not store.exists(index_name(s))])
        with reading_as(pipeline.recipe.reading):
            show_shortages(pipeline, store)
            with BuildProgress(console, partial(pace_of, store)) as progress, _rejects_on_failure(pipeline, store):
                build(
                    pipeline,
                    store,
                    runs,
                    report=progress.report,
                    expect=progress.expect,
                    damage=_report_damage if verify else None,
                )
    finally:
        runs.close()
    show_passed_over(console, pipeline.sources)
    return progress


@contextmanager
def _rejects_on_failure(pipeline: Pipeline, store: Store) -> Iterator[None]:
    """When the build fails, prints the rejects so far first: they may be the reason that no training data are left."""
    from weft.jobs.failures import BuildError
    from weft.jobs.rejects import show_end

    try:
        yield
    except (RecipeError, TooLittleData, BuildError):
        show_end(console, store, pipeline)
        raise


def _report_damage(damage: Damaged) -> None:
    console.print(f"{escape(damage.name)} {escape(damage.what)}: it will be built again", highlight=False)


def show_endings(pipeline: Pipeline, out: str) -> None:
    """Prints which stages' streams are shorter than declared, and why."""
    from weft.pipelines.mixing.plan_files import ending

    for stage in pipeline.recipe.training:
        if why := ending(open_store(out), stage):
            console.print(f"[yellow]{stage} stopped short:[/] {escape(why)} (`exhausted: stop`)", highlight=False)
