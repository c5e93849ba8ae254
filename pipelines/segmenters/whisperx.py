"""Voice activity by the pyannote model in WhisperX's wheel, in an environment of its own; 0.05 of real time."""

from collections.abc import Iterable

import numpy as np
from pydantic import Field

from weft.outside.backend import Backend
from weft.pipelines.audio.sound import RATE
from weft.pipelines.segmenters import base
from weft.pipelines.segmenters.base import SpeakerSpan


class Segmenter(Backend, base.Segmenter):
    """Speech begins above the probability `onset` and ends under `offset`."""

    package, script = "whisperx", "vad_whisperx.py"

    onset: float = Field(default=0.5, gt=0, lt=1)
    offset: float = Field(default=0.363, gt=0, lt=1)

    def version(self) -> str:
        return self.installed

    def setup(self) -> None:
        """Raises ValueError when it does not start."""
        self.start(onset=self.onset, offset=self.offset, longest=self.longest)

    def speech(self, blocks: Iterable[np.ndarray]) -> list[SpeakerSpan]:
        pieces: list[SpeakerSpan] = []
        position = 0.0
        for block in blocks:
            spans = self.ask(block)["speech"]
            pieces += [SpeakerSpan(position + start, position + end) for start, end in spans]
            position += len(block) / RATE
        return pieces
