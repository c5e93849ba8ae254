"""Draws docs/mixture.svg: the share of seconds after every draw of `mixture`'s four streams.

python benchmarks/picture.py
"""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np

from weft.benchmarks.mixture import DECLARED, WEFT, DrawSequence, clips, streams
from weft.benchmarks.support.common import FOLDER

POINTS = 250  # along a line; more only makes the file larger


def main() -> None:
    plt.rcParams |= {"svg.hashsalt": "weft", "font.size": 9}
    figure, axes = plt.subplots(figsize=(7.5, 2.9), layout="constrained")
    axes.axhline(100 * DECLARED, color="0.6", linewidth=0.8)
    for name, drawn in streams(FOLDER.resolve(), clips()).items():
        hours, share = running(drawn)
        axes.plot(hours, 100 * share, label=name, linewidth=2.2 if name == WEFT else 1.1)
    axes.set(xlabel="hours drawn", ylabel="% of seconds from source 1", ylim=(0, 100))
    axes.set_title("Two sources declared 50 : 50 in seconds, clips of 2–4 s and of 6–8 s", loc="left", fontsize=9)
    axes.legend(frameon=False, ncols=2, loc="upper left")
    figure.savefig(Path("docs", "mixture.svg"), metadata={"Date": None})


def running(drawn: DrawSequence) -> tuple[np.ndarray, np.ndarray]:
    """Hours so far and the first source's share of them, thinned to POINTS."""
    seconds = np.array([s for _, s in drawn])
    first = np.array([name == "short" for name, _ in drawn])
    total = np.cumsum(seconds)
    share = np.cumsum(seconds * first) / total
    shown = np.unique(np.geomspace(10, len(drawn), POINTS).astype(int)) - 1
    return total[shown] / 3600, share[shown]


if __name__ == "__main__":
    main()
