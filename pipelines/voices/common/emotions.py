"""How emotions, levels and speeds are spoken: factors of pitch, rate and loudness, for every voice that takes numbers.

manner_of("happy", 3)          ->  Manner(pitch=1.20, rate=1.09, volume=1.20)
manner_of("sad", 1, "slow2")   ->  Manner(pitch=0.96, rate=0.65, volume=0.90)

Emotions and speeds are those of Step-Audio-AQAA's scripts; the factors are weft's own. `emotions_version` is a digest of them.
"""

from dataclasses import asdict, dataclass

from weft.schemas.fingerprint import digest
from weft.schemas.ledger import Unusable
from weft.schemas.text import LEVELS


@dataclass(frozen=True, slots=True)
class Manner:
    """The factors of an emotion at level 5; level n has their (n / 5)th power."""

    pitch: float = 1.0
    rate: float = 1.0
    volume: float = 1.0

    def at(self, level: int) -> "Manner":
        share = level / LEVELS[-1]
        return Manner(pitch=self.pitch**share, rate=self.rate**share, volume=self.volume**share)


# a level changes pitch by at least 2.8 %, loudness by 0.5 dB and rate by 2.5 %: less would drown in what the text changes
EMOTIONS = {
    "": Manner(),
    "neutral": Manner(),
    "happy": Manner(pitch=1.35, rate=1.15, volume=1.35),
    "angry": Manner(pitch=1.15, rate=1.25, volume=1.7),
    "sad": Manner(pitch=0.8, rate=0.7, volume=0.6),
    "coquettish": Manner(pitch=1.5, rate=0.88, volume=0.7),
}
SPEEDS = {"": 1.0, "slow2": 0.7, "slow1": 0.85, "fast1": 1.2, "fast2": 1.45}


def emotions_version() -> str:
    """A digest of the factors of all emotions and speeds."""
    return digest([{name: asdict(manner) for name, manner in EMOTIONS.items()}, SPEEDS])[:8]


def manner_of(emotion: str, level: int, speed: str = "") -> Manner:
    """The factors of an emotion at a level, and of a speed. Raises Unusable (unspeakable) for an unknown one."""
    if level not in LEVELS:
        raise Unusable("unspeakable", f"emotion level {level} is not one of 1 to 5")
    if emotion not in EMOTIONS:
        raise Unusable(
            "unspeakable", f"unknown emotion {emotion!r}; the voices have {', '.join(filter(None, EMOTIONS))}"
        )
    if speed not in SPEEDS:
        raise Unusable("unspeakable", f"unknown speed {speed!r}; the voices have {', '.join(filter(None, SPEEDS))}")
    manner = EMOTIONS[emotion].at(level)
    return Manner(pitch=manner.pitch, rate=manner.rate * SPEEDS[speed], volume=manner.volume)
