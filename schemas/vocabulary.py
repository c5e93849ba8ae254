"""The unified vocabulary: text tokens, markers and the codes of every codebook, each with one id.

text 0…1999, [Text] 2000, [Speech] 2001, [Hu0]…[Hu99] 2002…2101, padded to 2112
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from weft.schemas.fingerprint import digest

Modality = Literal["text", "speech", "audio", "image"]  # what a token counts as; audio is latent, as images are
_ENDS = ("eot", "end", "eos")  # names of markers that end a turn or a text
PAD = "pad"  # the name of the marker that fills up rows of a batch
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


def ends_among(markers: Iterable[Marker]) -> tuple[int, ...]:
    """The ids of the markers that end a turn or a text: those of text that are named `eot`, `end` or `eos`, in this order."""
    ids = {marker.name: marker.id for marker in markers if marker.modality == "text"}
    return tuple(ids[name] for name in _ENDS if name in ids)


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
    """Ids of everything a sample may hold; `size` includes the padding rows of the embedding.

    Generation ends at any of `ends`: the chat's end of turn comes first, the text tokenizer's end of text last. `pad` fills up the rows
    of a batch. Both are for those who generate: no sample depends on them, so they do not count in the fingerprint.
    """

    text_size: int
    bos: int | None
    markers: tuple[Marker, ...]
    codebooks: tuple[Codebook, ...]
    size: int
    text_fingerprint: str
    pad: int | None = None
    ends: tuple[int, ...] = ()

    @property
    def end(self) -> int | None:
        """The id that ends an answer: the first of `ends`."""
        return next(iter(self.ends), None)

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
        record = asdict(self)
        return digest({name: record[name] for name in record if name not in ("pad", "ends")})

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Vocabulary":
        """One that an earlier version wrote has neither `pad` nor `ends`: its ends are its markers'."""
        record = json.loads(text)
        record["markers"] = tuple(Marker(**m) for m in record["markers"])
        record["codebooks"] = tuple(Codebook(**c) for c in record["codebooks"])
        record["ends"] = tuple(record.get("ends", ends_among(record["markers"])))
        return cls(**record)
