"""Lists of urls."""

import uuid
from collections.abc import Callable
from pathlib import Path

import fsspec

from weft.pipelines.sources.urls import Source


def test_urls_are_read_where_they_are(tmp_path: Path, ingested: Callable, clip: bytes) -> None:
    host = uuid.uuid4().hex
    fsspec.filesystem("memory").pipe(f"/{host}/a.flac", clip)
    (tmp_path / "list.txt").write_text(
        f"# ours\nmemory://{host}/a.flac\tand then\n\nmemory://{host}/lost.flac\nfile.wav\n"
    )
    (made,), rejects = ingested(Source(path=str(tmp_path / "list.txt")))
    assert (made.text, made.seconds, made.audio.uri) == ("and then", 2.0, f"memory://{host}/a.flac")
    assert [r.reason for r in rejects] == ["not_a_url", "missing"]


def test_what_a_url_hides_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("https://me:secret@host/a.flac?X-Signature=secret\n")
    (item,) = Source(path=str(tmp_path / "list.txt")).items("speech")
    assert item.path == "https://host/a.flac" and "secret" not in item.key
