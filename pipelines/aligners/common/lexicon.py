"""Pronunciations of words outside any dictionary, by espeak-ng, in a hundred languages.

pronunciations("weft")      ->  ("W EH F T",)                         in the 39 phones of the CMU dictionary
pronunciations("42")        ->  ("F AO R T IY T UW", "F AO R T UW")   as a number, and digit by digit
pronunciations("ich", "de") ->  ("IH HH",)                            as the nearest English phones
sounds("ich", "de")         ->  (("ɪ", "ç"),)                         as its own phones
"""

import ctypes
import re
import unicodedata
from functools import cache

from weft.pipelines.audio.espeak_library import NEVER_EXIT, SYNCHRONOUS, library

_UTF8, _IPA, _BETWEEN = 1, 2, ord("_") << 8  # IPA output, and the separator of phones
_STRESS = str.maketrans("", "", "ˈˌ")
ENGLISH = "en-us"
_SCRIPTS = {
    "ar": "ARABIC", "be": "CYRILLIC", "bg": "CYRILLIC", "el": "GREEK", "fa": "ARABIC", "he": "HEBREW", "hi": "DEVANAGARI",
    "ka": "GEORGIAN", "kk": "CYRILLIC", "mk": "CYRILLIC", "ru": "CYRILLIC", "sr": "CYRILLIC", "uk": "CYRILLIC",
}  # fmt: skip

# espeak's IPA to CMU phones; phones that English lacks map to the nearest one
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
    """The language code (`de`, `pt-br`), if espeak has a voice for it. Raises ValueError."""
    with library(SYNCHRONOUS, NEVER_EXIT) as espeak:
        if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]+)*", language) or espeak.espeak_SetVoiceByName(language.encode()):
            raise ValueError(f"espeak has no voice for the language {language!r}; try a code such as de, fr or pt-br")
    return language


@cache
def pronunciations(word: str, language: str = ENGLISH) -> tuple[str, ...]:
    """Pronunciations of `word`, likeliest first, as CMU phones separated by spaces; none for letters of another script."""
    phonemes = (phones_of(_ipa(reading, language).replace("_", "")) for reading in _readings(word, language))
    return tuple(dict.fromkeys(phones for phones in phonemes if phones))


@cache
def sounds(word: str, language: str) -> tuple[tuple[str, ...], ...]:
    """Pronunciations of `word`, likeliest first, each as phones of its own language; none for letters of another script."""
    readings = (
        _LANGUAGE_SWITCH.sub("", _ipa(reading, language).translate(_STRESS)) for reading in _readings(word, language)
    )
    return tuple(dict.fromkeys(phones for phones in (tuple(re.findall(r"[^_\s]+", ipa)) for ipa in readings) if phones))


def _readings(word: str, language: str) -> list[str]:
    """Readings of a number: as one number, digit by digit (a telephone number), or in pairs (a year)."""
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
    """IPA to CMU phones; marks of stress and length are dropped."""
    return " ".join(_PHONES[sound] for sound in _LONGEST_FIRST.findall(_LANGUAGE_SWITCH.sub("", ipa)))


def _ipa(text: str, language: str) -> str:
    """The IPA of `text` in a language, with `_` between phones and a space between words."""
    rest = ctypes.c_char_p(text.encode())
    clauses = []
    with library(SYNCHRONOUS, NEVER_EXIT) as espeak:
        espeak.espeak_TextToPhonemes.restype = ctypes.c_char_p
        espeak.espeak_SetVoiceByName(language.encode())
        while rest.value:  # each call reads one clause and moves on; NULL at the end
            clauses.append(espeak.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, _IPA | _BETWEEN) or b"")
    return b" ".join(clauses).decode()
