"""A source lists its items cheaply and reads any one of them later, on any worker.

items: Item("clip-3fa0…", path="a/clip.wav", uri="/data/a/clip.wav", stamp="91244:17319…"), listed as source://speech/a/clip.wav
read:  Recording | Document | Dialogue, or Unusable with the reason
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import field_validator

from weft.pipelines.parts.splits import Named, Splits
from weft.pipelines.storage.store import SOURCE, Store
from weft.schemas.item import Item
from weft.schemas.ledger import MISSING, Unavailable, Unusable
from weft.schemas.recipe import NAME
from weft.schemas.settings import Versioned
from weft.schemas.splits import KINDS, HoldOut, Kind, Split, known_split

Missing = Literal["fail", "reject"]


def folder_of(path: str) -> str:
    """Where the files of a path lie that is a folder, a file, or a url of a folder: without a slash at its end."""
    if "://" in path:
        return path.rstrip("/")
    whole = os.path.abspath(path)
    return (whole if os.path.isdir(whole) else os.path.dirname(whole)).rstrip("/")


def place_in(source: str, location: str, uri: str) -> str:
    """`source://NAME/a/clip.wav` for what lies below the location; other places are themselves.

    >>> place_in("speech", "/data", "/data/a/clip.wav")
    'source://speech/a/clip.wav'
    """
    return f"{SOURCE}{source}/{uri[len(location) + 1 :]}" if location and uri.startswith(f"{location}/") else uri


class Source(Versioned):
    """`language`, `licence` and `split` hold for all items that do not say their own.

    `hold_out` puts a share of the names of one kind into the validation split, `splits` says what the data's own names of
    splits mean. Names are the source's own; sources that name one space in `speakers` share their speakers.
    """

    can_hold_out: ClassVar[tuple[Kind, ...]] = KINDS

    language: str = "en"
    licence: str = ""
    split: str = ""
    hold_out: HoldOut | None = None
    splits: dict[str, Split] = {}
    speakers: str = ""

    @field_validator("split")
    @classmethod
    def _known_split(cls, given: str) -> str:
        return known_split(given) if given else given

    @field_validator("hold_out")
    @classmethod
    def _has_names(cls, given: HoldOut | None) -> HoldOut | None:
        if given and given.kind not in cls.can_hold_out:
            raise ValueError(f"text has no {given.kind} to hold out; it has {', '.join(cls.can_hold_out)}")
        return given

    @field_validator("speakers")
    @classmethod
    def _plain_space(cls, given: str) -> str:
        if given and not NAME.fullmatch(given):
            raise ValueError(f"{given!r} is no name: use lower-case letters, digits and '-', at most 16")
        if given and "speakers" not in cls.can_hold_out:
            raise ValueError("text has no speakers")
        return given

    @property
    def unnamed_split(self) -> str:
        """The split of records of which the data names none."""
        return self.split

    @property
    def names_splits(self) -> bool:
        """Whether its data can name a split."""
        return False

    @property
    def makes(self) -> type:
        """Recording, Document or Dialogue."""
        raise NotImplementedError

    def judged(self, fault: Unavailable) -> Unavailable | Unusable:
        """What could not be read: a reject where the file is not there and the recipe says `missing: reject`."""
        is_reject = fault.absent and getattr(self, "missing", "fail") == "reject"  # what is made up has no files
        return Unusable(MISSING, fault.reason) if is_reject else fault

    def size_of(self, item: Item) -> float:
        """How many records an item counts as when the listing is cut into parts of about `part_size` records."""
        return 1.0

    def location(self) -> str:
        """The folder or url that its files lie below, to name them by their place in it; "" where there is none."""
        return ""

    def relative(self, item: Item) -> Item:
        """The item with its files named by their place in the source; one that the source itself names by a whole path keeps it."""
        if item.path.startswith("/"):
            return item
        uri, text_uri = (place_in(item.source, self.location(), at) for at in (item.uri, item.text_uri))
        return replace(item, uri=uri, text_uri=text_uri)

    def items(self, name: str) -> Iterator[Item]:
        """Everything there is, wanted or not: what cannot be used is rejected when it is read, with a reason."""
        raise NotImplementedError

    def passed_over(self) -> dict[str, int]:
        """How many files the latest listing left out, by ending, in lower case ("" for files without one)."""
        return {}

    def named(self, item: Item, splits: Splits) -> Sequence[Named] | None:
        """What the listing says of an item's names, or None where only reading shows those that `splits` holds out."""
        return [Named(items=(item.key,))] if splits.holds_out("items") else None

    def read(self, item: Item, store: Store) -> Iterator[Any]:
        """The records (or, for a piece of an item, the rejects) of one item. Raises Unusable."""
        raise NotImplementedError
