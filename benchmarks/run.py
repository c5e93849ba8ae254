"""Runs every benchmark, prints its figures, limits and verdicts, and writes bench/results.json; `make bench`.

Each runs in a process of its own: one that fails or dies leaves its traceback, and the others still run.
Exit 1 when a limit is missed or a benchmark failed.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from weft.benchmarks.support.common import FOLDER, ChildDied, Figure, as_json, in_child, show, timed_figures

PACKAGE = "weft.benchmarks."
BENCHMARKS = (  # first what a busy machine spoils; last what trains for half an hour
    "alignment.speed",
    "tokenizers.speed",
    "loader",
    "align",
    "encode",
    "shard",
    "latents",
    "training",
    "resources",
    "mixture",
    "planner",
    "voices",
    "alignment.accuracy",
    "alignment.activity",
    "memory",
    "tokenizers.quality",
)


def main() -> int:
    return run([PACKAGE + name for name in BENCHMARKS], FOLDER.resolve())


def run(modules: Sequence[str], folder: Path) -> int:
    """Modules with a TITLE and a function `measure`, by their full names; `folder` gets their files. Returns the exit code."""
    results: dict[str, list[Figure]] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for module in modules:
        title, figures = _measured(module, folder)
        results[module.removeprefix(PACKAGE)] = figures
        show(title, figures)
        Path(folder, "results.json").write_text(as_json(results), "utf-8")
    missed = [f"{name}: {f.name}" for name, figures in results.items() for f in figures if not f.kept]
    print(f"\nmissed: {'; '.join(missed) or 'none'}\nfigures in {folder}/results.json")
    return 1 if missed else 0


def _measured(module: str, folder: Path) -> tuple[str, list[Figure]]:
    """A benchmark's title and figures. One that failed has a single figure, which misses its limit."""
    try:
        measured, _ = in_child(_measure, module, folder)
    except ChildDied as error:
        return module, [Figure(name=f"failed: {error}", value=1, unit="benchmark", limit=0)]
    return measured


def _measure(module: str, folder: Path) -> tuple[str, list[Figure]]:
    benchmark = import_module(module)
    return benchmark.TITLE, timed_figures(benchmark.measure, folder)


if __name__ == "__main__":
    raise SystemExit(main())
