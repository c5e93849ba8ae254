"""What a build would cost on one core with embedded backends, about: stages by the hours of audio, learning by its steps.

learning(pipeline, held)   ->   {"models/hubert": 610.0, "aligner": 21.0, "vocabulary": 0.4}      seconds
"""

from dataclasses import dataclass
from typing import Any

from weft.jobs.holdings import Holding
from weft.pipelines.graph import Pipeline
from weft.schemas.text import Document
from weft.tokenizers.base import SpeechTokenizer

REAL_TIME = {"ingest": 2000.0, "align": 45.0, "encode": 60.0}  # times real time
BYTES_LEARNT = 2e6  # of text a second, by BPE


@dataclass(frozen=True, slots=True)
class Learning:
    """Seconds of one core that a step takes at the default sizes, and a second of audio that is heard before."""

    step: float
    second: float


# measured with `weft tokenizer train`'s defaults on one core (CPU time of 4 to 6 steps); wider models and longer batches take longer
TOKENIZERS = {
    "hubert": Learning(step=0.25, second=0.03),
    "pitch": Learning(step=0.06, second=0.01),
    "style": Learning(step=0.035, second=0.02),
    "fsq": Learning(step=0.3, second=0.01),
    "linguistic": Learning(step=0.25, second=0.01),
}
OTHERS = Learning(step=0.5, second=0.02)
ALIGNER_SECOND = 0.05  # of one core a second that it hears: pocketsphinx's words, then rounds of learning


def stages(held: dict[str, Holding]) -> dict[str, float]:
    """Seconds of each stage that goes through all the audio."""
    seconds = sum(h.seconds for h in held.values())
    return {stage: seconds / rate for stage, rate in REAL_TIME.items()}


def learning(pipeline: Pipeline, held: dict[str, Holding]) -> dict[str, float]:
    """Seconds of each model that learns from the corpus."""
    spoken = [name for name, source in pipeline.sources.items() if source.makes is not Document]
    found: dict[str, float] = {}
    for name, tokenizer in pipeline.tokenizers.items():
        choice = pipeline.recipe.tokenizers[name]
        among = [s for s in (choice.sources or spoken) if s in spoken]
        if not choice.folder and tokenizer.training_seconds:
            found[f"models/{name}"] = _of_tokenizer(
                choice.use, tokenizer, _heard(tokenizer.training_seconds, among, held)
            )
    if align := pipeline.aligner:
        among = [s for s in (pipeline.recipe.align.sources or spoken) if s in spoken]
        found["aligner"] = ALIGNER_SECOND * _heard(align.training_seconds, among, held)
    if pipeline.tasks and pipeline.text.trains:
        among = list(pipeline.recipe.text.sources or pipeline.sources)
        found["vocabulary"] = sum(held[s].bytes for s in among) / BYTES_LEARNT
    return {node: seconds for node, seconds in found.items() if seconds}


def _heard(wanted: float, sources: list[str], held: dict[str, Holding]) -> float:
    return min(wanted, sum(held[s].seconds for s in sources))


def _of_tokenizer(use: str, tokenizer: SpeechTokenizer, heard: float) -> float:
    cost = TOKENIZERS.get(use, OTHERS)
    return steps_of(getattr(tokenizer, "training", None)) * cost.step + heard * cost.second


def steps_of(training: Any) -> int:
    """How many steps a tokenizer's `training` has in all its phases."""
    steps = getattr(training, "steps", 0) * getattr(training, "iterations", 1)
    return int(steps + getattr(training, "swaps", 0))
