"""Forced alignment by WhisperX, in an environment of its own: wav2vec2 checkpoints, their own Viterbi, words with probabilities.

    Aligner(python="/envs/whisperx/bin/python", language="en", model="/models/wav2vec2-base-960h")

A word's score is the logarithm of WhisperX's score: 0 is certain.
"""

import math
from typing import Annotated

from weft.outside.backend import Backend
from weft.pipelines.aligners import base
from weft.pipelines.aligners.base import Clip, Timed, Unalignable, check_length
from weft.pipelines.aligners.common.spelling import spelt_forms
from weft.schemas.audio import Word
from weft.schemas.fingerprint import content
from weft.schemas.hub import loadable
from weft.schemas.settings import CHECKPOINT


class Aligner(Backend, base.Aligner):
    """`model` is a wav2vec2 checkpoint, a folder or a name on the hub, `hf://org/name` ("" for WhisperX's own for the language).

    A transcript with a mean score below `min_score` is rejected as a mismatch. Audio of more than `max_seconds` is aligned in windows.
    """

    package, script = "whisperx", "align_whisperx.py"

    language: str = "en"
    model: Annotated[str, CHECKPOINT] = ""
    min_score: float = -2.5
    max_seconds: float = 60.0

    @property
    def spoken_language(self) -> str:
        return self.language

    def verbalize(self, written: str) -> list[str]:
        return spelt_forms(written, self.language)

    def version(self) -> str:
        return f"{self.installed} {content(self.model) if self.model else self.language}"

    @property
    def longest(self) -> float:
        return self.max_seconds

    def setup(self) -> None:
        """Raises ValueError for a model that WhisperX cannot load."""
        self.start(language=self.language, model=loadable(self.model) if self.model else "")

    def align_clip(self, clip: Clip) -> Timed:
        check_length(clip, self.max_seconds)
        rows = self.ask(clip.samples, words=clip.spoken)["words"]
        if [row["word"] for row in rows] != clip.spoken or any(row["start"] is None for row in rows):
            raise Unalignable("alignment_failed", "whisperx did not time every word")
        words = [
            Word(text=row["word"], start=row["start"], end=row["end"], score=math.log(max(row["score"], 1e-6)))
            for row in rows
        ]
        score = sum(word.score for word in words) / len(words)
        if score < self.min_score:
            raise Unalignable("mismatch", f"score {score:.2f} is below min_score {self.min_score:g}")
        return Timed(words)
