"""Forced alignment by WhisperX, in an environment of its own: wav2vec2 checkpoints, their own Viterbi, words with probabilities.

    Aligner(python="/envs/whisperx/bin/python", language="en", model="/models/wav2vec2-base-960h")

A word's score is the logarithm of WhisperX's, so 0 is sure.
"""

import math
from typing import Any

from pydantic import PrivateAttr, model_validator

from weft.pipelines.aligners import base
from weft.pipelines.aligners.base import RATE, Clip, Timed, Unalignable
from weft.pipelines.aligners.checkpoint import content
from weft.pipelines.aligners.spelling import spelt
from weft.pipelines.aligners.spoken import spoken_forms
from weft.pipelines.outside.process import Outside, OutsideFault, installed
from weft.schemas.audio import Word


class Aligner(base.Aligner):
    """`python` is the interpreter of an environment with whisperx ("" for weft's own); `model` a wav2vec2 checkpoint, a folder or a hub
    name ("" for WhisperX's own for the language). Words whose mean score is under `min_score` belong to other audio.
    """

    language: str = "en"
    model: str = ""
    python: str = ""
    device: str = "cpu"
    min_score: float = -2.5
    max_seconds: float = 60.0

    _child: Any = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _is_there(self) -> "Aligner":
        installed(self.python, "whisperx")
        return self

    @property
    def hears(self) -> str:
        return self.language

    def say(self, written: str) -> list[str]:
        return [word for form in spoken_forms(written) for word in spelt(form, self.language)]

    def version(self) -> str:
        return f"whisperx-{installed(self.python, 'whisperx')} {content(self.model) if self.model else self.language}"

    def setup(self) -> None:
        """Raises ValueError for a model that WhisperX does not load."""
        settings = {"language": self.language, "model": self.model, "device": self.device}
        try:
            self._child = Outside(self.python, "align_whisperx.py", settings)
        except OutsideFault as fault:
            raise ValueError(f"whisperx does not start: {fault}") from None

    def _align(self, clip: Clip) -> Timed:
        if (seconds := len(clip.samples) / RATE) > self.max_seconds:
            raise Unalignable("too_long", f"{seconds:.1f} s, where max_seconds is {self.max_seconds:g}")
        try:
            said = self._child.ask({"words": clip.spoken}, clip.samples)["words"]
        except OutsideFault as fault:
            raise Unalignable("alignment_failed", str(fault)) from None
        if [word["word"] for word in said] != clip.spoken or any(word["start"] is None for word in said):
            raise Unalignable("alignment_failed", "whisperx did not time every word")
        words = [Word(w["word"], w["start"], w["end"], math.log(max(w["score"], 1e-6))) for w in said]
        score = sum(word.score for word in words) / len(words)
        if score < self.min_score:
            raise Unalignable("mismatch", f"score {score:.2f} is below min_score {self.min_score:g}")
        return Timed(words)
