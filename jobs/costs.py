"""Estimates the time of a build on one core with embedded backends: stages by seconds of audio, training by steps.

training_times(pipeline, sizes)   ->   {"models/hubert": 610.0, "aligner": 21.0, "vocabulary": 0.4}      seconds
"""

from dataclasses import dataclass
from typing import Any

from weft.jobs.source_sizes import SourceSize
from weft.pipelines.graph import Pipeline
from weft.schemas.text import Document
from weft.tokenizers.base import SpeechTokenizer

REAL_TIME = {"ingest": 2000.0, "align": 45.0, "encode": 60.0}  # times real time
BYTES_LEARNT = 2e6  # of text a second, by BPE


@dataclass(frozen=True, slots=True)
class TrainingCost:
    """Seconds of one core for a training step at the default sizes, and for reading a second of audio before."""

    step: float
    second: float


# measured with `weft tokenizer train`'s defaults on one core (CPU time of 4 to 6 steps); wider models and longer batches take longer
TOKENIZERS = {
    "hubert": TrainingCost(step=0.25, second=0.05),
    "pitch": TrainingCost(step=0.06, second=0.01),
    "style": TrainingCost(step=0.035, second=0.02),
    "fsq": TrainingCost(step=0.3, second=0.01),
    "linguistic": TrainingCost(step=0.25, second=0.01),
}
OTHERS = TrainingCost(step=0.5, second=0.02)
ALIGNER_SECOND = 0.05  # seconds of one core for a second of training audio: pocketsphinx's words, then training rounds


def stage_times(pipeline: Pipeline, sizes: dict[str, SourceSize]) -> dict[str, float]:
    """Seconds of one core for each stage of the recipe that reads all audio; encoding is by each tokenizer."""
    seconds = sum(h.seconds for h in sizes.values())
    repeats = {"ingest": 1, "align": int(pipeline.align is not None), "encode": len(pipeline.tokenizers)}
    return {stage: seconds * count / REAL_TIME[stage] for stage, count in repeats.items() if count}


def training_times(pipeline: Pipeline, sizes: dict[str, SourceSize]) -> dict[str, float]:
    """Seconds of one core for each model that is trained on the corpus."""
    speech = [name for name, source in pipeline.sources.items() if source.makes is not Document]
    times: dict[str, float] = {}
    for name, tokenizer in pipeline.tokenizers.items():
        choice = pipeline.recipe.tokenizers[name]
        among = [s for s in (choice.sources or speech) if s in speech]
        if not choice.folder and tokenizer.training_seconds:
            times[f"models/{name}"] = _of_tokenizer(
                choice.use, tokenizer, _training_seconds(tokenizer.training_seconds, among, sizes)
            )
    if align := pipeline.aligner:
        among = [s for s in (pipeline.recipe.align.sources or speech) if s in speech]
        times["aligner"] = ALIGNER_SECOND * _training_seconds(align.training_seconds, among, sizes)
    if pipeline.tasks and pipeline.text.trains:
        among = list(pipeline.recipe.text.sources or pipeline.sources)
        times["vocabulary"] = sum(sizes[s].bytes for s in among) / BYTES_LEARNT
    return {node: seconds for node, seconds in times.items() if seconds}


def _training_seconds(wanted: float, sources: list[str], sizes: dict[str, SourceSize]) -> float:
    return min(wanted, sum(sizes[s].seconds for s in sources))


def _of_tokenizer(use: str, tokenizer: SpeechTokenizer, audio_seconds: float) -> float:
    cost = TOKENIZERS.get(use, OTHERS)
    return steps_of(getattr(tokenizer, "training", None)) * cost.step + audio_seconds * cost.second


def steps_of(training: Any) -> int:
    """The number of steps of a tokenizer's `training`, over all phases."""
    steps = getattr(training, "steps", 0) * getattr(training, "iterations", 1)
    return int(steps + getattr(training, "swaps", 0))
