"""espeak-ng: 22.05 kHz speech in a hundred languages, with the times of its words, from a wheel.

Voice().speak("Hello there.", Style("gmw/en-US", "f2", pitch=1.2))
->  Synthesized(samples=float32[17212], rate=22050, words=(Word("Hello", 0.0, 0.31), Word("there.", 0.31, 0.73)))
"""

import ctypes
from dataclasses import replace
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from weft.pipelines.audio.espeak_library import NEVER_EXIT, PHONEME_EVENTS, RATE, SYNCHRONOUS, library
from weft.pipelines.voices import base
from weft.pipelines.voices.base import Style, Synthesized
from weft.pipelines.voices.common.espeak_calls import EspeakEvent
from weft.pipelines.voices.common.espeak_process import synthesise
from weft.pipelines.voices.common.espeak_voices import pitch_of, variants, voices_of
from weft.pipelines.voices.common.espeak_words import EspeakText
from weft.pipelines.voices.common.loudness import LOUDNESS, levelled
from weft.schemas.fingerprint import version_of
from weft.schemas.ledger import Unusable

_NOT_HUMAN = ("robo", "robot", "whisper", "demonic", "croak", "fast", "tweaky", "mr serious")
_NO_PITCH = {
    "announcer",
    "caleb",
    "klatt",
    "klatt2",
}  # noise for a voice, or F0 near 70 Hz: no change of pitch is measurable
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4  # parameters of the library
_VOLUMES = (40, 20, 10, 5)  # tried until nothing is cut off at full scale; the level is set afterwards
_FULL = 32767


class Voice(base.Voice):
    """espeak-ng through `espeakng_loader`. `styles` uses the `variants` named, or else all the human-like ones. `loudness` is that of
    the words without emotion, in dBFS (RMS); speech whose peaks would be cut off is quieter.
    """

    variants: tuple[str, ...] = ()
    loudness: float = Field(default=LOUDNESS, ge=-60, le=0)

    @model_validator(mode="after")
    def _is_there(self) -> Self:
        for variant in self.variants or ("",):
            self._named(Style(variant=variant))
        return self

    def version(self) -> str:
        with library(SYNCHRONOUS, PHONEME_EVENTS | NEVER_EXIT) as espeak:
            espeak.espeak_Info.restype = ctypes.c_char_p
            engine = f"espeak-ng {espeak.espeak_Info(None).decode()} (wheel {version_of('espeakng-loader')})"
            return f"{engine}, 2"

    def speaks(self, language: str) -> bool:
        return bool(voices_of(language))

    def styles(self) -> list[tuple[str, str]]:
        human = [v for v in variants() if v not in _NO_PITCH and not any(w in v.lower() for w in _NOT_HUMAN)]
        chosen = self.variants or human
        return [(voice, variant) for voice in self._voices() for variant in chosen]

    def has_sound(self, text: str) -> bool:
        """Text without a letter or a digit is spoken to see: "?!" has no sound, and "&" has one."""
        if any(c.isalnum() for c in text):
            return True
        try:
            return bool(self.speak(text, Style()).words)
        except Unusable:
            return False

    def speak(self, text: str, style: Style) -> Synthesized:
        """Speaks plain text at 22.05 kHz. Raises Unusable for text without a sound, ValueError for a voice it has not."""
        line, style = EspeakText.of(text), self._named(style)
        pcm, events = _uncut(line.sent, style)
        sounds = line.sounds(events, len(pcm))
        if not sounds:
            raise Unusable("unspeakable", f"there is nothing to speak in {text[:60]!r}")
        samples = pcm.astype(np.float32) / np.float32(32768)
        spans = [(sound.start, sound.end) for sound in sounds]
        level = levelled(samples, spans, self.loudness, style.volume)
        return Synthesized(samples=level, rate=RATE, words=tuple(line.words(sounds)))

    def _named(self, style: Style) -> Style:
        """The style with its voice. Raises ValueError for a voice or a variant that espeak has not."""
        known = self._voices()
        if style.voice and style.voice not in known:
            raise ValueError(f"espeak has no voice {style.voice!r} in {self.language!r}; it has {', '.join(known)}")
        if style.variant and style.variant not in variants():
            raise ValueError(f"espeak has no variant {style.variant!r}; it has {', '.join(variants())}")
        return replace(style, voice=style.voice or known[0])

    def _voices(self) -> tuple[str, ...]:
        if known := voices_of(self.language):
            return known
        raise ValueError(
            f"espeak has no voice for the language {self.language!r}; try a code such as en, en-us, de or cmn"
        )


def _uncut(line: str, style: Style) -> tuple[np.ndarray, list[EspeakEvent]]:
    """The line as loud as the library can speak it without cutting off peaks."""
    for volume in _VOLUMES:
        pcm, events = synthesise(line, "+".join(filter(None, (style.voice, style.variant))), _parameters(style, volume))
        if not len(pcm) or max(int(pcm.max()), -int(pcm.min())) < _FULL:
            break
    return pcm, events


def _parameters(style: Style, volume: int) -> tuple[tuple[int, int], ...]:
    """espeak's parameters by number; 175 words a minute are its own rate."""
    rate = round(min(max(175 * style.rate, 80), 450))
    pitch, span = pitch_of(style.voice, style.variant).parameters(style.pitch)
    return (_RATE, rate), (_VOLUME, volume), (_PITCH, pitch), (_RANGE, span)
