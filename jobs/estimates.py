"""Estimates of what one pass over a source supplies to a task.

Hours come from headers, tokens from typical rates: codes lose a third where equal neighbours become one (`dedup`), English speech holds
2.5 words a second and 1.3 tokens a word, text 4 bytes a token.
"""

from weft.jobs.holdings import Holding
from weft.pipelines.graph import Pipeline
from weft.pipelines.tasks.base import Task
from weft.schemas.text import Document
from weft.schemas.training import TrainingStage

KEPT_BY_DEDUP = 0.68
WORDS_A_SECOND = 2.5
TOKENS_A_WORD = 1.3
BYTES_A_TOKEN = 4.0
PIXELS = 512  # of an image, a side: most encoders scale it anyway


def amount_of(pipeline: Pipeline, stage: TrainingStage, task: Task, held: Holding) -> float:
    """What one pass over a source supplies to a task, in the mixture's unit."""
    match stage.mixture.unit:
        case "tokens":
            return tokens_of(pipeline, task, held)
        case "batches":
            return tokens_of(pipeline, task, held) / stage.context
        case "seconds":
            return held.seconds
        case _:
            return held.records


def tokens_of(pipeline: Pipeline, task: Task, held: Holding) -> float:
    """Estimated tokens of a task in one pass over a source."""
    images = held.records * _placeholders(pipeline, task)
    if not held.seconds and task.takes_of(Document) is Document:
        return images + held.bytes / BYTES_A_TOKEN
    units = images + held.seconds * sum(_codes_a_second(pipeline, stream) for stream in task.streams)
    if "audio" in task.latents and pipeline.encoders.audio:
        units += held.seconds * pipeline.encoders.audio.rate
    words = held.seconds * WORDS_A_SECOND * TOKENS_A_WORD
    kind = type(task).__module__.rpartition(".")[2]
    half = (units + words) / 2  # about as much text as speech, each second in one of both
    return {"speech": units, "words": half, "utterances": half}.get(kind, units + words)


def _codes_a_second(pipeline: Pipeline, stream: str) -> float:
    """Of a tokenizer or a merged stream."""
    names = pipeline.streams[stream].of if stream in pipeline.streams else (stream,)
    tokenizers = [pipeline.tokenizers[name] for name in names]
    return sum(tokenizer.rate * (KEPT_BY_DEDUP if tokenizer.dedup else 1) for tokenizer in tokenizers)


def _placeholders(pipeline: Pipeline, task: Task) -> int:
    """Those of one image, where the task has images."""
    encoder = pipeline.encoders.image if "image" in task.latents else None
    return encoder.placeholders(PIXELS, PIXELS) if encoder else 0
