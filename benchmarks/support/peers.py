"""The peers' side of `speed.py`, run by the Python of the backends' environment: torchaudio's forced_align and WhisperX's trellis.

{"peer": "torchaudio", "tokens": [...], "classes": 32} and log-probabilities  ->  {"seconds": 0.005, "score": -812.4, "peak": 93e6}
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "outside"))
from serving import serve


def load(settings: dict[str, Any]) -> Callable[[dict[str, Any], np.ndarray], dict[str, Any]]:
    import torch

    torch.set_num_threads(1)
    peers = {"torchaudio": _torchaudio(), "whisperx": _whisperx()}

    def answer(question: dict[str, Any], samples: np.ndarray) -> dict[str, Any]:
        log_probs = torch.from_numpy(samples.reshape(-1, question["classes"]).copy())
        if question["double"]:
            log_probs = log_probs.double()
        before = _peak(reset=True)
        began = time.perf_counter()
        score = peers[question["peer"]](log_probs, question["tokens"])
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "score": score, "peak": _peak() - before}

    return answer


def _torchaudio() -> Callable[[Any, list[int]], float]:
    import torch
    import torchaudio

    def align(log_probs: Any, tokens: list[int]) -> float:
        wanted = torch.tensor([tokens], dtype=torch.int32)
        _, scores = torchaudio.functional.forced_align(log_probs[None], wanted, blank=0)
        return float(scores.double().sum())

    return align


def _whisperx() -> Callable[[Any, list[int]], float]:
    from whisperx.alignment import backtrack, get_trellis

    def align(log_probs: Any, tokens: list[int]) -> float:
        return float(len(backtrack(get_trellis(log_probs, tokens, 0), log_probs, tokens, 0)))

    return align


def _peak(reset: bool = False) -> int:
    """Peak resident bytes, from now on."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    rows = Path("/proc/self/status").read_text().splitlines()
    return next(int(row.split()[1]) * 1024 for row in rows if row.startswith("VmHWM:"))


if __name__ == "__main__":
    serve(load)
