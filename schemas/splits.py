"""Splits: data to train on, and data held out to evaluate with.

hold_out: {speakers: 0.02}      one kind and a share, in a source of a recipe
splits: {challenge: test}       what the data's own names mean, where they say it otherwise
normal("dev-clean", {})  ->  "validation"
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from weft.schemas.settings import Settings

Split = Literal["train", "validation", "test"]
Kind = Literal["speakers", "recordings", "items"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
KINDS: tuple[Kind, ...] = ("speakers", "recordings", "items")

_BEGINNINGS: dict[str, Split] = {
    "train": "train", "dev": "validation", "val": "validation", "test": "test", "eval": "test",
}  # fmt: skip
_Share = Annotated[float, Field(gt=0, lt=1)]


class HoldOut(Settings):
    """The share of one kind of names that goes to the validation split; strictly between 0 and 1."""

    speakers: _Share | None = None
    recordings: _Share | None = None
    items: _Share | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_kinds(cls, value: Any) -> Any:
        for name in value if isinstance(value, Mapping) else ():
            if name not in KINDS:
                raise ValueError(f"{name!r} cannot be held out; there are {', '.join(KINDS)}")
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> "HoldOut":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError(
                "name one kind and its share: `speakers`, `recordings` or `items`, such as {speakers: 0.02}"
            )
        return self

    @property
    def kind(self) -> Kind:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def share(self) -> float:
        return float(getattr(self, self.kind))


def known_split(name: str) -> str:
    """Checks the name of a split. Raises ValueError for an unknown one."""
    if name not in SPLITS:
        raise ValueError(f"{name!r} is no split; there are {', '.join(SPLITS)}")
    return name


def normal(name: str, names: Mapping[str, str]) -> str:
    """What the data's own split is called here; "" where it names none. Raises ValueError for a name of no split.

    >>> normal("dev-clean", {}), normal("challenge", {"challenge": "test"})
    ('validation', 'test')
    """
    if name in names:
        return names[name]
    word = name.strip().lower()
    split = next((split for beginning, split in _BEGINNINGS.items() if word.startswith(beginning)), None)
    if word and split is None:
        raise ValueError(f"split {name!r} is none of {', '.join(SPLITS)}; map it with `splits: {{{name}: test}}`")
    return split or ""
