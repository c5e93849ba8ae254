"""Whisper by faster-whisper, batched, in an environment of its own.

    Transcriber(model="large-v3", python="/envs/whisper/bin/python", device="cuda")

`model` is what faster-whisper takes: a size, a hub name, or a folder that ctranslate2 converted.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from weft.pipelines.aligners.checkpoint import content
from weft.pipelines.outside.process import Outside, OutsideFault, installed
from weft.pipelines.stage import Resources, Unusable
from weft.pipelines.transcribers import base
from weft.pipelines.transcribers.base import Spoken, Transcript

RATE = 16_000
_PAUSE = RATE  # between clips that are heard in one go


class Transcriber(base.Transcriber):
    """`language` is taken where an utterance does not say its own; without either it is recognised."""

    model: str
    language: str = ""
    python: str = ""
    device: str = "cpu"
    compute: str = "default"
    beam: int = Field(default=5, ge=1)
    batch: int = Field(default=8, ge=1)

    _child: Any = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _is_there(self) -> "Transcriber":
        installed(self.python, "faster-whisper")
        return self

    @property
    def resources(self) -> Resources:
        return Resources(gpus=1.0 if self.device.startswith("cuda") else 0.0)

    @property
    def batch_seconds(self) -> float:
        return 30.0 * self.batch

    def version(self) -> str:
        return f"faster-whisper-{installed(self.python, 'faster-whisper')} {content(self.model)}"

    def setup(self) -> None:
        """Raises ValueError for a model that faster-whisper does not load."""
        settings = self.model_dump(include={"model", "device", "compute", "beam", "batch"})
        try:
            self._child = Outside(self.python, "transcribe_whisper.py", settings)
        except OutsideFault as fault:
            raise ValueError(f"faster-whisper does not start: {fault}") from None

    def transcribe(self, clips: Sequence[Spoken]) -> Iterator[Transcript | Unusable]:
        """Neighbours in one language are heard in one go, each within its own bounds; where that fails, each alone."""
        for language, several in groupby(clips, key=lambda c: c.language or self.language):
            samples = [clip.samples for clip in several]
            try:
                yield from self._together(samples, language)
            except OutsideFault:
                for clip in samples:
                    yield self._alone(clip, language)

    def _alone(self, clip: np.ndarray, language: str) -> Transcript | Unusable:
        try:
            return self._together([clip], language)[0]
        except OutsideFault as fault:
            return Unusable("transcriber_failed", str(fault))

    def _together(self, clips: list[np.ndarray], language: str) -> list[Transcript]:
        ends = np.cumsum([len(clip) + _PAUSE for clip in clips])
        spans = [[(e - _PAUSE - len(c)) / RATE, (e - _PAUSE) / RATE] for c, e in zip(clips, ends.tolist(), strict=True)]
        joined = np.concatenate([part for clip in clips for part in (clip, np.zeros(_PAUSE, np.float32))])
        found = self._child.ask({"spans": spans, "language": language}, joined)["transcripts"]
        return [Transcript(said["text"], said["language"], said["confidence"]) for said in found]
