"""The unified vocabulary: text tokens, markers and the codes of every codebook, each with one id.

text 0…1999, [Text] 2000, [Speech] 2001, [Hu0]…[Hu99] 2002…2101, padded to 2112
"""

import json
import re
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from weft.schemas.fingerprint import digest

Modality = Literal["text", "speech", "audio", "image"]  # what a token counts as; audio is latent, as images are
_NUMBER = re.compile(r"\{(\d*)\}")


def spelt(literal: str, code: int) -> str:
    """A code by its tokenizer's `literal`: `{}` becomes its number, `{1024}` its number counted from there."""
    return _NUMBER.sub(lambda number: str(int(number[1] or 0) + code), literal)


@dataclass(frozen=True, slots=True)
class Codebook:
    """The codes of one speech tokenizer: code c has id `first + c` and is spelt `literal` with c in it.

    >>> Codebook("semantic", "<audio_{1024}>", 70000, 4096).spelt(5)      # counted from 1024
    '<audio_1029>'
    """

    tokenizer: str
    literal: str
    first: int
    size: int

    def spelt(self, code: int) -> str:
        return spelt(self.literal, code)


@dataclass(frozen=True, slots=True)
class Marker:
    """A token that is neither text nor code, such as `[Speech]`. It counts as a token of its `modality`."""

    name: str
    literal: str
    id: int
    modality: str = "text"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a vocabulary is to hold: a marker, or with a `size` above 0 the codes of the speech tokenizer `name`.

    `at` is the id of the marker, or of the first code, where it is declared.
    """

    name: str
    literal: str
    size: int = 0
    at: int | None = None
    modality: str = "text"

    @property
    def literals(self) -> list[str]:
        """The literal of the marker, or of each code in order."""
        return [spelt(self.literal, code) for code in range(self.size)] if self.size else [self.literal]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Ids of everything a sample may hold; `size` includes the padding rows of the embedding."""

    text_size: int
    bos: int | None
    markers: tuple[Marker, ...]
    codebooks: tuple[Codebook, ...]
    size: int
    text_fingerprint: str

    def marker(self, name: str) -> Marker:
        """The marker of this name. Raises ValueError for a name the recipe's vocabulary does not declare."""
        for marker in self.markers:
            if marker.name == name:
                return marker
        known = ", ".join(m.name for m in self.markers)
        raise ValueError(f"the vocabulary has no marker {name!r} (it has {known}); add it to `vocabulary: tokens:`")

    def codebook(self, tokenizer: str) -> Codebook:
        """The codebook of a speech tokenizer. Raises ValueError for one the vocabulary does not hold."""
        for codebook in self.codebooks:
            if codebook.tokenizer == tokenizer:
                return codebook
        raise ValueError(f"the vocabulary has no codebook {tokenizer!r}; add it under `tokenizers:`")

    def modalities(self) -> np.ndarray:
        """What each id counts as, (size,) of text: text for those of the text tokenizer and for padding rows."""
        names = np.full(self.size, "text", dtype="<U6")
        for codebook in self.codebooks:
            names[codebook.first : codebook.first + codebook.size] = "speech"
        for marker in self.markers:
            names[marker.id] = marker.modality
        return names

    @property
    def fingerprint(self) -> str:
        """A short hash of all ids and literals; models and shards made with another vocabulary do not fit."""
        return digest(asdict(self))

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Vocabulary":
        record = json.loads(text)
        record["markers"] = tuple(Marker(**m) for m in record["markers"])
        record["codebooks"] = tuple(Codebook(**c) for c in record["codebooks"])
        return cls(**record)
