"""Opening audio: a file of its own, bytes within another file, or bytes that are here.

with audio_file(store, Audio("a.tar", offset=1536, length=91_244)) as file: …      the 91,244 bytes, and no others
"""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from weft.pipelines.storage import retries as reading
from weft.pipelines.storage.retries import retrying, settings
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio
from weft.schemas.ledger import Unusable


@contextmanager
def audio_file(store: Store, audio: Audio) -> Iterator[BinaryIO]:
    """Raises Unusable, and Unavailable for what is gone."""
    if audio.data:
        yield io.BytesIO(audio.data)
        return
    uri = store.located(audio.uri)
    if uri.startswith("/"):
        regular(uri)
        if not os.path.getsize(uri):
            raise Unusable("empty_file", "it holds 0 bytes")
    file = reading.opened(lambda: _opened(store, uri, audio), audio.uri)
    with retrying(file, audio.uri) as reader:
        yield reader


def _opened(store: Store, uri: str, audio: Audio) -> BinaryIO:
    """The file, or the bytes of it that are the audio."""
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


def regular(path: str) -> None:
    """Raises Unusable for what is no file: a fifo or a device would block the run for ever; Unavailable for what is gone."""
    mode = reading.opened(lambda: os.stat(path), path).st_mode
    if not stat.S_ISREG(mode):
        raise Unusable("not_a_file", "it is a folder, a pipe or a device")
