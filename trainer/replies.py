"""A reply of the model to a prompt, and its text.

reader = ReplyReader.of(vocabulary, files["tokenizer.json"])
reader.text(ids)  ->  "They are twelve."        text alone, without markers, pads and codes
"""

from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from weft.schemas.vocabulary import Vocabulary
from weft.trainer.loader import Draw


@dataclass(frozen=True, slots=True, eq=False)
class PromptSample:
    """A prompt of the stream: its ids and latents, its key, and the answer that a reply is checked with ("": none)."""

    draw: Draw
    key: str
    answer: str


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """The ids that followed a prompt, (n,) int64, without the token that ended it, and their text.

    `end` is the id of that token; None where none came before the most tokens were reached.
    """

    prompt: PromptSample
    ids: np.ndarray
    end: int | None
    text: str

    @property
    def ended(self) -> bool:
        return self.end is not None


@dataclass(frozen=True)
class ReplyReader:
    """Reads the text of replies: ids that are text in the vocabulary, as the corpus's tokenizer decodes them."""

    tokenizer: Tokenizer
    is_text_V: np.ndarray

    @classmethod
    def of(cls, vocabulary: Vocabulary, tokenizer: bytes) -> "ReplyReader":
        """`tokenizer` is the tokenizer.json of the vocabulary's folder."""
        return cls(tokenizer=Tokenizer.from_str(tokenizer.decode("utf-8")), is_text_V=text_ids(vocabulary))

    def encode(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def text(self, ids: np.ndarray) -> str:
        return str(self.tokenizer.decode(ids[self.is_text_V[ids]].tolist()))


def text_ids(vocabulary: Vocabulary) -> np.ndarray:
    """Which ids are text that is read, (size,) bool: no code, marker or padding row, nor what begins, pads or ends a text."""
    is_text_V = vocabulary.modalities() == "text"
    is_text_V[vocabulary.text_size :] = False
    is_text_V[[marker.id for marker in vocabulary.markers]] = False
    is_text_V[[one for one in (vocabulary.bos, vocabulary.pad, *vocabulary.ends) if one is not None]] = False
    return is_text_V
