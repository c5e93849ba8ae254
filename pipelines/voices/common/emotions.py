"""How emotions, levels and speeds are spoken: factors of pitch, rate and loudness, for every voice that takes numbers.

Prosody().of("happy", 3)          ->  ProsodyFactors(pitch=1.20, rate=1.09, volume=1.20)
Prosody().of("sad", 1, "slow2")   ->  ProsodyFactors(pitch=0.96, rate=0.65, volume=0.90)

Emotions and speeds are those of Step-Audio-AQAA's scripts; the factors are weft's own, and settings of a voice:

synthesize: {use: espeak, manners: {emotions: {happy: {pitch: 1.4}}}}
"""

from typing import Annotated, Any

from pydantic import Field, field_validator

from weft.schemas.ledger import Unusable
from weft.schemas.settings import Settings
from weft.schemas.text import LEVELS

Factor = Annotated[float, Field(gt=0.1, lt=10)]


class ProsodyFactors(Settings):
    """The factors of an emotion at level 5; level n has their (n / 5)th power."""

    pitch: Factor = 1.0
    rate: Factor = 1.0
    volume: Factor = 1.0

    def at(self, level: int) -> "ProsodyFactors":
        share = level / LEVELS[-1]
        return ProsodyFactors(pitch=self.pitch**share, rate=self.rate**share, volume=self.volume**share)


# a level changes pitch by at least 2.8 %, loudness by 0.5 dB and rate by 2.5 %: less would drown in what the text changes
EMOTIONS = {
    "neutral": ProsodyFactors(),
    "happy": ProsodyFactors(pitch=1.35, rate=1.15, volume=1.35),
    "angry": ProsodyFactors(pitch=1.15, rate=1.25, volume=1.7),
    "sad": ProsodyFactors(pitch=0.8, rate=0.7, volume=0.6),
    "coquettish": ProsodyFactors(pitch=1.5, rate=0.88, volume=0.7),
}
SPEEDS = {"slow2": 0.7, "slow1": 0.85, "fast1": 1.2, "fast2": 1.45}


class Prosody(Settings):
    """The `emotions` at level 5 and the `speeds` as factors of the rate. What a recipe does not name keeps its default."""

    emotions: dict[str, ProsodyFactors] = EMOTIONS
    speeds: dict[str, Factor] = SPEEDS

    @field_validator("emotions", mode="before")
    @classmethod
    def _other_emotions(cls, given: Any) -> Any:
        return {**EMOTIONS, **given} if isinstance(given, dict) else given

    @field_validator("speeds", mode="before")
    @classmethod
    def _other_speeds(cls, given: Any) -> Any:
        return {**SPEEDS, **given} if isinstance(given, dict) else given

    def of(self, emotion: str, level: int, speed: str = "") -> ProsodyFactors:
        """The factors of an emotion at a level, and of a speed; "" is neither. Raises Unusable (unspeakable) for an unknown one."""
        if level not in LEVELS:
            raise Unusable("unspeakable", f"emotion level {level} is not one of 1 to 5")
        if emotion and emotion not in self.emotions:
            raise Unusable("unspeakable", f"unknown emotion {emotion!r}; the voices have {', '.join(self.emotions)}")
        if speed and speed not in self.speeds:
            raise Unusable("unspeakable", f"unknown speed {speed!r}; the voices have {', '.join(self.speeds)}")
        factors = self.emotions[emotion].at(level) if emotion else ProsodyFactors()
        return ProsodyFactors(
            pitch=factors.pitch, rate=factors.rate * self.speeds.get(speed, 1.0), volume=factors.volume
        )
