"""What a corpus asks of an utterance. `quality: {}` in a recipe measures and rejects nothing; each limit rejects for its reason."""

from pydantic import Field

from weft.schemas.settings import Settings


class QualitySettings(Settings):
    """pipelines/assess.py says how each is measured.

    reason         the least or most
    noisy          snr, dB
    clipped        clipping, share of samples
    narrow         bandwidth, Hz
    little_speech  speech, share of the time
    overlapped     overlap, share of the time
    slow_text      slowest, letters a second of speech
    fast_text      fastest
    repeats        repeats, share of words
    """

    snr: float | None = None
    clipping: float | None = Field(default=None, ge=0, le=1)
    bandwidth: float | None = Field(default=None, ge=0, le=8000)
    speech: float | None = Field(default=None, ge=0, le=1)
    overlap: float | None = Field(default=None, ge=0, le=1)
    slowest: float | None = Field(default=None, ge=0)
    fastest: float | None = Field(default=None, ge=0)
    repeats: float | None = Field(default=None, ge=0, le=1)
