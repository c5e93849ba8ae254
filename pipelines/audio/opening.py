"""Opening audio: a file of its own, bytes within another file, or bytes that are here.

with audio_file(store, Audio("a.tar", offset=1536, length=91_244)) as file: …      the 91,244 bytes, and no others
"""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO

from weft.pipelines.audio.file_bytes import opened_stretch
from weft.pipelines.storage import retries as reading
from weft.pipelines.storage.retries import retrying
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
    file = reading.opened(partial(opened_stretch, store, uri, audio), audio.uri)
    with retrying(file, audio.uri) as reader:
        yield reader


def regular(path: str) -> None:
    """Raises Unusable for what is no file: a fifo or a device would block the run for ever; Unavailable for what is gone."""
    mode = reading.opened(partial(os.stat, path), path).st_mode
    if not stat.S_ISREG(mode):
        raise Unusable("not_a_file", "it is a folder, a pipe or a device")
