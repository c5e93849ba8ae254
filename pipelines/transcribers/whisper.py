"""Whisper by faster-whisper, batched, in its own environment.

    Transcriber(model="large-v3", python="/envs/whisper/bin/python", device="cuda")

`model` as faster-whisper takes it: a size, a name on the hub (`hf://org/name`), or a folder converted by ctranslate2.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated

import numpy as np
from pydantic import Field

from weft.outside.backend import Backend
from weft.pipelines.audio.sound import RATE
from weft.pipelines.transcribers import base
from weft.pipelines.transcribers.base import SpokenClip, Transcript
from weft.schemas.fingerprint import content
from weft.schemas.hub import loadable_or_word
from weft.schemas.ledger import Unusable
from weft.schemas.settings import NAMED_CHECKPOINT, NOT_IN_FINGERPRINT

_PAUSE = RATE  # samples of silence between the clips of one batch


class Transcriber(Backend, base.Transcriber):
    """`language` is used for utterances without one; without either, the language is detected. `batch` clips are decoded at
    once, with `beam` hypotheses each, in ctranslate2's compute type `compute`.
    """

    package, script = "faster-whisper", "transcribe_whisper.py"

    model: Annotated[str, NAMED_CHECKPOINT]
    language: str = ""
    compute: str = "default"
    beam: int = Field(default=5, ge=1)
    batch: Annotated[int, NOT_IN_FINGERPRINT] = Field(default=8, ge=1)

    @property
    def batch_seconds(self) -> float:
        return 30.0 * self.batch

    def version(self) -> str:
        return f"{self.installed} {content(self.model)}"

    def setup(self) -> None:
        """Raises ValueError for a model that faster-whisper cannot load."""
        self.start(model=loadable_or_word(self.model), compute=self.compute, beam=self.beam, batch=self.batch)

    def transcribe(self, clips: Sequence[SpokenClip]) -> Iterator[Transcript | Unusable]:
        """Clips of one language that follow one another are one batch. Where the batch is refused, each clip is transcribed alone."""
        for language, group in groupby(clips, key=lambda c: c.language or self.language):
            samples = [clip.samples for clip in group]
            try:
                yield from self._together(samples, language)
            except Unusable:
                for clip in samples:
                    yield self._alone(clip, language)

    def _alone(self, clip: np.ndarray, language: str) -> Transcript | Unusable:
        try:
            return self._together([clip], language)[0]
        except Unusable as fault:
            return fault

    def _together(self, clips: list[np.ndarray], language: str) -> list[Transcript]:
        ends = np.cumsum([len(clip) + _PAUSE for clip in clips])
        spans = [[(e - _PAUSE - len(c)) / RATE, (e - _PAUSE) / RATE] for c, e in zip(clips, ends.tolist(), strict=True)]
        joined = np.concatenate([part for clip in clips for part in (clip, np.zeros(_PAUSE, np.float32))])
        rows = self.ask(joined, spans=spans, language=language)["transcripts"]
        return [Transcript(text=r["text"], language=r["language"], confidence=r["confidence"]) for r in rows]
