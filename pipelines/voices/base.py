"""The base of voices: text and a style in, samples and word times out.

voice.speak("Hello there.", style_for("anna", "happy", 3, seed=7, cast=voice.styles()))
->  Synthesized(samples=float32[21930], rate=22050, words=(Word("Hello", 0.0, 0.26), Word("there.", 0.26, 0.71)))
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from weft.pipelines.voices.common.emotions import Prosody
from weft.schemas.audio import Word
from weft.schemas.fingerprint import hash64
from weft.schemas.ledger import Unusable
from weft.schemas.settings import Versioned
from weft.schemas.text import Dialogue, Turn

_DEFAULT = Prosody()


@dataclass(frozen=True, slots=True)
class Style:
    """Who speaks and how. `pitch` (with its range), `rate` and `volume` multiply the voice's own, which is 1.0."""

    voice: str = ""
    variant: str = ""
    pitch: float = 1.0
    rate: float = 1.0
    volume: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Synthesized:
    """Mono float32 samples in [-1, 1] at `rate` Hz, and one `Word` for each token of `text.split()`, in order.

    Word times are seconds from the first sample, without overlap. A token that makes no sound (a lone dash) has
    `start == end`.
    """

    samples: NDArray[np.float32]
    rate: int
    words: tuple[Word, ...]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def with_silence(self, seconds: float, at: float = 0.0) -> "Synthesized":
        """With so many seconds of silence at second `at`; the words that begin there or later are moved."""
        place, silence = round(at * self.rate), np.zeros(round(seconds * self.rate), np.float32)
        by = len(silence) / self.rate
        moved = (replace(w, start=w.start + by, end=w.end + by) if w.start >= at else w for w in self.words)
        samples = np.concatenate([self.samples[:place], silence, self.samples[place:]])
        return Synthesized(samples=samples, rate=self.rate, words=tuple(moved))


def style_for(
    speaker: str, emotion: str = "", level: int = 1, seed: int = 0,
    cast: Sequence[tuple[str, str]] = (("", ""),), speed: str = "", manners: Prosody = _DEFAULT,
) -> Style:  # fmt: skip
    """The style of one turn: the voice is drawn from `cast` by speaker and seed alone, the rest is the emotion's and speed's.

    Raises Unusable for an unknown emotion or speed or a level outside 1 to 5, ValueError for an empty cast.
    """
    if not cast:
        raise ValueError("there is no voice to choose from: the cast is empty")
    voice, variant = cast[hash64("voice", seed, speaker) % len(cast)]
    factors = manners.of(emotion, level, speed)
    return Style(voice=voice, variant=variant, pitch=factors.pitch, rate=factors.rate, volume=factors.volume)


def covers(language: str, dialect: str) -> bool:
    """Whether a dialect is of a language: "en" covers "en-us" and itself."""
    return f"{dialect.lower()}-".startswith(f"{language.lower()}-")


class Voice(Versioned):
    """A text-to-speech backend. A backend writes `speak`, `styles` and `version`; the same call gives the same samples.

    `acts` are the styles of a turn (such as rap) that it can speak in; `manners` how it acts emotions and speeds. `language` is
    that of turns without their own; a backend that has more than one says so in `speaks`.
    """

    acts: ClassVar[frozenset[str]] = frozenset()

    language: str = "en"
    manners: Prosody = Prosody()

    def setup(self) -> None:
        """Loads what `speak` needs, once in each worker."""

    def version(self) -> str:
        """The backend and its version: a change of it makes all synthesized speech stale."""
        raise NotImplementedError

    def speaks(self, language: str) -> bool:
        """Whether it has voices of a language, such as "de" or "en-us"."""
        return covers(language, self.language)

    def in_language(self, language: str) -> Self:
        """This voice for a turn in a language; "" is its own. Raises Unusable (unspeakable) where it has none."""
        if not language or covers(language, self.language):
            return self
        if not self.speaks(language):
            raise Unusable("unspeakable", f"the voice {self.called} does not speak the language {language!r}")
        return self.model_copy(update={"language": language})

    def for_turn(self, turn: Turn, language: str) -> Self:
        """This voice for a turn of a dialogue in `language`. Raises Unusable (unspeakable) where it lacks the language or the style."""
        voice = self.in_language(turn.language or language)
        if turn.style and turn.style not in voice.acts:
            has = f"it has {', '.join(sorted(voice.acts))}" if voice.acts else "it has none"
            raise Unusable("unspeakable", f"the voice {voice.called} cannot speak in the style {turn.style!r}; {has}")
        return voice

    def can_speak(self, dialogue: Dialogue) -> bool:
        """Whether it has the languages and the styles of all turns, and a sound for their texts."""
        spoken = [turn for turn in dialogue.turns if turn.is_spoken]
        try:
            return all(self.for_turn(turn, dialogue.language).has_sound(turn.text) for turn in spoken)
        except Unusable:
            return False

    def has_sound(self, text: str) -> bool:
        """Whether there is anything to speak in a text. Called before `setup`, of many texts; True where only speaking shows it."""
        return True

    def styles(self) -> list[tuple[str, str]]:
        """The voices and variants of this language that `style_for` may choose from, always in the same order."""
        raise NotImplementedError

    def speak(self, text: str, style: Style) -> Synthesized:
        """Speaks plain text. Raises Unusable for text that cannot be spoken; any other error is a failure of the work."""
        raise NotImplementedError
