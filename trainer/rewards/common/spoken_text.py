"""Texts as they are compared: what follows the thinking, in lower case, without punctuation.

answer_of("<think>\\nIt is high.\\n</think>\\nA woman.", "</think>")  ->  "a woman"
"""

import re
import unicodedata


def answer_of(text: str, after: str) -> str:
    """What stands behind the last `after`, normalised; the whole text where `after` is empty or not in it."""
    return normalised(text.rpartition(after)[2] if after else text)


def normalised(text: str) -> str:
    """Lower case letters and digits with single spaces between words."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[\W_]+", " ", plain.replace("'", "")).split())
