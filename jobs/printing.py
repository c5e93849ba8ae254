"""Names and texts as they may be printed: no character of a file name steers the terminal, and brackets are no markup.

plain("a\x1b[31m.wav")    ->  "a\\x1b[31m.wav"
escape("[a]\u202e.wav")    ->  "\\[a]\\u202e.wav", for what reads rich's markup
"""

import re

from rich import markup

# control characters but for line ends and tabs, lone surrogates, line separators, and what turns the direction of text
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """With characters that would steer a terminal written as Python writes them."""
    return _STEERING.sub(lambda found: ascii(found[0])[1:-1], text)


def plain_json(text: str) -> str:
    """JSON that means the same and holds none of them: `json.dumps` leaves those that turn the direction of text as they are."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escape(text: str) -> str:
    """The same, for what reads rich's markup."""
    return markup.escape(plain(text))
