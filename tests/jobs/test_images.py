"""From a user's own captioned images to audited shards with KEY.png."""

import base64
import json
import os
import re
import shutil
import struct
import zlib
from collections.abc import Callable
from functools import reduce
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.jobs.planting import audit_faults
from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.jobs.failures import BuildError
from weft.jobs.schedule import WorkEvent
from weft.pipelines.parts.tables import read_part
from weft.pipelines.storage.store import Store
from weft.schemas.ledger import Reject

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


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A recipe of eight captioned images; two of them lie in a folder of their own, `late`."""
    (tmp_path / "pictures/late").mkdir(parents=True)
    names = [f"late/{n}.png" if n in (2, 7) else f"{n}.png" for n in range(8)]
    for n, name in enumerate(names):
        (tmp_path / "pictures" / name).write_bytes(png(16 + n, 9, n))
    lines = [json.dumps({"text": f"Picture {n} is grey.", "fields": {"image": name}}) for n, name in enumerate(names)]
    (tmp_path / "pictures/captions.jsonl").write_text("".join(f"{line}\n" for line in lines))
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace("PICTURES", str(tmp_path / "pictures")))
    return tmp_path / "recipe.yaml"


def built(weft: Weft, recipe: Path, name: str, *settings: str) -> tuple[int, str, dict[str, bytes]]:
    """The exit code, what was said, and the files of the corpus."""
    out = recipe.parent / name
    code, said, errors = weft("build", recipe, "--out", out, "--engine", "local", "reading.wait=0.001", *settings)
    return code, said + errors, {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_images_that_are_not_there_are_counted_and_named_and_read_once_they_are(away: Path, weft: Weft) -> None:
    whole = built(weft, away, "undisturbed")[2]
    (late := away.parent / "pictures/late").rename(away.parent / "late")
    code, said, _ = built(weft, away, "corpus")
    assert code == 1 and "source pictures: 2 items cannot be read now" in said, said
    assert f"{late}/2.png: No such file" in said and f"{late}/7.png: No such file" in said
    assert "sources.pictures.missing=reject goes on without them" in said
    assert "2.png" in weft("status", away.parent / "corpus")[1]
    (away.parent / "late").rename(late)
    code, said, files = built(weft, away, "corpus")
    assert code == 0 and files == whole, said


def test_a_build_goes_on_without_images_that_are_not_there_where_the_source_says_so(away: Path, weft: Weft) -> None:
    reject = "sources.pictures.missing=reject"
    whole = built(weft, away, "undisturbed", reject)[2]
    (late := away.parent / "pictures/late").rename(away.parent / "late")
    code, said, files = built(weft, away, "corpus", reject)
    assert code == 0, said
    store = Store(str(away.parent / "corpus"))
    names = store.names("rejects/compose/caption/pass-0", ".parquet")
    rejects = [reject for name in names for reject in read_part(store, name, Reject)]
    assert sorted((r.reason, r.detail) for r in rejects) == [
        ("missing", f"its image late/{n}.png: No such file or directory") for n in (2, 7)
    ]
    assert not audit_faults(store, deep=True)
    assert built(weft, away, "corpus", reject)[2] == files
    (away.parent / "late").rename(late)
    code, said, files = built(weft, away, "corpus", reject)
    assert code == 0 and files == whole, said


def test_an_image_that_is_no_file_is_a_reject(away: Path, weft: Weft) -> None:
    (path := away.parent / "pictures/0.png").unlink()
    os.mkfifo(path)
    code, said, _ = built(weft, away, "corpus")
    assert code == 0, said
    (row,) = pq.read_table(away.parent / "corpus/rejects/compose/caption/pass-0/pictures").to_pylist()
    assert (row["reason"], row["detail"]) == ("not_a_file", "its image 0.png: it is a folder, a pipe or a device")


def test_names_that_are_no_files(away: Path, weft: Weft) -> None:
    """Each is a reject or is counted, whatever its name; none stops the others, and no secret and no image is in a message."""
    lines = (away.parent / "pictures/captions.jsonl").read_text()
    data = "data:image/jpeg;base64," + "x/" * 50_000
    names = [data, "source://nosuch/x.png", "memory://h/x.png?sig=SECRET", "http:///x.png?sig=SEC%52ET"]
    names += [
        "DATA:image/png;base64,SECRET",
        f"zip://a.png?sig=SECRET::{away.parent}/pictures/0.png",
        "hf://x/" + "A" * 9000,
    ]
    lines += "".join(json.dumps({"text": "Wrong.", "fields": {"image": name}}) + "\n" for name in names)
    (away.parent / "pictures/captions.jsonl").write_text(lines)
    code, said, _ = built(weft, away, "corpus")
    assert code == 1 and "items cannot be read now" in said and "SECRET" not in said
    code, said, _ = built(weft, away, "corpus", "sources.pictures.missing=reject")
    assert code == 0, said
    rows = pq.read_table(away.parent / "corpus/rejects/compose/caption/pass-0/pictures").to_pylist()
    assert sorted(row["reason"] for row in rows)[:3] == ["bad_image", "bad_image", "missing"]
    assert "its image source://nosuch/x.png is neither a path nor a url" in [row["detail"] for row in rows]
    assert max(len(row["detail"]) for row in rows) < 500 and "SECRET" not in f"{rows}"


def test_images_of_written_dialogues(away: Path, weft: Weft) -> None:
    """Their names are relative to the list, and `missing` holds for them as for other sources."""
    lines = [json.loads(line) for line in (away.parent / "pictures/captions.jsonl").read_text().splitlines()]
    dialogues = [{"turns": [{"role": "human", "text": line["text"]}], "fields": line["fields"]} for line in lines]
    (away.parent / "pictures/captions.jsonl").write_text("".join(json.dumps(one) + "\n" for one in dialogues))
    recipe = (
        away.read_text()
        .replace("use: text, path: ", "use: script, path: ")
        .replace("/pictures}", "/pictures/captions.jsonl}")
    )
    task = "use: dialogue, sources: [pictures], turns: [{role: human, say: [image, text]}], loss: [human]}"
    away.write_text(re.sub("use: turns.*", task, recipe))
    code, said, _ = built(weft, away, "corpus")
    assert code == 0, said
    (late := away.parent / "pictures/late").rename(away.parent / "late")
    code, said, _ = built(weft, away, "corpus", "seed=2")
    assert code == 1 and f"{late}/2.png: No such file" in said and "sources.pictures.missing=reject" in said, said
    assert built(weft, away, "corpus", "seed=2", "sources.pictures.missing=reject")[0] == 0


def test_audio_that_is_away_hides_no_image_that_is(away: Path, material: Path) -> None:
    raw = shutil.copytree(material / "raw", away.parent / "raw")
    captions = away.parent / "pictures/captions.jsonl"
    clips = [json.loads(line) | {"audio": f"{raw}/{n:02d}.flac"} for n, line in enumerate(captions.open())]
    captions.write_text("".join(json.dumps(clip) + "\n" for clip in clips))
    marks = (
        f"    - {{marker: audio-{one}, literal: '<audio_{one}>', modality: audio}}" for one in ("start", "patch", "end")
    )
    changes = {
        "use: text, path: ": "use: manifest, path: ",
        "/pictures}": "/pictures/captions.jsonl}",
        "say: text": "say: audio",
    }
    changes |= {"tasks:": "\n".join((*marks, "tasks:")), "align: {": "encoder: {use: step_audio, chunk: 2}\nalign: {"}
    recipe = reduce(lambda text, change: text.replace(*change), changes.items(), away.read_text())
    away.write_text(f"{recipe}reading: {{wait: 0.001}}\n")
    (away.parent / "pictures/late").rename(away.parent / "late")
    pipeline, store = read_pipeline(str(away)), Store(str(away.parent / "corpus"))

    def remove(event: WorkEvent) -> None:
        if event.node == "vocabulary":  # all audio has been ingested, and none been composed
            (raw / "03.flac").unlink(missing_ok=True)

    with pytest.raises(
        BuildError, match=r"source pictures: 3 items cannot(.|\n)*late/2.png(.|\n)*late/7.png(.|\n)*03.flac"
    ):
        build(pipeline, store, LocalEngine(store), remove, lambda works: None)
