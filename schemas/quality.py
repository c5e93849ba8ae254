"""What a corpus asks of an utterance. `quality: {}` in a recipe measures and rejects nothing; each limit rejects for its reason."""

from pydantic import Field

from weft.schemas.settings import Settings


class QualitySettings(Settings):
    """The least or most of each measure. An utterance beyond it is a reject whose reason stands on the left; null rejects nothing.

    noisy          snr: decibels between its speech and its pauses, at least
    clipped        clipping: share of its samples within 2 % of the loudest, at most
    narrow         bandwidth: highest frequency in Hz (3,400 for a telephone), at least
    little_speech  speech: share of its time in which somebody speaks, at least
    overlapped     overlap: share of its time in which others speak too, at most
    slow_text      slowest: letters of its text a second of speech (2 for a wrong transcript), at least
    fast_text      fastest: the same (100 for a transcriber's invention), at most
    repeats        repeats: share of its words that repeat the one to four words before them, at most
    """

    snr: float | None = None
    clipping: float | None = Field(default=None, ge=0, le=1)
    bandwidth: float | None = Field(default=None, ge=0, le=8000)
    speech: float | None = Field(default=None, ge=0, le=1)
    overlap: float | None = Field(default=None, ge=0, le=1)
    slowest: float | None = Field(default=None, ge=0)
    fastest: float | None = Field(default=None, ge=0)
    repeats: float | None = Field(default=None, ge=0, le=1)
