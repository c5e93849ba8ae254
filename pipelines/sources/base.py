"""A source lists its items cheaply and reads any one of them later, on any worker.

items: Item("clip-3fa0…", path="a/clip.wav", uri="/data/a/clip.wav", stamp="91244:17319…"), listed as source://speech/a/clip.wav
read:  Recording | Document | Dialogue, or Unusable with the reason
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from weft.pipelines.store import SOURCE, Store
from weft.schemas.item import Item
from weft.schemas.settings import Versioned


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
    """`language` and `licence` hold for all items that do not say their own."""

    language: str = "en"
    licence: str = ""

    @property
    def makes(self) -> type:
        """Recording, Document or Dialogue."""
        raise NotImplementedError

    def location(self) -> str:
        """The folder or url that its files lie below, to name them by their place in it; "" where there is none."""
        return ""

    def relative(self, item: Item) -> Item:
        """The item with its files named by their place in the source; one that the source itself names by a whole path keeps it."""
        if item.path.startswith("/"):
            return item
        uri, text_uri = (place_in(item.source, self.location(), at) for at in (item.uri, item.text_uri))
        return replace(item, uri=uri, text_uri=text_uri)

    def part_items(self, part_size: int) -> int:
        """How many items make a part of about `part_size` records; fewer where an item holds many."""
        return part_size

    def items(self, name: str) -> Iterator[Item]:
        """Everything there is, wanted or not: what cannot be used is rejected when it is read, with a reason."""
        raise NotImplementedError

    def read(self, item: Item, store: Store) -> Iterator[Any]:
        """The records (or, for a piece of an item, the rejects) of one item. Raises Unusable."""
        raise NotImplementedError
