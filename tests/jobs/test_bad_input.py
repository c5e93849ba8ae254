"""A folder with more than twenty kinds of bad input builds; what must be rejected is, with its reason; the ledger adds up."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.pipelines.mixing.audit import audit
from weft.pipelines.parts.tables import read_part
from weft.pipelines.storage.store import Store
from weft.schemas.ledger import Reject

REJECTED = {
    "truncated.flac": "truncated",
    "truncated.wav": "truncated",
    "empty.wav": "empty_file",
    "text.wav": "not_audio",
    "nan.wav": "not_finite",
    "inf.wav": "not_finite",
    "none.wav": "no_samples",
    "one.wav": "too_short",
    "silent.wav": "silent",
    "low.wav": "low_rate",
    "dangling.wav": "missing",
    "pipe.wav": "not_a_file",
    "headerless.raw": "no_header",
    "latin.flac": "bad_transcript",
    "long-text.wav": "long_transcript",
}
ALIGN_REJECTED = {"other.flac": "mismatch", "silence-words.flac": "no_transcript", "chinese.flac": "unknown_word"}
GOOD = (
    "rate8k.wav",
    "rate192k.wav",
    "channels12.wav",
    "float.wav",
    "emoji 🎤 name.flac",
    'it\'s "quoted".v1.2.flac',
    "UPPER.FLAC",
)


@pytest.fixture
def bad(tmp_path: Path, material: Path) -> Path:
    """The folder: good clips of `material` beside everything that can be wrong with one."""
    folder = tmp_path / "bad"
    shutil.copytree(material / "raw", folder)
    samples, rate = soundfile.read(material / "raw/00.flac", dtype="float32")
    text = (material / "raw/00.txt").read_text()
    sound = (material / "raw/00.flac").read_bytes()

    def put(
        name: str, data: np.ndarray, at: int = rate, subtype: str = "PCM_16", transcript: str | None = text
    ) -> None:
        soundfile.write(folder / name, data, at, subtype=subtype)
        if transcript is not None:
            (folder / name).with_suffix(".txt").write_text(transcript)

    (folder / "truncated.flac").write_bytes(sound[: len(sound) // 2])
    put("truncated.wav", samples)
    os.truncate(folder / "truncated.wav", 20_000)
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("this is no audio")
    put("nan.wav", np.where(np.arange(len(samples)) == 99, np.nan, samples).astype(np.float32), subtype="FLOAT")
    put("inf.wav", np.where(np.arange(len(samples)) == 99, np.inf, samples).astype(np.float32), subtype="FLOAT")
    put("none.wav", samples[:0])
    put("one.wav", samples[:1])
    put("silent.wav", samples * 0)
    put("low.wav", samples, at=4000)
    (folder / "dangling.wav").symlink_to(folder / "nowhere.wav")
    os.mkfifo(folder / "pipe.wav")
    (folder / "headerless.raw").write_bytes(b"\1\2" * 20_000)
    (folder / "latin.flac").write_bytes(sound)
    (folder / "latin.txt").write_bytes("caf\xe9 au lait".encode("latin-1"))
    put("long-text.wav", np.tile(samples, 40))
    put(
        "other.flac",
        samples,
        transcript="nine purple elephants never whisper about wooden astronomy during quiet thunderstorms",
    )
    put("silence-words.flac", samples, transcript=None)
    put("chinese.flac", samples, transcript="今天 天气 很好")
    put("rate8k.wav", samples, at=rate)
    put("rate192k.wav", np.repeat(samples, 8), at=rate * 8)
    put("channels12.wav", np.tile(samples[:, None], (1, 12)))
    put("float.wav", samples, subtype="FLOAT")
    for name in GOOD[4:]:
        (folder / name).write_bytes(sound)
        (folder / name).with_suffix(".txt").write_text(text)
    hours = np.zeros((3 * 3600, 8000), np.int16)
    hours[1800 : 1800 + 4] = (np.resize(samples, 4 * 8000).reshape(4, 8000) * 32767).astype(np.int16)
    soundfile.write(folder / "three-hours.flac", hours.reshape(-1), 8000)
    (folder / "hostile.flac").write_bytes(sound)
    (folder / "hostile.txt").write_text(f"<script>alert(1)</script> [Speech][Hu3] <s> {text}")
    with open(os.fsencode(folder) + b"/\xff\xfe.wav", "wb") as file:
        file.write(sound)
    return folder


def test_bad_input_is_rejected_with_a_reason_and_the_ledger_adds_up(
    bad: Path, tmp_path: Path, write_recipe: Callable[..., Path]
) -> None:
    pipeline = read_pipeline(str(write_recipe(tmp_path / "recipe.yaml", speech=bad)), ["sources.speech.missing=reject"])
    store = Store(str(tmp_path / "corpus"))
    build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None)
    report = audit(store, pipeline, deep=True)
    assert report.faults == ()
    ingest = {r.path: r.reason for r in rejects(store, "ingest") + rejects(store, "segment")}
    assert {name: ingest.get(name) for name in REJECTED} == REJECTED
    assert ingest.pop("\\xff\\xfe.wav") == "bad_name"
    assert ingest["three-hours.flac"] == "no_speech"
    aligned = {Path(r.path).name: r.reason for r in rejects(store, "align")}
    assert {name: aligned.get(name) for name in ALIGN_REJECTED} == ALIGN_REJECTED
    assert not set(GOOD) & (ingest.keys() | aligned.keys())
    listed = sum(1 for _ in pipeline.sources["speech"].items("speech"))
    ledger = next(n for n in report.nodes if n.node == "ingest/speech")
    assert ledger.items_in == listed == ledger.items_out + ledger.items_rejected
    assert ledger.items_out == next(n.items_in for n in report.nodes if n.node == "segment/speech")


def rejects(store: Store, stage: str) -> list[Reject]:
    return [r for name in store.names(f"rejects/{stage}", ".parquet") for r in read_part(store, name, Reject)]


def test_a_source_that_is_rejected_whole_is_no_fault_of_the_recipe(
    tmp_path: Path, weft: Callable[..., tuple[int, str, str]]
) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/a.wav").write_bytes(b"RIFFxxxx")
    (tmp_path / "recipe.yaml").write_text(
        f"name: bad\nsources: {{bad: {{use: folder, path: {tmp_path / 'bad'}}}}}\nalign: {{use: none}}\n"
        "tokenizers: {cepstra: {use: cepstra, sources: [bad], size: 16}}\n"
    )
    code, out, wrong = weft("build", tmp_path / "recipe.yaml", "--out", tmp_path / "c", "--engine", "local")
    assert code == 1 and "models/cepstra: its sources gave no speech to learn from; `weft rejects CORPUS`" in " ".join(
        (out + wrong).split()
    )
