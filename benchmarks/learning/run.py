"""`make learning`: what training teaches, in small, three seeds each. Prints every figure, also where a claim fails: then exit 1."""

from pathlib import Path

from weft.benchmarks.run import run
from weft.benchmarks.support.common import FOLDER

LEARNING = ("digits", "interleaving", "preferences", "rewards", "ratios")

if __name__ == "__main__":
    raise SystemExit(run([f"weft.benchmarks.learning.{name}" for name in LEARNING], Path(FOLDER, "learning").resolve()))
