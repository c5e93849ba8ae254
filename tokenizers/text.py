"""What every text tokenizer is: text in, ids out, and never the id of a control token.

    encode("of [Speech] <s>")  ->  ids that spell exactly these characters; no marker, code or BOS among them

Transcripts come from anybody. Were `[Speech]` in one read as the marker, a sample would change its meaning.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from pydantic import PrivateAttr
from tokenizers import Tokenizer

from weft.schemas.fingerprint import version_of
from weft.schemas.ledger import Unusable
from weft.schemas.settings import Versioned

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_SURROGATE = re.compile("[\ud800-\udfff]")


class TextTokenizer(Versioned, ABC):
    """A backend makes the Hugging Face tokenizer, by training or from a checkpoint."""

    trains: ClassVar[bool] = False  # whether it learns from the corpus

    _plain: "PlainText | None" = PrivateAttr(None)

    def train(self, texts: Iterable[str]) -> "PreTrainedTokenizerFast":
        """Make the tokenizer, from the texts if it learns, and return it; its `bos_token` says whether it has a BOS."""
        tokenizer = self._make(texts)
        self._plain = PlainText(tokenizer.backend_tokenizer)
        return tokenizer

    def encode(self, text: str) -> list[int]:
        """Ids of the characters of `text`, with no control token before, among or after them."""
        if self._plain is None:
            raise RuntimeError("this tokenizer has no vocabulary yet: call train(texts) first")
        return self._plain.encode(text)

    def version(self) -> str:
        """The library and its version. When it changes, all text is encoded again."""
        return f"tokenizers-{version_of('tokenizers')}"

    @abstractmethod
    def _make(self, texts: Iterable[str]) -> "PreTrainedTokenizerFast":
        """The Hugging Face tokenizer."""


class PlainText:
    """The part of a Hugging Face tokenizer that spells text, without its added tokens, template or truncation."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        record = json.loads(tokenizer.to_str())
        unknown = record["model"].get("unk_token")
        self._control = {t["id"]: t["content"] for t in record["added_tokens"] if t["content"] != unknown}
        record |= {"added_tokens": [], "post_processor": None, "truncation": None, "padding": None}
        self._tokenizer = Tokenizer.from_str(json.dumps(record))

    def encode(self, text: str) -> list[int]:
        """Ids of the text. Raises Unusable if only a control token could spell it, or if it is no valid Unicode."""
        if _SURROGATE.search(text):
            raise Unusable("not_spellable", f"text {text[:40]!r} holds half a surrogate pair, which no UTF-8 can spell")
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        control = next((i for i in ids if i in self._control), None)
        return ids if control is None else self._around(text, self._control[control])

    def _around(self, text: str, literal: str) -> list[int]:
        """Some vocabularies hold control tokens as words: cut such a word in two, so that only its letters remain."""
        if literal not in text or len(literal) < 2:
            reason = f"{literal!r} is a control token and cannot be spelt otherwise: take it out of the text"
            raise Unusable("not_spellable", reason)
        first, *others = text.split(literal)  # all at once: a document may hold thousands
        cut = [
            first + literal[:1],
            *(literal[1:] + other + literal[:1] for other in others[:-1]),
            literal[1:] + others[-1],
        ]
        return [i for part in cut for i in self.encode(part)]

    def decode(self, ids: list[int]) -> str:
        """The text that these text ids spell."""
        return self._tokenizer.decode(ids, skip_special_tokens=False)
