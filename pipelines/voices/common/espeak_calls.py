"""One line of text through the espeak-ng library: samples, and the words and phones with the sample at which each begins.

Every line gets a freshly loaded copy of the library, so that no state of the one before (echo, flutter, noise, wave)
remains: the same text and style give the same samples.
"""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from weft.pipelines.audio.espeak_library import NEVER_EXIT, PHONEME_EVENTS, SYNCHRONOUS, library

_UTF8 = 1  # the only flag: no SSML (0x10), no [[phonemes]] (0x100)
WORD, PHONEME = 1, 7  # types of events


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


def synthesise(line: str, voice: str, parameters: Sequence[tuple[int, int]]) -> tuple[np.ndarray, list[EspeakEvent]]:
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
