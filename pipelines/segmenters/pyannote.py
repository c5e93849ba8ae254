"""Who speaks when, by a pyannote.audio pipeline in an environment of its own.

    Segmenter(pipeline="pyannote/speaker-diarization-community-1")     from the hub, with the token in HF_TOKEN
    Segmenter(pipeline="/models/diarization")                          a folder with config.yaml

Each moment belongs to one speaker (the exclusive output); how much of it somebody else speaks too is marked.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from pydantic import PrivateAttr, model_validator

from weft.pipelines.aligners.checkpoint import content
from weft.pipelines.outside.process import Outside, OutsideFault, installed
from weft.pipelines.segmenters import base
from weft.pipelines.segmenters.base import Piece, asked


class Segmenter(base.Segmenter):
    """A recording is heard whole, so that a speaker keeps the name. `python` is the interpreter of an environment with it."""

    pipeline: str = "pyannote/speaker-diarization-community-1"
    python: str = ""
    device: str = "cpu"

    _child: Any = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _is_there(self) -> "Segmenter":
        installed(self.python, "pyannote.audio")
        return self

    def version(self) -> str:
        return f"pyannote.audio {installed(self.python, 'pyannote.audio')} {content(self.pipeline)}"

    def setup(self) -> None:
        """Raises ValueError when the pipeline does not load."""
        try:
            self._child = Outside(
                self.python, "diarize_pyannote.py", {"pipeline": self.pipeline, "device": self.device}
            )
        except OutsideFault as fault:
            raise ValueError(f"pyannote does not start: {fault}") from None

    def speech(self, blocks: Iterable[np.ndarray]) -> list[Piece]:
        samples = np.concatenate([np.zeros(0, np.float32), *blocks])
        found = asked(self._child, samples)
        shared = [tuple(span) for span in found["overlaps"]]
        return [Piece(a, b, who, _within(a, b, shared)) for a, b, who in found["turns"]]


def _within(start: float, end: float, spans: list[tuple[float, float]]) -> float:
    return sum(max(0.0, min(end, b) - max(start, a)) for a, b in spans)
