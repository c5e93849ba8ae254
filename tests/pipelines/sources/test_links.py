"""`link/../raw` is the folder that the operating system opens: that beside what the link leads to."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weft.pipelines.sources import folder, kaldi, lhotse, manifest, tars, text

AUDIO = "link/../raw/a.wav"
CUT = {"id": "a", "recording": {"id": "r", "sources": [{"type": "file", "source": AUDIO}]}}


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that link/../raw leads to; the working folder has a `raw` of its own."""
    for name in ("here/raw", "there/raw", "there/inner"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("here/raw", "there/raw"):
        for file, data in {
            "a.wav": "RIFF",
            "a.tar": name,
            "a.txt": name,
            "m.jsonl": json.dumps({"audio": "a.wav"}),
            "cuts.jsonl": json.dumps(CUT),
            "wav.scp": f"r {AUDIO}",
        }.items():
            (tmp_path / name / file).write_text(f"{data}\n")
    (tmp_path / "here" / "link").symlink_to(tmp_path / "there" / "inner")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "there" / "raw"


SOURCES: dict[str, tuple[Callable[..., Any], str, str]] = {
    "folder": (folder.Source, "link/../raw", "a.wav"),
    "a file": (folder.Source, AUDIO, "a.wav"),
    "manifest": (manifest.Source, "link/../raw/m.jsonl", "a.wav"),
    "kaldi": (kaldi.Source, "raw", "a.wav"),
    "lhotse": (lhotse.Source, "raw/cuts.jsonl", "a.wav"),
    "tars": (tars.Source, "link/../raw", "a.tar"),
    "a pattern of tars": (tars.Source, "link/../raw/*.tar", "a.tar"),
    "text": (text.Source, "link/../raw/a.txt", "a.txt"),
}


@pytest.mark.parametrize(("source", "path", "name"), SOURCES.values(), ids=SOURCES)
def test_a_listing_names_the_file_that_is_opened(there: Path, source: Callable[..., Any], path: str, name: str) -> None:
    (item,) = source(path=path).items("s")
    assert item.uri.partition("?")[0] == str(there / name)


@pytest.mark.parametrize("path", ["link/../raw", AUDIO])
def test_so_does_the_location_of_a_source(there: Path, path: str) -> None:
    assert folder.Source(path=path).location() == str(there)
