"""Who speaks when, by a pyannote.audio pipeline in its own environment.

    Segmenter(pipeline="hf://pyannote/speaker-diarization-community-1")     from the hub, with the token in HF_TOKEN
    Segmenter(pipeline="/models/diarization")                          a folder with config.yaml

Each moment belongs to one speaker (the exclusive output); `overlap` counts the seconds in which another speaks too.
"""

from collections.abc import Iterable
from typing import Annotated

import numpy as np

from weft.outside.backend import Backend
from weft.pipelines.segmenters import base
from weft.pipelines.segmenters.base import SpeakerSpan
from weft.schemas.fingerprint import content
from weft.schemas.hub import loadable
from weft.schemas.settings import CHECKPOINT


class Segmenter(Backend, base.Segmenter):
    """A recording is diarized as a whole, so that a speaker has one label in it."""

    package, script = "pyannote.audio", "diarize_pyannote.py"

    pipeline: Annotated[str, CHECKPOINT] = "hf://pyannote/speaker-diarization-community-1"

    def version(self) -> str:
        return f"{self.installed} {content(self.pipeline)}"

    def setup(self) -> None:
        """Raises ValueError when the pipeline cannot be loaded."""
        self.start(pipeline=loadable(self.pipeline))

    def speech(self, blocks: Iterable[np.ndarray]) -> list[SpeakerSpan]:
        output = self.ask(np.concatenate([np.zeros(0, np.float32), *blocks]))
        shared = [tuple(span) for span in output["overlaps"]]
        return [
            SpeakerSpan(start=a, end=b, speaker=who, overlap=_within(a, b, shared)) for a, b, who in output["turns"]
        ]


def _within(start: float, end: float, spans: list[tuple[float, float]]) -> float:
    return sum(max(0.0, min(end, b) - max(start, a)) for a, b in spans)
