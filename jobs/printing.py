"""Makes names and texts safe to print: no character controls the terminal, and brackets are not markup.

plain("a\x1b[31m.wav")    ->  "a\\x1b[31m.wav"
escape("[a]\u202e.wav")    ->  "\\[a]\\u202e.wav", for rich's markup
"""

import re

from rich import markup

# control characters but for line ends and tabs, lone surrogates, line separators, and characters that change the direction of text
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """The text with control characters as Python escapes."""
    return _CONTROL.sub(lambda match: ascii(match[0])[1:-1], text)


def plain_json(text: str) -> str:
    """Equivalent JSON without control characters: `json.dumps` does not escape those that change the direction of text."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def escape(text: str) -> str:
    """The text on one line, without control characters, escaped for rich's markup."""
    return markup.escape(plain(text).replace("\n", "\\n"))
