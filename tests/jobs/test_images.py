"""From a user's own captioned images to audited shards with KEY.png."""

import base64
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from tests.jobs.planting import audit_faults
from weft.pipelines.storage.store import Store

RECIPE = """
name: pictures
part_size: 4
sources:
  pictures: {use: text, path: PICTURES}
align: {use: none}
text: {use: bpe, size: 300}
image_encoder: {use: grid, size: 64, patch: 32}
vocabulary:
  tokens:
    - {marker: image-start, literal: "<image_start>", modality: image}
    - {marker: image-patch, literal: "<image_patch>", modality: image}
    - {marker: image-end, literal: "<image_end>", modality: image}
tasks:
  caption: {use: turns, sources: [pictures], template: {after_role: ""}, turns: [{say: image}, {say: text}], loss: [""]}
training:
  align:
    mixture: {unit: samples, total: 6, shares: {caption: 1}, exhausted: repeat, passes: 9}
    context: 64
    model: {config: {model_type: llama, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 2}}
    optimiser: {lr: 1.0e-3, batch_tokens: 64, steps: 2}
"""
Weft = Callable[..., tuple[int, str, str]]


def png(width: int, height: int, grey: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([grey]) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_captioned_images_go_to_audited_shards(tmp_path: Path, weft: Weft) -> None:
    (folder := tmp_path / "pictures").mkdir()
    lines = [{"text": f"Picture {n} is grey.", "fields": {"image": f"{n}.png"}} for n in range(5)]
    encoded = base64.b64encode(png(16 + 5, 9, 5)).decode()
    lines.append({"text": "Picture 5 is grey.", "fields": {"image": f"data:image/png;base64,{encoded}"}})
    inline = [{"text": "Wrong here.", "fields": {"image": "data:image/png;base64,x"}}, {"text": "None here."}]
    (folder / "captions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*lines, *inline]))
    for n in range(6):
        (folder / f"{n}.png").write_bytes(png(16 + n, 9, n) if n else b"GIF89a")
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("PICTURES", str(folder)))
    code, out, errors = weft("build", tmp_path / "recipe.yaml", "--out", tmp_path / "corpus", "--engine", "local")
    assert code == 0, out + errors
    assert not audit_faults(Store(str(tmp_path / "corpus")), deep=True)
    shards = tmp_path / "corpus/shards/align"
    for row in pq.read_table(shards / "index.parquet").to_pylist():
        assert row["shard"].startswith("png/") and row["image_tokens"] == 2 + 4 and row["flac_length"] == 0
        n = int(row["key"] and json.loads(member(shards, row, "json"))["text"].split()[1])
        assert member(shards, row, "png") == (folder / f"{n}.png").read_bytes()
    rejects = pq.read_table(tmp_path / "corpus/rejects/compose/caption/pass-0/pictures").to_pylist()
    assert sorted(reject["reason"] for reject in rejects) == ["bad_image", "bad_image", "no_image"]


def member(shards: Path, row: dict, ending: str) -> bytes:
    return (shards / row["shard"]).read_bytes()[row[f"{ending}_offset"] :][: row[f"{ending}_length"]]
