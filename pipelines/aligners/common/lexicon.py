"""How a word that no dictionary holds is said: espeak-ng reads it aloud, in a hundred languages.

pronunciations("weft")      ->  ("W EH F T",)                         in the 39 phones of the CMU dictionary
pronunciations("42")        ->  ("F AO R T IY T UW", "F AO R T UW")   as a number, and digit by digit
pronunciations("ich", "de") ->  ("IH HH",)                            with the English sounds nearest to its own
sounds("ich", "de")         ->  (("ɪ", "ç"),)                         in its own
"""

import ctypes
import re
import unicodedata
from functools import cache

from weft.pipelines.audio.espeak_library import NEVER_EXIT, SYNCHRONOUS, library

_UTF8, _IPA, _BETWEEN = 1, 2, ord("_") << 8  # the sound's own sign, one between sounds
_STRESS = str.maketrans("", "", "ˈˌ")
ENGLISH = "en-us"
_SCRIPTS = {
    "ar": "ARABIC", "be": "CYRILLIC", "bg": "CYRILLIC", "el": "GREEK", "fa": "ARABIC", "he": "HEBREW", "hi": "DEVANAGARI",
    "ka": "GEORGIAN", "kk": "CYRILLIC", "mk": "CYRILLIC", "ru": "CYRILLIC", "sr": "CYRILLIC", "uk": "CYRILLIC",
}  # fmt: skip

# IPA as espeak writes it, sounds that English lacks included, to CMU phones.
_PHONES = {
    "tʃ": "CH", "dʒ": "JH", "aɪ": "AY", "aʊ": "AW", "ɔɪ": "OY", "eɪ": "EY", "oʊ": "OW", "əʊ": "OW",
    "ɜːɹ": "ER", "ɚɹ": "ER", "ɜː": "ER", "ɜ": "ER", "ɚ": "ER", "ø": "ER", "œ": "ER",
    "əl": "AH L", "n̩": "AH N", "l̩": "AH L",
    "iː": "IY", "i": "IY", "ɪ": "IH", "ᵻ": "IH", "ɨ": "IH", "y": "UW", "ʏ": "UH", "ɛ": "EH", "e": "EH",
    "æ": "AE", "a": "AA", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO", "oː": "AO", "o": "OW",
    "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ʊ": "UH", "uː": "UW", "u": "UW",
    "b": "B", "d": "D", "f": "F", "ɡ": "G", "g": "G", "h": "HH", "j": "Y", "k": "K", "l": "L", "m": "M", "n": "N",
    "p": "P", "s": "S", "t": "T", "v": "V", "w": "W", "z": "Z", "ɹ": "R", "r": "R", "ð": "DH", "θ": "TH",
    "ʃ": "SH", "ʒ": "ZH", "ŋ": "NG", "ɾ": "T", "ʔ": "T", "ɲ": "N Y", "x": "K", "ç": "HH", "ʁ": "R", "ɬ": "L",
    "c": "K", "q": "K", "ɣ": "G", "β": "V", "ʎ": "L Y", "ɫ": "L", "ʈ": "T", "ɖ": "D", "ɭ": "L", "ɳ": "N",
}  # fmt: skip
_LONGEST_FIRST = re.compile("|".join(sorted(map(re.escape, _PHONES), key=len, reverse=True)))
_LANGUAGE_SWITCH = re.compile(r"\([a-z-]+\)")  # espeak marks a foreign word: (fr)ʁɑ̃devu(en-us)


def checked_language(language: str) -> str:
    """The language, if there is a voice that reads it (`de`, `pt-br`). Raises ValueError."""
    with library(SYNCHRONOUS, NEVER_EXIT) as espeak:
        if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]+)*", language) or espeak.espeak_SetVoiceByName(language.encode()):
            raise ValueError(f"espeak has no voice for the language {language!r}; try a code such as de, fr or pt-br")
    return language


@cache
def pronunciations(word: str, language: str = ENGLISH) -> tuple[str, ...]:
    """Ways to say `word`, likeliest first, as CMU phones between spaces; none for letters the language does not write."""
    found = (phones_of(_ipa(reading, language).replace("_", "")) for reading in _readings(word, language))
    return tuple(dict.fromkeys(phones for phones in found if phones))


@cache
def sounds(word: str, language: str) -> tuple[tuple[str, ...], ...]:
    """Ways to say `word`, likeliest first, each as the sounds of its own language; none for letters it does not write."""
    readings = (
        _LANGUAGE_SWITCH.sub("", _ipa(reading, language).translate(_STRESS)) for reading in _readings(word, language)
    )
    return tuple(dict.fromkeys(way for way in (tuple(re.findall(r"[^_\s]+", ipa)) for ipa in readings) if way))


def _readings(word: str, language: str) -> list[str]:
    """A number is said as one, digit by digit (a telephone), or in pairs (a year)."""
    script = _SCRIPTS.get(language.partition("-")[0], "LATIN")
    if not all(c.isdecimal() or not c.isalnum() or unicodedata.name(c, "").startswith(f"{script} ") for c in word):
        return []  # espeak would spell it out: "Chinese letter"
    if not word.isdecimal() or len(word) == 1:
        return [word]
    readings = [word, " ".join(word)]
    if len(word) == 4:
        readings.append(f"{word[:2]} o {word[3]}" if word[2] == "0" else f"{word[:2]} {word[2:]}")
    return readings


def phones_of(ipa: str) -> str:
    """IPA to CMU phones; marks of stress and length that CMU does not write fall away."""
    return " ".join(_PHONES[sound] for sound in _LONGEST_FIRST.findall(_LANGUAGE_SWITCH.sub("", ipa)))


def _ipa(text: str, language: str) -> str:
    """`text` as the language's voice says it, in IPA, `_` between sounds and a space between words."""
    rest = ctypes.c_char_p(text.encode())
    clauses = []
    with library(SYNCHRONOUS, NEVER_EXIT) as espeak:
        espeak.espeak_TextToPhonemes.restype = ctypes.c_char_p
        espeak.espeak_SetVoiceByName(language.encode())
        while rest.value:  # each call reads one clause and moves on; NULL at the end
            clauses.append(espeak.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA | _BETWEEN) or b"")
    return b" ".join(clauses).decode()
