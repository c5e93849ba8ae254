"""Voice activity by the pyannote model in WhisperX's wheel, in an environment of its own; 0.05 of real time."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from weft.pipelines.outside.process import Outside, OutsideFault, installed
from weft.pipelines.segmenters import base
from weft.pipelines.segmenters.base import Piece, asked
from weft.pipelines.sound import RATE


class Segmenter(base.Segmenter):
    """Speech begins above the probability `onset` and ends under `offset`. `python` is the interpreter of an environment with it."""

    onset: float = Field(default=0.5, gt=0, lt=1)
    offset: float = Field(default=0.363, gt=0, lt=1)
    python: str = ""
    device: str = "cpu"

    _child: Any = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _is_there(self) -> "Segmenter":
        installed(self.python, "whisperx")
        return self

    def version(self) -> str:
        return f"whisperx-vad {installed(self.python, 'whisperx')}"

    def setup(self) -> None:
        """Raises ValueError when it does not start."""
        settings = self.model_dump(include={"onset", "offset", "device", "longest"})
        try:
            self._child = Outside(self.python, "vad_whisperx.py", settings)
        except OutsideFault as fault:
            raise ValueError(f"whisperx does not start: {fault}") from None

    def speech(self, blocks: Iterable[np.ndarray]) -> list[Piece]:
        pieces: list[Piece] = []
        position = 0.0
        for block in blocks:
            found = asked(self._child, block)["speech"]
            pieces += [Piece(position + start, position + end) for start, end in found]
            position += len(block) / RATE
        return pieces
