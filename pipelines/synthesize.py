"""Synthesizes dialogues: each turn in its speaker's voice and emotion, with the voice's own word times.

Turn("caller", "Where are you?", emotion="angry", level=2)  ->  the same with audio, seconds and words
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import ClassVar

from pydantic import SerializeAsAny

from weft.pipelines.audio.sound import flac
from weft.pipelines.stage import Stage
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.base import Voice, manners_version, style_for
from weft.schemas.audio import Audio
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.text import Dialogue, Turn


class Synthesize(Stage):
    """A dialogue with a turn that cannot be synthesized is rejected as a whole."""

    voice: SerializeAsAny[Voice]
    seed: int
    makes_seconds: ClassVar[bool] = True

    @property
    def makes(self) -> type:
        return Dialogue

    def version(self) -> str:
        return f"1, emotions {manners_version()}"

    def setup(self, store: Store) -> None:
        self.voice.setup()

    def __call__(self, dialogues: Iterable[Dialogue]) -> Iterator[Dialogue | Reject]:
        for dialogue in dialogues:
            try:
                yield replace(dialogue, turns=tuple(self._spoken(dialogue, turn) for turn in dialogue.turns))
            except Unusable as fault:
                yield Reject(
                    key=dialogue.key,
                    stage="synthesize",
                    source=dialogue.source,
                    path=dialogue.key,
                    reason=fault.reason,
                    detail=fault.detail,
                    seconds=0.0,
                )

    def _spoken(self, dialogue: Dialogue, turn: Turn) -> Turn:
        speaker = f"{dialogue.key} {turn.speaker}"
        style = style_for(speaker, turn.emotion, turn.level, self.seed, self.voice.styles())
        spoken = self.voice.speak(turn.text, style)
        return replace(
            turn, voice=f"{style.voice}+{style.variant}".rstrip("+"), words=spoken.words,
            audio=Audio("", data=flac(spoken.samples, spoken.rate)), seconds=len(spoken.samples) / spoken.rate,
        )  # fmt: skip
