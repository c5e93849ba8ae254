"""Stages as a build runs them beside their kernels alone: what reading, checking and committing cost.

    align    the decoder of pocketsphinx, fed from memory           align.py
    encode   the forward of the same HubertModel                    encode.py
    shard    the same bytes written                                 shard.py

Both arms have two processes that take parts as they come free, both are warm (engine and models set up), and they run
in turn on the same inputs; a ratio is the median over rounds.
"""

from pathlib import Path

from weft.benchmarks import align, encode, shard
from weft.benchmarks.arms import WORKERS
from weft.benchmarks.common import Figure, alone
from weft.benchmarks.speech import Speech
from weft.jobs.ray_engine import RayEngine
from weft.pipelines.store import Store

TITLE = "stages: as a build runs them, against their kernels alone (two processes each)"


def measure(folder: Path) -> list[Figure]:
    return [*_speech(folder / "speech"), *shard.figures(folder)]


def _speech(folder: Path) -> list[Figure]:
    folder.mkdir(exist_ok=True)
    store = Store(str(folder / "corpus"))
    engine = RayEngine(store.url, address="local", workers=WORKERS)  # whatever cluster runs on this machine
    try:
        speech = Speech.built(folder, store, engine)
        return [*align.figures(speech), *encode.figures(speech)]
    finally:
        engine.close()


if __name__ == "__main__":
    alone(TITLE, measure)
