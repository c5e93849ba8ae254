"""A source lists its items cheaply and reads any one of them later, on any worker.

items: Item("clip-3fa0…", path="a/clip.wav", uri="/data/a/clip.wav", stamp="91244:17319…"), listed as source://speech/a/clip.wav
read:  Recording | Document | Dialogue, or Unusable with the reason
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import field_validator

from weft.pipelines.parts.splits import HoldOutNames, Splits
from weft.pipelines.storage.paths import absolute
from weft.pipelines.storage.store import SOURCE, Store
from weft.schemas.facts import Facts
from weft.schemas.item import Item
from weft.schemas.ledger import MISSING, UNAVAILABLE, Reject, Unavailable, Unusable
from weft.schemas.recipe_sections import NAME
from weft.schemas.settings import Versioned
from weft.schemas.splits import KINDS, HoldOut, Kind, Split, known_split

Missing = Literal["fail", "reject"]


def judged(fault: Unavailable, missing: Missing | None) -> Unavailable | Unusable:
    """What cannot be read now, as a reject where `missing` says so; else, or where this machine is at fault, the same fault."""
    if missing != "reject" or fault.of_machine:
        return fault
    return Unusable(MISSING if fault.absent else UNAVAILABLE, fault.reason)


def folder_of(path: str) -> str:
    """The folder of a path (a folder, a file, or a url of a folder), without a trailing slash."""
    if "://" in path:
        return path.rstrip("/")
    whole = absolute(path)
    return (whole if os.path.isdir(whole) else os.path.dirname(whole)).rstrip("/")


def place_in(source: str, location: str, uri: str) -> str:
    """`source://NAME/a/clip.wav` for a uri below the location; other uris are returned unchanged.

    >>> place_in("speech", "/data", "/data/a/clip.wav")
    'source://speech/a/clip.wav'
    """
    return f"{SOURCE}{source}/{uri[len(location) + 1 :]}" if location and uri.startswith(f"{location}/") else uri


class Source(Versioned):
    """`language`, `licence` and `split` are used for items without their own.

    `hold_out` puts a share of the names of one kind into the validation split, `splits` maps the data's own names
    of splits. Names are per source; sources with the same `speakers` share their speakers.
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
    def _known_split(cls, split: str) -> str:
        return known_split(split) if split else split

    @field_validator("hold_out")
    @classmethod
    def _has_names(cls, hold_out: HoldOut | None) -> HoldOut | None:
        if hold_out and hold_out.kind not in cls.can_hold_out:
            raise ValueError(f"text has no {hold_out.kind} to hold out; it has {', '.join(cls.can_hold_out)}")
        return hold_out

    @field_validator("speakers")
    @classmethod
    def _plain_space(cls, space: str) -> str:
        if space and not NAME.fullmatch(space):
            raise ValueError(f"{space!r} is no name: use lower-case letters, digits and '-', at most 16")
        if space and "speakers" not in cls.can_hold_out:
            raise ValueError("text has no speakers")
        return space

    @property
    def unnamed_split(self) -> str:
        """The split of records for which the data names none."""
        return self.split

    @property
    def names_splits(self) -> bool:
        """Whether its data can name a split."""
        return False

    @property
    def field_names(self) -> frozenset[str] | None:
        """The fields that its records may have beside their text; None where its data says it, and any may be there."""
        return None

    @property
    def facts(self) -> Facts:
        """What is known of all its records before they are read."""
        return Facts(fields=self.field_names)

    @property
    def lists_facts(self) -> bool:
        """Whether `facts_of` says more of an item, without any audio."""
        return False

    def facts_of(self, item: Item, store: Store) -> Iterator[Facts]:
        """What its listing or its text says of the records of an item; none of what will be rejected. Raises Unavailable."""
        raise NotImplementedError

    @property
    def opens_files(self) -> bool:
        """Whether reading an item opens files, or urls: such sources have the setting `missing`."""
        return "missing" in type(self).model_fields

    @property
    def makes(self) -> type:
        """Recording, Document or Dialogue."""
        raise NotImplementedError

    @property
    def on_missing(self) -> Missing | None:
        """Its setting `missing`; None where it has none, as its records name no files."""
        return getattr(self, "missing", None)

    def judged(self, fault: Unavailable) -> Unavailable | Unusable:
        """The fault as a reject, where the recipe says `missing: reject`; else, or where this machine is at fault, the same fault."""
        return judged(fault, self.on_missing)

    def size_of(self, item: Item) -> float:
        """The number of records of an item, for cutting the listing into parts of about `part_size` records."""
        return 1.0

    def seconds_of(self, item: Item) -> float | None:
        """About the seconds of audio of an item that the source makes itself; None where the audio's header says it."""
        return None

    def location(self) -> str:
        """The folder or url of its files, so that they are named relative to it; "" where there is none."""
        return ""

    def relative(self, item: Item) -> Item:
        """The item with its files named relative to the source; an item that the source names by an absolute path keeps it."""
        if item.path.startswith("/"):
            return item
        uri, text_uri = (place_in(item.source, self.location(), at) for at in (item.uri, item.text_uri))
        return replace(item, uri=uri, text_uri=text_uri)

    def items(self, name: str) -> Iterator[Item]:
        """All items of the source. Items that cannot be used are listed too, and rejected with a reason when they are read."""
        raise NotImplementedError

    def passed_over(self) -> dict[str, int]:
        """How many files the latest listing left out, by ending, in lower case ("" for files without one)."""
        return {}

    def named(self, item: Item, splits: Splits) -> Sequence[HoldOutNames] | None:
        """An item's names, as far as `splits` needs them; None where they are known only after reading."""
        return [HoldOutNames(items=(item.key,))] if splits.holds_out("items") else None

    def read(self, item: Item, store: Store) -> Iterator[Any]:
        """The records of one item, and rejects for parts of it that cannot be used. Raises Unusable."""
        raise NotImplementedError


def refused(item: Item, fault: Unusable, path: str = "") -> Reject:
    """The reject of an item that cannot be used, or of the part `path` of one."""
    return Reject(
        key=item.key,
        stage="ingest",
        source=item.source,
        path=path or item.path,
        reason=fault.reason,
        detail=fault.detail,
        seconds=0.0,
    )
