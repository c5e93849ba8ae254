"""What some documents hold: their bytes, and those of their fields.

documents_size([Document(text="So it was.")])    ->   SourceSize(items=1, read=1, records=1, bytes=10)
"""

from collections.abc import Sequence

from weft.jobs.source_sizes import SourceSize
from weft.jobs.turn_amounts import bytes_of
from weft.schemas.text import Document


def documents_size(documents: Sequence[Document]) -> SourceSize:
    """As one item, which was read."""
    named: dict[str, list[str]] = {}
    for one in (field for document in documents for field in document.fields):
        named.setdefault(one.name, []).append(one.value)
    length = sum(len(document.text.encode()) for document in documents)
    return SourceSize(items=1, read=1, records=len(documents), bytes=length, fields=bytes_of(named))
