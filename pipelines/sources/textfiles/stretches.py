"""The raw documents of one stretch of a file, with their places in it.

b"one\n\ntwo"   ->   RawDocument(position=0, data=b"one")  RawDocument(position=5, data=b"two")
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from weft.pipelines.audio.opening import regular
from weft.pipelines.sources.common.lists import BROKEN_GZIP, gzip_fault
from weft.pipelines.sources.textfiles.boundaries import Boundary, Delimiter, boundary
from weft.pipelines.storage.retries import opened
from weft.pipelines.storage.store import Store
from weft.schemas.item import Item
from weft.schemas.ledger import Unusable


@dataclass(frozen=True, slots=True)
class RawDocument:
    """`position` is in bytes of the (expanded) file; not `is_whole` where a longer document was cut."""

    position: int
    data: bytes
    is_whole: bool


def raw_documents(item: Item, store: Store, delimiter: Delimiter, expanded: int) -> Iterator[RawDocument]:
    """What lies between the delimiters of the item's bytes, blank or not; a .gz may expand to `expanded` bytes. Raises Unusable."""
    if item.uri.lower().endswith(".gz"):
        data = _expanded(item, store, expanded)
        begin, end = Boundary(position=0, is_end=True), Boundary(position=len(data), is_end=True)
    else:
        with _opened(item, store) as file:
            begin, end = _bounds(file, item, delimiter)
            file.seek(begin.position)
            data = file.read(max(0, end.position - begin.position))
    if not data and begin.position:
        stretch = f"bytes {item.offset:,} to {item.offset + item.length:,}"
        detail = f"in {stretch} of the file; the document that covers them is read where it begins, so nothing is lost"
        raise Unusable("no_document_begins", detail)
    places = [m.span() for m in delimiter.pattern.finditer(data)] if delimiter.splits else []
    first = 0
    for last, following in [*places, (len(data), len(data))]:
        is_cut = (first == 0 and not begin.is_end) or (last == len(data) and not end.is_end)
        yield RawDocument(position=begin.position + first, data=data[first:last], is_whole=not is_cut)
        first = following


def _bounds(file: BinaryIO, item: Item, delimiter: Delimiter) -> tuple[Boundary, Boundary]:
    begin = boundary(file, item.offset, delimiter) if item.offset else Boundary(position=0, is_end=True)
    return begin, boundary(file, item.offset + item.length, delimiter)


def _expanded(item: Item, store: Store, most: int) -> bytes:
    try:
        with _opened(item, store) as file, gzip.GzipFile(fileobj=file) as expanded:
            data = expanded.read(most + 1)
    except BROKEN_GZIP as error:
        raise Unusable("broken_gzip", gzip_fault(error)) from None
    if len(data) > most:
        raise Unusable("too_long", f"it holds more than {most:,} bytes; decompress it, and it is read in parallel")
    return data


def _opened(item: Item, store: Store) -> BinaryIO:
    if not item.uri:
        raise Unusable("bad_name", "its name is not UTF-8; rename it")
    if (uri := store.located(item.uri)).startswith("/"):
        regular(uri)
    return opened(partial(store.open, uri), uri)
