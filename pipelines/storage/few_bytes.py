"""A few bytes of a file, as they are read with retries.

few_bytes(store, "clip.txt", 1_000_001)      b"and so my fellow americans"        all of a short file
"""

from weft.pipelines.storage.store import Store


def few_bytes(store: Store, uri: str, length: int, offset: int = 0) -> bytes:
    """At most `length` bytes from `offset` on; fewer at the end of the file."""
    with store.open(uri) as file:
        if offset:  # some files of the web cannot seek
            file.seek(offset)
        return file.read(length)
