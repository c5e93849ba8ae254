"""The base of voices: text and a style in, samples and word times out.

voice.speak("Hello there.", style_for("anna", "happy", 3, seed=7, cast=voice.styles()))
->  Spoken(samples=float32[21930], rate=22050, words=(Word("Hello", 0.0, 0.26), Word("there.", 0.26, 0.71)))
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from weft.schemas.audio import Word
from weft.schemas.fingerprint import digest, hash64
from weft.schemas.ledger import Unusable
from weft.schemas.settings import Versioned

LEVELS = range(1, 6)


@dataclass(frozen=True, slots=True)
class Style:
    """Who speaks and how. `pitch`, `rate` and `volume` multiply the voice's own, which is 1.0."""

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


@dataclass(frozen=True, slots=True)
class Manner:
    """The factors of an emotion at level 5; level n has their (n / 5)th power."""

    pitch: float = 1.0
    rate: float = 1.0
    volume: float = 1.0

    def at(self, level: int) -> "Manner":
        share = level / LEVELS[-1]
        return Manner(self.pitch**share, self.rate**share, self.volume**share)


# Step-Audio-AQAA's tags: four emotions in levels 1 to 5, and speeds whose number is their level.
EMOTIONS = {
    "": Manner(),
    "neutral": Manner(),
    "happy": Manner(pitch=1.35, rate=1.15, volume=1.2),
    "angry": Manner(pitch=1.15, rate=1.25, volume=1.7),
    "sad": Manner(pitch=0.8, rate=0.7, volume=0.6),
    "coquettish": Manner(pitch=1.5, rate=0.88, volume=0.85),
}
SPEEDS = {"slow1": 0.85, "slow2": 0.7, "fast1": 1.2, "fast2": 1.45}


def manners_version() -> str:
    """A digest of the factors of all emotions and speeds."""
    return digest([{name: asdict(manner) for name, manner in EMOTIONS.items()}, SPEEDS])[:8]


def style_for(
    speaker: str, emotion: str = "", level: int = 1, seed: int = 0, cast: Sequence[tuple[str, str]] = (("", ""),)
) -> Style:
    """The style of one turn: the voice is drawn from `cast` by speaker and seed alone, the rest is the emotion's.

    Raises Unusable for an emotion outside `EMOTIONS` and `SPEEDS` or a level outside 1 to 5, ValueError for an empty cast.
    """
    if not cast:
        raise ValueError("there is no voice to choose from: the cast is empty")
    voice, variant = cast[hash64("voice", seed, speaker) % len(cast)]
    manner = manner_of(emotion, level)
    return Style(voice=voice, variant=variant, pitch=manner.pitch, rate=manner.rate, volume=manner.volume)


def manner_of(emotion: str, level: int) -> Manner:
    """The multipliers of an emotion at a level. Raises Unusable for an unknown one."""
    if level not in LEVELS:
        raise Unusable("unspeakable", f"emotion level {level} is not one of 1 to 5")
    if emotion in SPEEDS:
        return Manner(rate=SPEEDS[emotion])
    if emotion not in EMOTIONS:
        names = ", ".join([*filter(None, EMOTIONS), *SPEEDS])
        raise Unusable("unspeakable", f"no emotion is called {emotion!r}; the voices support {names}")
    return EMOTIONS[emotion].at(level)


class Voice(Versioned):
    """A text-to-speech backend. A leaf writes `speak`, `styles` and `version`; the same call gives the same samples."""

    language: str = "en"

    def setup(self) -> None:
        """Loads what `speak` needs, once in each worker."""

    def version(self) -> str:
        """The backend and its version: a change of it makes all synthesized speech stale."""
        raise NotImplementedError

    def styles(self) -> list[tuple[str, str]]:
        """The voices and variants of this language that `style_for` may choose from, always in the same order."""
        raise NotImplementedError

    def speak(self, text: str, style: Style) -> Synthesized:
        """Speaks plain text. Raises Unusable for text that cannot be spoken; any other error is a failure of the work."""
        raise NotImplementedError
