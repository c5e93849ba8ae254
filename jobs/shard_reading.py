"""Access of `weft train` to the shards of a corpus: local tars are mapped; of a remote corpus only the drawn samples are read.

    with shards_of(store, ["pretrain", "validation"]) as (folder, open_tar):
        train(folder / "pretrain", …, open_tar=open_tar)

Indexes of a remote corpus are copied for the time of the training. Draws read each tar from front to back, so an open tar buffers
only the bytes that were read ahead.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from weft.pipelines.mixing.shards import index_name
from weft.pipelines.storage.store import Store
from weft.trainer.loader import OpenTar, mapped

AHEAD = 1 << 20  # bytes; the least that is read of a tar at a time


@contextmanager
def shards_of(store: Store, stages: Sequence[str]) -> Iterator[tuple[Path, OpenTar]]:
    """A folder with a subfolder and index for each stage, and the function that opens the tars of an index."""
    if store.local:
        yield Path(store.path("shards")), mapped
        return
    with tempfile.TemporaryDirectory(prefix="weft-") as folder:
        for stage in stages:
            (Path(folder) / stage).mkdir()
            with store.open(index_name(stage)) as index, open(Path(folder) / stage / "index.parquet", "wb") as copy:
                shutil.copyfileobj(index, copy)
        yield Path(folder), lambda path: _RemoteTar(store, f"shards/{path.relative_to(folder).as_posix()}")


class _RemoteTar:
    """The bytes of a remote tar. Raises FileNotFoundError where there is none."""

    def __init__(self, store: Store, name: str) -> None:
        self._size = store.size(name)
        self._file = store.fs.open(store.path(name), "rb", block_size=AHEAD, cache_type="readahead")

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        self._file.seek(part.start)
        return bytes(self._file.read(part.stop - part.start))
