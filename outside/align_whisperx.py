"""Runs whisperx.align as a child process.

{"words": ["and", "then"]} and samples  ->  {"words": [{"start": 0.31, "end": 0.52, "score": 0.9}, …]}
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import whisperx
from serving import serve


def load(settings: dict[str, Any]) -> Callable[[dict[str, Any], np.ndarray], dict[str, Any]]:
    language, device = settings["language"], settings["device"]
    model, metadata = whisperx.load_align_model(language, device, model_name=settings["model"] or None)

    def answer(question: dict[str, Any], samples: np.ndarray) -> dict[str, Any]:
        transcript = {"start": 0.0, "end": len(samples) / 16_000, "text": " ".join(question["words"])}
        result = whisperx.align([transcript], model, metadata, samples.copy(), device)
        words = [word for segment in result["segments"] for word in segment["words"]]
        return {"words": [{name: word.get(name) for name in ("word", "start", "end", "score")} for word in words]}

    return answer


if __name__ == "__main__":
    serve(load)
