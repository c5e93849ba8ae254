"""Runs every benchmark, prints its figures, limits and verdicts, and writes bench/results.json; `make bench`.

Exit 1 when a limit is missed.
"""

from importlib import import_module
from pathlib import Path

from weft.benchmarks.support.common import FOLDER, Figure, as_json, show, timed_figures

BENCHMARKS = (
    "alignment.accuracy",
    "alignment.speed",
    "alignment.activity",
    "tokenizers.speed",
    "tokenizers.quality",
    "mixture",
    "planner",
    "loader",
    "align",
    "encode",
    "shard",
    "memory",
    "voices",
    "resources",
)


def main() -> int:
    folder = FOLDER.resolve()
    found: dict[str, list[Figure]] = {}
    for name in BENCHMARKS:
        # imported here, since a child process imports this file too and its memory must be its own
        module = import_module(f"weft.benchmarks.{name}")
        found[name] = timed_figures(module.measure, folder)
        show(module.TITLE, found[name])
        Path(folder, "results.json").write_text(as_json(found), "utf-8")
    missed = [f"{name}: {f.name}" for name, figures in found.items() for f in figures if not f.kept]
    print(f"\nmissed: {'; '.join(missed) or 'none'}\nfigures in {FOLDER}/results.json")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
