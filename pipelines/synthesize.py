"""Synthesizes dialogues: each spoken turn in its speaker's voice, emotion, speed and language, with the voice's own word times.

Turn("caller", "Where are you?", emotion="angry", level=2, pause=0.5)
->  the same with voice, audio that begins with half a second of silence, seconds, words, and where it starts in the dialogue
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import ClassVar

from pydantic import SerializeAsAny

from weft.pipelines.audio.sound import flac
from weft.pipelines.stage import Stage
from weft.pipelines.storage.store import Store
from weft.pipelines.voices.base import Voice, style_for
from weft.schemas.audio import Audio
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.text import Dialogue, Turn


class Synthesize(Stage):
    """A dialogue with a turn that cannot be synthesized as it asks to be is rejected as a whole. What is not spoken (a system
    prompt, a tool's call or result) stays as it is.
    """

    voice: SerializeAsAny[Voice]
    seed: int
    makes_seconds: ClassVar[bool] = True

    @property
    def makes(self) -> type:
        return Dialogue

    def version(self) -> str:
        return "2"

    def setup(self, store: Store) -> None:
        self.voice.setup()

    def __call__(self, dialogues: Iterable[Dialogue]) -> Iterator[Dialogue | Reject]:
        for dialogue in dialogues:
            try:
                yield replace(dialogue, turns=tuple(self._turns(dialogue)))
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

    def _turns(self, dialogue: Dialogue) -> Iterator[Turn]:
        before: Turn | None = None
        for number, turn in enumerate(dialogue.turns, 1):
            if not turn.is_spoken:
                yield turn
                continue
            try:
                before = _placed(self._spoken(dialogue, turn), before)
            except Unusable as fault:
                raise Unusable(fault.reason, f"turn {number}: {fault.detail}") from None
            yield before

    def _spoken(self, dialogue: Dialogue, turn: Turn) -> Turn:
        voice = self.voice.for_turn(turn, dialogue.language)
        speaker = f"{dialogue.key} {turn.speaker}"
        style = style_for(
            speaker, emotion=turn.emotion, level=turn.level, seed=self.seed,
            cast=voice.styles(), speed=turn.speed, manners=voice.manners,
        )  # fmt: skip
        spoken = voice.speak(turn.text, style)
        if spoken.words and len(spoken.words) != (count := len(turn.text.split())):
            timed = f"gave {len(spoken.words)} words for the {count} of a turn of {dialogue.key}"
            raise ValueError(f"the voice {voice.called} {timed}: {turn.text[:80]!r}")
        spoken = spoken.with_silence(turn.pause)
        return replace(
            turn, voice=f"{style.voice}+{style.variant}".rstrip("+"), words=spoken.words,
            audio=Audio("", data=flac(spoken.samples, spoken.rate)), seconds=spoken.seconds,
        )  # fmt: skip


def _placed(turn: Turn, before: Turn | None) -> Turn:
    """The turn with its start in the dialogue: at the end of the spoken turn before it, or `overlap` seconds sooner."""
    if before is None:
        return turn
    if turn.overlap > before.seconds:
        raise Unusable(
            "unspeakable", f"it overlaps the turn before by {turn.overlap:g} s, which lasts {before.seconds:.2f} s"
        )
    return replace(turn, start=before.start + before.seconds - turn.overlap)
