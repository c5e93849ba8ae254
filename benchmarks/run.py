"""Runs every benchmark, prints its figures, limits and verdicts, and writes bench/results.json; `make bench`.

Exit 1 when a limit is missed.
"""

from pathlib import Path

from weft.benchmarks import loader, memory, mixture, planner, stages
from weft.benchmarks.common import FOLDER, Figure, as_json, show, timed_figures

BENCHMARKS = (mixture, planner, loader, stages, memory)


def main() -> int:
    folder = FOLDER.resolve()
    found: dict[str, list[Figure]] = {}
    for module in BENCHMARKS:
        name = module.TITLE.partition(":")[0]
        found[name] = timed_figures(module.measure, folder)
        show(module.TITLE, found[name])
        Path(folder, "results.json").write_text(as_json(found), "utf-8")
    missed = [f"{name}: {f.name}" for name, figures in found.items() for f in figures if not f.kept]
    print(f"\nmissed: {'; '.join(missed) or 'none'}\nfigures in {FOLDER}/results.json")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
