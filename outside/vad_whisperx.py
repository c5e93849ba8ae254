"""Runs WhisperX's voice activity detection as a child process: samples -> {"speech": [[0.4, 3.1], …]}."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from serving import serve
from whisperx.vads.pyannote import Binarize, load_vad_model


def load(settings: dict[str, Any]) -> Callable[[dict[str, Any], np.ndarray], dict[str, Any]]:
    onset, offset = settings["onset"], settings["offset"]
    model = load_vad_model(torch.device(settings["device"]), onset, offset)
    binarize = Binarize(onset=onset, offset=offset, max_duration=settings["longest"])

    def answer(question: dict[str, Any], samples: np.ndarray) -> dict[str, Any]:
        scores = model({"waveform": torch.from_numpy(samples.copy())[None], "sample_rate": 16_000})
        return {"speech": [[turn.start, turn.end] for turn in binarize(scores).get_timeline()]}

    return answer


if __name__ == "__main__":
    serve(load)
