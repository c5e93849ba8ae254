"""The file that audio is, or the bytes of a larger file that it is.

opened_stretch(store, uri, Audio("a.tar", offset=1536, length=91_244))      a file of 91,244 bytes
"""

import io
import os
from typing import BinaryIO

from weft.pipelines.storage.retries import settings
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.schemas.ledger import Unusable


def opened_stretch(store: Store, uri: str, audio: Audio) -> BinaryIO:
    """A file of its own is not read yet; bytes of another are in memory. Raises Unusable for fewer or more than there may be."""
    file = store.open(uri)
    if not audio.length:
        return file
    with file:
        there = file.seek(0, os.SEEK_END) - audio.offset
        if there < audio.length:
            raise Unusable("truncated", f"{audio.length:,} bytes are declared, and {max(0, there):,} are there")
        if audio.length > settings().largest:  # it is held in memory
            raise Unusable("too_large", f"it has {audio.length:,} bytes, more than `reading.largest`")
        file.seek(audio.offset)
        return io.BytesIO(file.read(audio.length))
