"""What the listing found absent is a reject only where there is no such file: a mount that does not answer fails the work."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from weft.pipelines.ingest import Ingest
from weft.pipelines.sources.manifest import Source
from weft.pipelines.store import Store
from weft.schemas.ledger import Unavailable


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.EACCES])
def test_a_mount_that_does_not_answer_is_no_missing_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (tmp_path / "all.jsonl").write_text('{"audio": "mount/a.wav"}')
    asked = os.stat

    def stat(path: Any, *rest: Any, **options: Any) -> os.stat_result:
        if "mount" in str(path):
            raise OSError(number, os.strerror(number), str(path))
        return asked(path, *rest, **options)

    monkeypatch.setattr(os, "stat", stat)
    source = Source(path=str(tmp_path / "all.jsonl"))
    stage = Ingest(source=source)
    stage.setup(store)
    with pytest.raises(Unavailable):
        list(stage(list(source.items("speech"))))
