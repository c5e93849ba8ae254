"""The spoken words of written ones, and codes of languages.

spoken_forms("forty-two") -> ["forty", "two"]      spoken_forms("$5") -> ["5", "dollars"]      spoken_forms("-") -> []
"""

import re
import unicodedata

_APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "`": "'"})
_SIGNS = {"%": "percent", "&": "and", "+": "plus", "=": "equals", "@": "at"}
_COINS = {"$": "dollars", "£": "pounds", "€": "euros"}
_COIN = re.compile(r"([$£€])(\d[\d.,]*)")
_FORM = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:'[^\W_]+)*|[%&+=@]")


def language_of(label: str) -> str:
    """The two-letter code of a label such as `en-US` or `English`; "" for an unknown label."""
    first = re.split(r"[-_ ]", label.strip().lower())[0]
    if len(first) <= 2:
        return first if len(first) == 2 else ""
    from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE  # seconds, for names alone

    return str(TO_LANGUAGE_CODE.get(first, ""))


def spoken_forms(written: str) -> list[str]:
    """The spoken words of one written word: lower case, no punctuation, `$5` as `5 dollars`.

    Digits stay digits: the lexicon of the aligner reads them.
    """
    text = unicodedata.normalize("NFKC", written).translate(_APOSTROPHES).lower()
    text = _COIN.sub(lambda m: f"{m[2]} {_COINS[m[1]]} ", text)
    return [_SIGNS.get(form, form) for form in _FORM.findall(text)]
