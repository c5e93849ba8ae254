"""Runs faster-whisper as a child process.

{"spans": [[0.0, 4.2], [5.2, 9.0]], "language": ""} and samples
->  {"transcripts": [{"text": "…", "language": "en", "confidence": 0.9}, …]}
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel
from serving import serve


def load(settings: dict[str, Any]) -> Callable[[dict[str, Any], np.ndarray], dict[str, Any]]:
    model = WhisperModel(settings["model"], device=settings["device"], compute_type=settings["compute"])
    pipeline = BatchedInferencePipeline(model)

    def answer(question: dict[str, Any], samples: np.ndarray) -> dict[str, Any]:
        spans = question["spans"]
        segments, metadata = pipeline.transcribe(
            samples.copy(), language=question["language"] or None, multilingual=not question["language"], vad_filter=False,
            beam_size=settings["beam"], batch_size=settings["batch"], without_timestamps=True,
            clip_timestamps=[{"start": start, "end": end} for start, end in spans],
        )  # fmt: skip
        by_span: list[list[Any]] = [[] for _ in spans]
        for segment in segments:
            middle = (segment.start + segment.end) / 2
            by_span[min(range(len(spans)), key=lambda n: abs(middle - sum(spans[n]) / 2))].append(segment)
        return {"transcripts": [_transcript(parts, metadata.language) for parts in by_span]}

    return answer


def _transcript(parts: list[Any], language: str) -> dict[str, Any]:
    tokens = sum(len(part.tokens) for part in parts) or 1
    log_probability = sum(part.avg_logprob * len(part.tokens) for part in parts) / tokens
    text = " ".join(part.text.strip() for part in parts).strip()
    return {"text": text, "language": language, "confidence": math.exp(log_probability) if parts else 0.0}


if __name__ == "__main__":
    serve(load)
