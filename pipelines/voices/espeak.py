"""espeak-ng: 22.05 kHz speech in a hundred languages, with the times of its words, from a wheel.

    WORD 1 @0  [h ə l oʊ]   WORD 7 @7011  [ð ɛɹ] pause @16692  END          (character, sample)
    ->  Word("Hello", 0.0, 0.318), Word("there.", 0.318, 0.757)

Every utterance gets a freshly loaded copy of the library, so that no state of the one before (echo, flutter, noise, wave)
remains: the same text and style give the same samples.
"""

import ctypes
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from math import log2
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import model_validator

from weft.pipelines.audio.espeak_library import NEVER_EXIT, PHONEME_EVENTS, RATE, SYNCHRONOUS, data_path, library
from weft.pipelines.voices import base
from weft.pipelines.voices.base import Style, Synthesized
from weft.schemas.audio import Word
from weft.schemas.fingerprint import version_of
from weft.schemas.ledger import Unusable

_UTF8 = 1  # the only flag: no SSML (0x10), no [[phonemes]] (0x100)
_WORD, _PHONEME = 1, 7  # event types
_SILENT = frozenset("-‐‑‒–—―…․.,;:!?¡¿\"'`´“”‘’«»‹›()[]{}*_~|\\")
_UNSPEAKABLE = {"Cc", "Cs", "Co", "Cn"}  # control characters (1 starts an espeak command), surrogates, unassigned
_NOT_HUMAN = ("robo", "robot", "whisper", "demonic", "croak", "fast", "tweaky", "mr serious")
_OTHER_SCRIPT = {"gmw/en-Shaw"}


class Voice(base.Voice):
    """espeak-ng through `espeakng_loader`. `styles` uses the `variants` named, or else all the human-like ones."""

    variants: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_there(self) -> Self:
        for variant in self.variants or ("",):
            self._voice_name(Style(variant=variant))
        return self

    def version(self) -> str:
        with library(SYNCHRONOUS, PHONEME_EVENTS | NEVER_EXIT) as espeak:
            espeak.espeak_Info.restype = ctypes.c_char_p
            return f"espeak-ng {espeak.espeak_Info(None).decode()} (wheel {version_of('espeakng-loader')})"

    def styles(self) -> list[tuple[str, str]]:
        variants = self.variants or [v for v in _variants() if not any(w in v.lower() for w in _NOT_HUMAN)]
        return [(voice, variant) for voice in _voices(self.language) for variant in variants]

    def speak(self, text: str, style: Style) -> Synthesized:
        """Speaks plain text at 22.05 kHz. Raises Unusable for text without a sound, ValueError for a voice it has not."""
        line = Line.of(text)
        pcm, events = _synthesise(line.sent, self._voice_name(style), _parameters(style))
        sounds = line.sounds(events, len(pcm))
        if not sounds:
            raise Unusable("unspeakable", f"there is nothing to speak in {text[:60]!r}")
        return Synthesized(pcm.astype(np.float32) / np.float32(32768), RATE, tuple(line.words(sounds)))

    def _voice_name(self, style: Style) -> str:
        voices = _voices(self.language)
        if style.voice and style.voice not in voices:
            raise ValueError(f"espeak has no voice {style.voice!r} in {self.language!r}; it has {', '.join(voices)}")
        if style.variant and style.variant not in _variants():
            raise ValueError(f"espeak has no variant {style.variant!r}; it has {', '.join(_variants())}")
        return "+".join(filter(None, (style.voice or voices[0], style.variant)))


@cache
def _voices(language: str) -> tuple[str, ...]:
    """Voices of a language ("en" has "en-us" too) by the names the library knows, such as `gmw/en-US`."""
    root = Path(data_path(), "lang")
    files = sorted(path for path in root.rglob("*") if path.is_file())
    named = [path.relative_to(root).as_posix() for path in files if _speaks(path, language.lower())]
    names = tuple(name for name in named if name not in _OTHER_SCRIPT)
    if not names:
        raise ValueError(f"espeak has no voice for the language {language!r}; try a code such as en, en-us, de or cmn")
    return names


def _speaks(path: Path, language: str) -> bool:
    rows = [line.split() for line in path.read_text("utf-8").splitlines() if line.startswith("language")]
    return any(f"{row[1].lower()}-".startswith(f"{language}-") for row in rows if len(row) > 1)


@cache
def _variants() -> tuple[str, ...]:
    return tuple(sorted(path.name for path in Path(data_path(), "voices", "!v").iterdir()))


# --- from text to events -------------------------------------------------------------------------------------------


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class EspeakEvent:
    """A word (`place` is its first character, from 0) or a phone (`phone` is empty in a pause) begins at `sample`."""

    type: int
    place: int
    sample: int
    phone: bytes = b""


def _parameters(style: Style) -> tuple[tuple[int, int], ...]:
    """espeak's parameters by number. Its pitch is logarithmic: 50 is the voice's own, 100 an octave above.

    Volume 1.0 is 55 of 100, which leaves room for the angry.
    """
    rate = round(min(max(175 * style.rate, 80), 450))
    volume = round(min(max(55 * style.volume, 0), 100))
    pitch = round(min(max(50 + 50 * log2(max(style.pitch, 0.25)), 0), 99))
    return (1, rate), (2, volume), (3, pitch)


def _synthesise(line: str, voice: str, parameters: Sequence[tuple[int, int]]) -> tuple[np.ndarray, list[EspeakEvent]]:
    """One line as int16 samples and events in the order of their samples."""
    chunks: list[bytes] = []
    events: list[EspeakEvent] = []

    def collect(wave: int | None, count: int, reported: "ctypes._Pointer[_Event]") -> int:
        if wave and count > 0:
            chunks.append(ctypes.string_at(wave, 2 * count))
        events.extend(_events(reported))
        return 0

    with library(SYNCHRONOUS, PHONEME_EVENTS | NEVER_EXIT) as espeak:
        callback = _Callback(collect)  # a name keeps it alive while C calls it
        espeak.espeak_SetSynthCallback(callback)
        _call(espeak.espeak_SetVoiceByName(voice.encode()), f"take the voice {voice!r}")
        for number, value in parameters:
            _call(espeak.espeak_SetParameter(number, value, 0), f"set parameter {number} to {value}")
        text = line.encode() + b"\0"
        _call(espeak.espeak_Synth(text, len(text), 0, 1, 0, _UTF8, None, None), f"speak {line[:60]!r}")
    return np.frombuffer(b"".join(chunks), np.int16), events


def _events(events_at: "ctypes._Pointer[_Event]") -> Iterator[EspeakEvent]:
    """The events of one callback; a zero type ends the list."""
    number = 0
    while events_at[number].type:
        yield EspeakEvent(
            type=events_at[number].type,
            place=events_at[number].text_position - 1,
            sample=events_at[number].sample,
            phone=events_at[number].id,
        )
        number += 1


def _call(code: int, what: str) -> None:
    if code:
        raise ValueError(f"espeak-ng could not {what} (code {code})")


# --- from events to written words ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sound:
    """A phone from sample `start` to `end`, of written word `word`."""

    word: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """Written words and what espeak gets of each: "Yes — 5" is sent as "Yes, 5"; an empty form is not sent."""

    written: tuple[str, ...]
    forms: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Line":
        """Drops tokens without sound. espeak reads a lone dash before a number as "minus", so the word before gets a comma instead."""
        forms: list[str] = []
        for token in text.split():
            form = "".join(c for c in token if unicodedata.category(c) not in _UNSPEAKABLE)
            forms.append(_comma(form) if set(form) - _SILENT else "")
            if form and not forms[-1]:
                _pause(forms)
        return cls(tuple(text.split()), tuple(forms))

    @property
    def sent(self) -> str:
        return " ".join(filter(None, self.forms))

    def sounds(self, events: Sequence[EspeakEvent], total: int) -> list[Sound]:
        """The phones with their words. A word's first phone begins where espeak reports the word."""
        sounds: list[Sound] = []
        word, onset = -1, 0
        starts = self._starts()
        for event, following in pairwise([*events, EspeakEvent(0, 0, total)]):
            if event.type == _WORD:
                word, onset = max(word, self._word_at(starts, event.place)), event.sample
            elif event.type == _PHONEME and event.phone.strip() and word >= 0:
                sounds.append(Sound(word, min(onset, event.sample), min(following.sample, total)))
                onset = total
        return sounds

    def _starts(self) -> dict[int, int]:
        """The character of `sent` each sent word begins with, and the word's number."""
        sent = [number for number, form in enumerate(self.forms) if form]
        places = accumulate((len(self.forms[number]) + 1 for number in sent), initial=0)
        return dict(zip(places, sent, strict=False))

    def _word_at(self, starts: dict[int, int], place: int) -> int:
        """The word that holds a character; espeak means the next one by the space between (as it does after "St.")."""
        places = list(starts)
        index = max(bisect_right(places, place) - 1, 0)
        word = starts[places[index]]
        past = place >= places[index] + len(self.forms[word])
        return starts[places[min(index + past, len(places) - 1)]]

    def words(self, sounds: Sequence[Sound]) -> Iterator[Word]:
        """Each written word with its span in seconds, in order."""
        spans: dict[int, tuple[int, int]] = {}
        for group in self._groups({sound.word for sound in sounds}):
            spans.update(zip(group, self._share(group, [s for s in sounds if s.word in group]), strict=True))
        last_end = 0
        for number, text in enumerate(self.written):
            start, end = spans.get(number, (last_end, last_end))
            start = max(start, last_end)
            last_end = max(start, end)
            yield Word(text, start / RATE, last_end / RATE)

    def _groups(self, sounding: set[int]) -> list[list[int]]:
        """Words that share sounds: espeak speaks "in the" as one word, and reports only the first."""
        groups: list[list[int]] = []
        for number, form in enumerate(self.forms):
            if number in sounding and (not groups or sounding & set(groups[-1])):
                groups.append([number])
            elif number in sounding or any(c.isalnum() for c in form):
                groups[-1:] = [[*groups[-1], number]] if groups else [[number]]
        return groups

    def _share(self, group: Sequence[int], sounds: Sequence[Sound]) -> list[tuple[int, int]]:
        """Divides a group's phones among its words in proportion to their letters, at least one phone each."""
        if len(sounds) < len(group):
            edges = np.linspace(sounds[0].start, sounds[-1].end, len(group) + 1).astype(int).tolist()
            return list(pairwise(edges))
        letters = list(accumulate(len(self.forms[number]) for number in group))
        cuts = [0]
        for rank, reached in enumerate(letters, 1):
            fair = round(len(sounds) * reached / letters[-1])
            cuts.append(min(max(fair, cuts[-1] + 1), len(sounds) - len(group) + rank))
        return [(sounds[a].start, sounds[b - 1].end) for a, b in pairwise(cuts)]


def _comma(form: str) -> str:
    """A dash at the end of a word as a comma: espeak would say it as "minus" before a number."""
    bare = form.rstrip("-–—―")
    return form if bare == form else f"{bare},"


def _pause(forms: list[str]) -> None:
    """Ends the last form that is sent with a comma, unless it ends in punctuation as it is."""
    for number in range(len(forms) - 1, -1, -1):
        if forms[number]:
            forms[number] += "" if forms[number][-1] in _SILENT else ","
            return
