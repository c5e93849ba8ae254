"""Voice activity by silero-vad, whose weights lie in its wheel; 0.01 of real time on one core."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from pydantic import Field, PrivateAttr

from weft.pipelines.audio.sound import RATE
from weft.pipelines.segmenters import base
from weft.pipelines.segmenters.base import SpeakerSpan
from weft.schemas.fingerprint import version_of
from weft.schemas.limits import SILENCE


class Segmenter(base.Segmenter):
    """`threshold` is the speech probability above which a 32 ms frame counts as speech; `pad` seconds around it do too. What is
    longer than `longest` is cut at its longest pause. The defaults miss little of far and quiet voices. Two minutes whose peak is below
    `silence` (full scale is 1) hold no speech.
    """

    threshold: float = Field(default=0.3, gt=0, lt=1)
    pad: float = Field(default=0.15, ge=0)
    silence: float = Field(default=SILENCE, ge=0, lt=1)
    _model: Any = PrivateAttr()

    def setup(self) -> None:
        from silero_vad import load_silero_vad

        self._model = load_silero_vad()

    def version(self) -> str:
        return f"silero-vad {version_of('silero-vad')}"

    def speech(self, blocks: Iterable[np.ndarray]) -> list[SpeakerSpan]:
        pieces: list[SpeakerSpan] = []
        position = 0
        for block in blocks:
            pieces.extend(SpeakerSpan(position / RATE + b, position / RATE + e) for b, e in self._in_block(block))
            position += len(block)
        return pieces

    def _in_block(self, block: np.ndarray) -> list[tuple[float, float]]:
        import torch
        from silero_vad import get_speech_timestamps

        if np.abs(block).max(initial=0.0) < self.silence:  # digital silence needs no model
            return []
        self._model.reset_states()
        spans = get_speech_timestamps(
            torch.from_numpy(np.ascontiguousarray(block)), self._model, threshold=self.threshold, sampling_rate=RATE,
            max_speech_duration_s=self.longest, speech_pad_ms=round(1000 * self.pad),
        )  # fmt: skip
        return [(span["start"] / RATE, span["end"] / RATE) for span in spans]
