"""pocketsphinx with the English model in its wheel: offline, 3 to 8 times real time, with every third word of clear speech wrong.

For trials; use `whisper` for corpora.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from pocketsphinx import Config, Decoder
from pydantic import PrivateAttr

from weft.pipelines.aligners.sphinx import pcm_of
from weft.pipelines.transcribers import base
from weft.pipelines.transcribers.base import SpokenClip, Transcript
from weft.schemas.fingerprint import version_of
from weft.schemas.ledger import Unusable


class Transcriber(base.Transcriber):
    """English only: clips labelled with another language are rejected."""

    _decoder: Any = PrivateAttr()

    def setup(self) -> None:
        self._decoder = Decoder(Config(loglevel="FATAL"))

    def version(self) -> str:
        return f"pocketsphinx-{version_of('pocketsphinx')}"

    def transcribe(self, clips: Sequence[SpokenClip]) -> Iterator[Transcript | Unusable]:
        for clip in clips:
            if clip.language in ("", "en"):
                yield self._transcript(clip)
            else:
                yield Unusable("language", f"the clip is in {clip.language!r}, this transcriber supports English only")

    def _transcript(self, clip: SpokenClip) -> Transcript:
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw(pcm_of(clip.samples), full_utt=True)
        self._decoder.end_utt()
        segments = [s for s in self._decoder.seg() or () if s.word[0] not in "<["]
        confidence = sum(min(1.0, s.prob) for s in segments) / len(segments) if segments else 0.0
        text = " ".join(s.word.partition("(")[0] for s in segments)
        return Transcript(text=text, language="en", confidence=confidence)
