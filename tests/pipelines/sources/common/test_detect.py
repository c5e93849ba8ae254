"""What a path seems to be."""

import gzip
from pathlib import Path

import pytest

from weft.pipelines.sources.common.detect import detect

CUT = b'{"id": "c", "start": 0, "recording": {"sources": []}, "type": "MonoCut"}\n'


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.wav", b"", "folder"), ("m.jsonl", b'{"audio_filepath": "a.wav"}\n', "manifest"), ("cuts.jsonl", CUT, "lhotse"),
        ("c.jsonl.gz", gzip.compress(CUT), "lhotse"), ("c.json", b"[" + CUT + b"]", "lhotse"),
        ("c.json", b"[\n{\n" + CUT[1:], "lhotse"),
        ("a.tar", b"", "tars"), ("urls.txt", b"", "urls"), ("t.parquet", b"", "huggingface"), ("x.jsonl", b"\xff\n", "manifest"),
        ("d/wav.scp", b"", "kaldi"), ("d/cuts.000000.jsonl.gz", b"", "lhotse"), ("d/state.json", b"", "folder"),
        ("d/dataset_info.json", b"", "huggingface"), ("d/a.tar", b"", "tars"), ("d/a.wav", b"", "folder"),
    ],
)  # fmt: skip
def test_kinds(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    given = str(path.parent if "/" in name else path)
    assert detect(given) == {"use": kind, "path": given}
