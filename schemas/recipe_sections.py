"""The sections of a recipe: what a task, a tokenizer, the vocabulary, a stream and the shards are given, and the names they may have.

tasks:       {words: {use: words, sources: [speech], split: train}}                      TaskChoice
tokenizers:  {hubert: {use: hubert, size: 100, sources: [speech], frozen: true}}         TokenizerChoice
streams:     {expressive: {merge: time, of: [pitch, hubert]}}                            StreamSettings
vocabulary:  {tokens: [{marker: text, literal: "[Text]"}, {codes: hubert}]}              VocabularySettings
"""

import re
from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from weft.schemas.choice import Choice
from weft.schemas.settings import Settings
from weft.schemas.splits import Split
from weft.schemas.vocabulary import Modality

NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")


class TaskChoice(Choice):
    """A task, the sources it draws from, and the split of them."""

    sources: tuple[str, ...] = Field(min_length=1)
    split: Split = "train"


class TrainedChoice(Choice):
    """A tokenizer or an aligner and the sources it learns from (all, unless named). Edits elsewhere never retrain it; once it is
    `frozen`, edits of what it learnt from do not either.
    """

    sources: tuple[str, ...] = ()
    frozen: bool = False


class TokenizerChoice(TrainedChoice):
    """With `folder` (or `hf://org/name`) it is taken from there as `weft tokenizer train` made it, settings and all, and learns
    nothing.
    """

    folder: str = ""


class TokenEntry(Settings):
    """A marker, by the name that tasks call it by, its spelling and what it counts as; or the `codes` of a speech tokenizer, which says
    how they are spelt. `at` is the id of the marker or of the first code.
    """

    marker: str = ""
    literal: str = ""
    modality: Modality = "text"
    codes: str = ""
    at: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one_kind(self) -> "TokenEntry":
        if bool(self.marker) == bool(self.codes):
            raise ValueError("give either a `marker` with its `literal`, or the `codes` of a tokenizer")
        if bool(self.marker) != bool(self.literal):
            raise ValueError("a marker has a `literal`, such as [Text]; codes have that of their tokenizer")
        if self.codes and self.modality != "text":  # which a saved recipe says, where every default is written out
            raise ValueError("a marker has a `modality`; codes are always speech")
        return self


class VocabularySettings(Settings):
    """`tokens` lists markers and codes in the order of their ids, after those of the text tokenizer; what it has already keeps its id.
    Tokenizers that are not in the list follow it, by name. `pad_to` or `multiple` sets the embedding's rows.
    """

    tokens: tuple[TokenEntry, ...] = (
        TokenEntry(marker="text", literal="[Text]"),
        TokenEntry(marker="speech", literal="[Speech]", modality="speech"),
    )
    pad_to: int | None = Field(default=None, ge=1)
    multiple: int = Field(default=64, ge=1)
    bos: bool = True

    @field_validator("tokens")
    @classmethod
    def _once(cls, tokens: tuple[TokenEntry, ...]) -> tuple[TokenEntry, ...]:
        for key in ("marker", "literal", "codes"):
            values = [value for token in tokens if (value := getattr(token, key))]
            if twice := next((value for value, times in Counter(values).items() if times > 1), None):
                raise ValueError(f"two entries have `{key}: {twice}`; each needs its own")
        return tokens

    @property
    def markers(self) -> frozenset[str]:
        """The names of the markers."""
        return frozenset(token.marker for token in self.tokens if token.marker)


class StreamSettings(Settings):
    """The streams of several tokenizers merged into one: by `time`, where codes that begin together keep the order of `of`, or in
    `groups` of `sizes[n]` codes of tokenizer n; what makes no whole group is dropped.
    """

    merge: Literal["time", "groups"]
    of: tuple[str, ...] = Field(min_length=2)
    sizes: tuple[Annotated[int, Field(ge=1)], ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> "StreamSettings":
        if len(set(self.of)) < len(self.of):
            raise ValueError(f"`of` names a tokenizer twice ({', '.join(self.of)})")
        if self.merge == "groups" and len(self.sizes) != len(self.of):
            raise ValueError("`merge: groups` needs a size for each tokenizer of `of`, such as sizes: [2, 3]")
        if self.merge == "time" and self.sizes:
            raise ValueError("`sizes` belong to `merge: groups`; leave them out")
        return self


class ShardSettings(Settings):
    """`bytes` is about what a tar may hold."""

    bytes: float = Field(default=1e9, ge=1e4)


def check_name(name: str) -> None:
    """Raises ValueError for what cannot name a source, a tokenizer, a task or a stage."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name: use lower-case letters, digits and '-', at most 16")
