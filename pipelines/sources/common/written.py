"""Items that hold what is read of them: a line of JSON, from a file or from one of weft's own writers.

written_item("sums", "checkable-7-000000", line)   ->   Item("checkable-7-000000-3fa0…", path="checkable-7-000000", payload=line)
"""

from weft.schemas.fingerprint import digest
from weft.schemas.item import Item, key_for


def written_item(source: str, path: str, line: str) -> Item:
    """`path` names it within its source and makes its key; an edited line changes its stamp alone."""
    return Item(key=key_for(source, path), source=source, path=path, uri="", stamp=digest(line), payload=line)
