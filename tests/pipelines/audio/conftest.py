"""Audio in a file of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from weft.schemas.audio import Audio


@pytest.fixture
def put(tmp_path: Path) -> Callable[[bytes], Audio]:
    def written(data: bytes, name: str = "a.wav") -> Audio:
        (tmp_path / name).write_bytes(data)
        return Audio(str(tmp_path / name))

    return written
