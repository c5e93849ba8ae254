"""The unified vocabulary: text tokens, markers and the codes of every codebook, each with one id.

text 0…1999, [Text] 2000, [Speech] 2001, [Hu0]…[Hu99] 2002…2101, padded to 2112
"""

import json
import re
from dataclasses import asdict, dataclass

from weft.schemas.fingerprint import digest

_NUMBER = re.compile(r"\{(\d*)\}")


def spelt(literal: str, code: int) -> str:
    """A code by its tokenizer's `literal`: `{}` becomes its number, `{1024}` its number counted from there."""
    return _NUMBER.sub(lambda found: str(int(found[1] or 0) + code), literal)


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
    """A token that is neither text nor code, such as `[Speech]`."""

    name: str
    literal: str
    id: int


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Ids of everything a sample may hold; `size` includes the padding rows of the embedding."""

    text_size: int
    bos: int | None
    markers: tuple[Marker, ...]
    codebooks: tuple[Codebook, ...]
    size: int
    text_fingerprint: str

    def marker(self, name: str) -> int:
        """The id of a marker. Raises ValueError for a name the recipe's vocabulary does not declare."""
        for marker in self.markers:
            if marker.name == name:
                return marker.id
        known = ", ".join(m.name for m in self.markers)
        raise ValueError(f"the vocabulary has no marker {name!r} (it has {known}); add it under `vocabulary: markers:`")

    def codebook(self, tokenizer: str) -> Codebook:
        """The codebook of a speech tokenizer. Raises ValueError for one the vocabulary does not hold."""
        for codebook in self.codebooks:
            if codebook.tokenizer == tokenizer:
                return codebook
        raise ValueError(f"the vocabulary has no codebook {tokenizer!r}; add it under `tokenizers:`")

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
