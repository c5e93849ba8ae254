"""Runs a pyannote pipeline as a child process: samples -> {"turns": [[0.4, 3.1, "SPEAKER_00"], …], "overlaps": [[2.9, 3.1], …]}."""

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("PYANNOTE_METRICS_ENABLED", "0")  # before the import: pyannote would send telemetry

import numpy as np
import torch
from pyannote.audio import Pipeline
from serving import serve


def load(settings: dict[str, Any]) -> Callable[[dict[str, Any], np.ndarray], dict[str, Any]]:
    pipeline = Pipeline.from_pretrained(settings["pipeline"])
    if pipeline is None:
        raise FileNotFoundError(f"{settings['pipeline']}: it does not exist, or it needs a token in HF_TOKEN")
    pipeline.to(torch.device(settings["device"]))

    def answer(question: dict[str, Any], samples: np.ndarray) -> dict[str, Any]:
        output = pipeline({"waveform": torch.from_numpy(samples.copy())[None], "sample_rate": 16_000})
        turns = output.exclusive_speaker_diarization.itertracks(yield_label=True)
        overlaps = output.speaker_diarization.get_overlap()
        return {
            "turns": [[t.start, t.end, speaker] for t, _, speaker in turns],
            "overlaps": [[o.start, o.end] for o in overlaps],
        }

    return answer


if __name__ == "__main__":
    serve(load)
