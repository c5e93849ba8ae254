"""Where `weft train` reads the shards of a corpus: on disk as they lie; of a remote corpus the samples alone, as they are drawn.

    with shards_of(store, ["pretrain", "validation"]) as (folder, open_tar):
        train(folder / "pretrain", …, open_tar=open_tar)

Of a remote corpus the indexes are copied for as long as the training runs. Draws go through each tar from front to back, so
each open tar keeps what was read ahead of it, and nothing else.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from weft.pipelines.mixing.shards import index_name
from weft.pipelines.storage.store import Store
from weft.trainer.loader import OpenTar, mapped

AHEAD = 1 << 20  # bytes read of a tar at a time, at least


@contextmanager
def shards_of(store: Store, stages: Sequence[str]) -> Iterator[tuple[Path, OpenTar]]:
    """The folder in which each stage has one with its index, and what opens the tars that the index names."""
    if store.local:
        yield Path(store.path("shards")), mapped
        return
    with tempfile.TemporaryDirectory(prefix="weft-") as folder:
        for stage in stages:
            (Path(folder) / stage).mkdir()
            with store.open(index_name(stage)) as index, open(Path(folder) / stage / "index.parquet", "wb") as copy:
                shutil.copyfileobj(index, copy)
        yield Path(folder), lambda path: _RemoteTar(store, f"shards/{path.parent.name}/{path.name}")


class _RemoteTar:
    """The bytes of a tar, read where it lies. Raises FileNotFoundError where there is none."""

    def __init__(self, store: Store, name: str) -> None:
        self._size = store.size(name)
        self._file = store.fs.open(store.path(name), "rb", block_size=AHEAD, cache_type="readahead")

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        self._file.seek(part.start)
        return bytes(self._file.read(part.stop - part.start))
