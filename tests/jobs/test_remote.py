"""A remote corpus is read where it lies: bytes are counted as they leave the store."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from weft.jobs.commands import open_corpus
from weft.pipelines.mixing.audit import audit
from weft.pipelines.models.folders import verified_folder
from weft.pipelines.storage.store import Store

Run = Callable[..., tuple[int, str, str]]
read: dict[str, int] = {}


class Counted(MemoryFileSystem):
    """Memory whose files count what is read of them."""

    protocol = "counted"
    store: dict[str, Any] = {}
    pseudo_dirs = [""]

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return MemoryFileSystem._strip_protocol(path.replace("counted://", "memory://"))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        file = super()._open(path, mode, **options)
        return Counting(file, path) if mode == "rb" else file


class Counting:
    def __init__(self, file: Any, path: str) -> None:
        self.file, self.path = file, path

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        read[self.path] = read.get(self.path, 0) + len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> "Counting":
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def remote(good: Path) -> Iterator[str]:
    """The corpus in a store that counts."""
    fsspec.register_implementation("counted", Counted, clobber=True)
    fs = fsspec.filesystem("counted")
    for file in (good / "corpus").rglob("*"):
        if file.is_file():
            fs.pipe_file(f"/corpus/{file.relative_to(good / 'corpus')}", file.read_bytes())
    read.clear()
    yield "counted://corpus"
    Counted.store.clear()


def of(ending: str) -> int:
    return sum(count for name, count in read.items() if name.endswith(ending))


def test_status_and_a_plain_audit_read_no_shard(weft: Run, remote: str) -> None:
    code, output, errors = weft("status", remote)
    assert code == 0, errors
    assert "compose" in output and of(".tar") == 0 and of("model.safetensors") == 0
    assert weft("audit", remote)[0] in (0, 1) and of(".tar") == 0
    assert audit(*open_corpus(remote)).faults == audit(*open_corpus(remote)).faults


def test_a_deep_audit_reads_them(remote: str) -> None:
    tars = sum(Counted().size(name) for name in Counted().find("/corpus/shards") if name.endswith(".tar"))
    audit(*open_corpus(remote), deep=True)
    assert of(".tar") >= tars > 0


def test_inspect_reads_one_sample(weft: Run, remote: str) -> None:
    code, output, errors = weft("inspect", remote, "0")
    assert code == 0, errors
    assert "Spans" in output and 0 < of(".tar") < 20_000


def test_a_model_is_fetched_once_a_process(remote: str) -> None:
    first = verified_folder(Store(remote), "models/pitch")
    fetched = of("model.safetensors")
    assert verified_folder(Store(remote), "models/pitch") == first and of("model.safetensors") == fetched > 0
