"""Spells out numbers, for models whose classes are letters; num2words supports some fifty languages.

spelt("42", "en")  ->  ["forty", "two"]        spelt("3rd", "en")  ->  ["third"]
spelt("1984", "en")  ->  ["nineteen", "eighty", "four"]        spelt("3.5", "de")  ->  ["drei", "komma", "fünf"]
"""

import re

from num2words import num2words

from weft.pipelines.aligners.common.spoken import spoken_forms

_NUMBER = re.compile(r"(\d+(?:[.,]\d+)*)(\D*)")
_ORDINALS = ("st", "nd", "rd", "th", "º", "ª", "er", "ème", "e")
_YEARS = range(1100, 2000)  # four digits in pairs; from 2000 on they are read as numbers
_LONGEST = 15  # digits; an account number is read digit by digit


def spelt_forms(written: str, language: str) -> list[str]:
    """The spoken words of one written word, with its numbers spelt out."""
    return [word for form in spoken_forms(written) for word in spelt(form, language)]


def spelt(form: str, language: str) -> list[str]:
    """The words of a spoken form that may be a number; itself where it is none, or the language is not known."""
    number = _NUMBER.fullmatch(form)
    if not number:
        return [form]
    digits, rest = number[1], number[2]
    try:
        spelt = _spelt(digits, rest, language)
    except (NotImplementedError, ArithmeticError, ValueError, KeyError, TypeError):
        return [form]
    return [word for word in re.split(r"[\s\-,]+", spelt.lower()) if word] + (
        [rest] if rest and rest not in _ORDINALS else []
    )


def _spelt(digits: str, rest: str, language: str) -> str:
    whole = re.sub(r"[.,](?=\d{3}(?:\D|$))", "", digits)  # 3,000 or 3.000
    if not whole.isdecimal():
        return str(num2words(float(whole.replace(",", ".")), lang=language))
    if len(whole) > _LONGEST:
        return " ".join(num2words(int(digit), lang=language) for digit in whole)
    kind = "ordinal" if rest in _ORDINALS else "year" if len(digits) == 4 and int(whole) in _YEARS else "cardinal"
    return str(num2words(int(whole), lang=language, to=kind))
