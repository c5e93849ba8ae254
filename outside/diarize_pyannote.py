"""A pyannote pipeline behind a pipe: samples -> {"turns": [[0.4, 3.1, "SPEAKER_00"], …], "overlaps": [[2.9, 3.1], …]}."""

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("PYANNOTE_METRICS_ENABLED", "0")  # before the import: it would call home

import numpy as np
import torch
from pyannote.audio import Pipeline
from serving import serve


def load(settings: dict[str, Any]) -> Callable[[dict[str, Any], np.ndarray], dict[str, Any]]:
    pipeline = Pipeline.from_pretrained(settings["pipeline"])
    if pipeline is None:
        raise FileNotFoundError(f"{settings['pipeline']}: not there, or not without a token in HF_TOKEN")
    pipeline.to(torch.device(settings["device"]))

    def answer(question: dict[str, Any], samples: np.ndarray) -> dict[str, Any]:
        found = pipeline({"waveform": torch.from_numpy(samples.copy())[None], "sample_rate": 16_000})
        turns = found.exclusive_speaker_diarization.itertracks(yield_label=True)
        both = found.speaker_diarization.get_overlap()
        return {"turns": [[t.start, t.end, who] for t, _, who in turns], "overlaps": [[o.start, o.end] for o in both]}

    return answer


if __name__ == "__main__":
    serve(load)
