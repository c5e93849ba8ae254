"""From read speech to audited shards with latent audio: the transcription task of Step-Audio 2 in small."""

import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from tokenizers import Tokenizer

from tests.jobs.planting import audit_faults, content, cut, flipped, replace_bytes, run
from weft.pipelines import compose
from weft.pipelines.audio.sound import load_utterance
from weft.pipelines.encoders.step_audio import Encoder
from weft.pipelines.latents import flac_of
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Utterance

RECIPE = """
name: listening
seed: 3
part_size: 4
sources:
  speech: {use: folder, path: RAW}
segment: {longest: 5}
align: {use: none}
text: {use: bpe, size: 300}
encoder: {use: step_audio, chunk: 2}
templates:
  step-audio: {open: bot, close: eot}
vocabulary:
  tokens:
    - {marker: bot, literal: "<|BOT|>"}
    - {marker: eot, literal: "<|EOT|>"}
    - {marker: audio-start, literal: "<audio_start>", modality: audio}
    - {marker: audio-patch, literal: "<audio_patch>", modality: audio}
    - {marker: audio-end, literal: "<audio_end>", modality: audio}
tasks:
  asr:
    use: turns
    sources: [speech]
    template: step-audio
    turns: [{role: human, say: audio}, {role: assistant, say: text}]
  read: {use: turns, sources: [speech], turns: [{role: assistant, say: text}]}
training:
  align:
    mixture: {unit: samples, total: 24, shares: {asr: 1, read: 1}, exhausted: repeat, passes: 9}
    context: 512
    model: {config: {model_type: llama, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 2}}
    optimiser: {lr: 1.0e-3, batch_tokens: 2048, steps: 2}
"""
GUIDE = (Path(__file__).parents[2] / "docs/latents.md").read_text("utf-8")
LOCAL = ("--engine", "local")
Weft = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, material: Path) -> Path:
    """A folder with the recipe and its corpus."""
    root = tmp_path_factory.mktemp("latents")
    (root / "raw").mkdir()
    for number in range(5):
        for kind in ("flac", "txt"):
            shutil.copy(material / "raw" / f"{number:02d}.{kind}", root / "raw")
    (root / "recipe.yaml").write_text(RECIPE.replace("RAW", str(root / "raw")))
    run(root / "recipe.yaml", root / "corpus")
    return root


def rows(root: Path, task: str) -> list[dict]:
    table = pq.read_table(root / "corpus/shards/align/index.parquet").to_pylist()
    return [row for row in table if row["task"] == task]


def member(root: Path, row: dict, ending: str) -> bytes:
    tar = (root / "corpus/shards/align" / row["shard"]).read_bytes()
    return tar[row[f"{ending}_offset"] :][: row[f"{ending}_length"]]


def test_the_audit_finds_nothing_and_nothing_is_done_twice(built: Path, weft: Weft) -> None:
    code, out, errors = weft("audit", built / "corpus", "--deep")
    assert code == 0, out + errors
    before = content(built / "corpus/shards")
    code, out, errors = weft("build", built / "recipe.yaml", "--out", built / "corpus", *LOCAL)
    assert code == 0 and "0 parts built" in out + errors
    assert content(built / "corpus/shards") == before


def test_the_flac_has_the_samples_of_the_utterance_and_its_placeholders_their_number(built: Path) -> None:
    encoder = Encoder(chunk=2)
    tokenizer = Tokenizer.from_file(str(built / "corpus/vocabulary/tokenizer.json"))
    for row in rows(built, "asr"):
        samples, rate = soundfile.read(io.BytesIO(member(built, row, "flac")), dtype="float32")
        sample = json.loads(member(built, row, "json"))
        where = sample["provenance"]
        utterance = Utterance(
            key="u", recording="r", source="speech", audio=Audio(str(built / "raw" / where["path"])), sha256=where["sha256"],
            start=where["start"], end=where["end"],
        )  # fmt: skip
        original = load_utterance(Store(str(built / "corpus")), utterance)
        assert rate == 16_000 and isinstance(original, np.ndarray)
        assert np.abs(samples - original[: len(samples)]).max() <= 0.5 / 32_768 and len(original) - len(samples) < 640
        spans = [s for s in sample["segments"] if s["role"] == "placeholders"]
        assert [s["end"] - s["begin"] for s in spans] == [
            encoder.placeholders(n) for n in encoder.chunks(len(original))
        ]
        assert [s["start"] for s in spans] == [0, *(s["stop"] for s in spans)][:-1]
        ids = np.frombuffer(member(built, row, "npy")[128:], np.int32)
        spelt = tokenizer.decode(ids.tolist(), skip_special_tokens=False)
        assert spelt.count("<audio_start>") == spelt.count("<audio_end>") == len(spans)
        assert row["audio_tokens"] == spelt.count("<audio_patch>") + 2 * len(spans)
        assert row["tokens"] == row["audio_tokens"] + row["text_tokens"]
        assert not any(s["loss"] for s in sample["segments"] if s["modality"] == "audio")


def test_every_folder_of_tars_has_one_set_of_members(built: Path) -> None:
    assert {row["shard"].rpartition("/")[0] for row in rows(built, "asr")} == {"flac"}
    assert {row["shard"].rpartition("/")[0] for row in rows(built, "read")} == {""}
    assert all((row["flac_offset"], row["flac_length"]) == (0, 0) for row in rows(built, "read"))
    assert all((row["png_offset"], row["png_length"]) == (0, 0) for row in rows(built, "asr"))


def test_webdataset_reads_the_members(built: Path) -> None:
    import webdataset

    tars = [str(path) for path in sorted((built / "corpus/shards/align/flac").glob("*.tar"))]
    read = {s["__key__"]: s["flac"] for s in webdataset.WebDataset(tars, shardshuffle=False, empty_check=False)}
    assert read == {row["key"]: member(built, row, "flac") for row in rows(built, "asr")}


def test_wids_reads_the_tars_of_all_folders(built: Path, tmp_path: Path) -> None:
    import wids

    shards = built / "corpus/shards/align"
    dataset = wids.ShardListDataset(
        str(shards / "wids.json"), cache_dir=str(tmp_path), transformations=[], base=str(shards), keep=True
    )
    read = [dataset[n] for n in range(len(dataset))]
    assert {s["__key__"] for s in read} == {row["key"] for task in ("asr", "read") for row in rows(built, task)}
    assert {".flac" in s for s in read if "-asr-" in s["__key__"]} == {True}


def test_a_sample_is_shown_with_the_number_of_its_placeholders(built: Path, weft: Weft) -> None:
    row = rows(built, "asr")[0]
    code, out, errors = weft("inspect", built / "corpus", row["key"], "--json")
    assert code == 0, errors
    shown = [span for span in json.loads(out)["segments"] if span["role"] == "placeholders"]
    assert [span["decoded"] for span in shown] == [f"<audio_patch> × {s['end'] - s['begin']}" for s in shown]


def test_a_trainer_without_an_encoder_refuses_in_one_sentence(built: Path, weft: Weft, tmp_path: Path) -> None:
    code, out, errors = weft("train", built / "recipe.yaml", "--corpus", built / "corpus", "--out", tmp_path / "run")
    assert code == 2
    assert (
        "`encoder: {use: step_audio}` counts placeholders: name its network with `checkpoint:` to train with it"
        in out + errors
    )


@pytest.mark.parametrize("harm", [cut, flipped])
def test_a_tar_with_another_flac_is_named_and_mended(
    built: Path, tmp_path: Path, harm: Callable[[bytes], bytes], weft: Weft
) -> None:
    shutil.copytree(built / "corpus", tmp_path / "corpus")
    store, row = Store(str(tmp_path / "corpus")), rows(built, "asr")[0]
    begin, end = row["flac_offset"], row["flac_offset"] + row["flac_length"]

    def other(tar: bytes) -> bytes:
        flac = harm(tar[begin:end])
        return tar[:begin] + flac.ljust(end - begin, b"\0") + tar[end:]

    name = f"shards/align/{row['shard']}"
    replace_bytes(store, name, other)
    assert any(name in fault and "differ from what was written" in fault for fault in audit_faults(store, deep=True))
    assert weft("build", built / "recipe.yaml", "--out", tmp_path / "corpus", "--verify", *LOCAL)[0] == 0
    assert content(tmp_path / "corpus/shards") == content(built / "corpus/shards")


def test_a_count_that_is_not_the_encoders_is_named(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = Encoder.frames
    monkeypatch.setattr(Encoder, "frames", lambda self, samples: frames(self, samples) + 2)
    faults = audit_faults(Store(str(built / "corpus")), deep=True)
    assert any("stand for audio that gives" in fault and "shards/align/flac/" in fault for fault in faults)
    assert not audit_faults(Store(str(built / "corpus")), deep=False)


def test_a_flac_of_other_samples_than_its_placeholders_stand_for_is_named(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(built / "corpus", tmp_path / "corpus")
    monkeypatch.setattr(compose, "flac_of", lambda samples: flac_of(samples[:-400]))
    monkeypatch.setattr(compose, "LATENTS", "another version")
    run(built / "recipe.yaml", tmp_path / "corpus")
    faults = audit_faults(Store(str(tmp_path / "corpus")), deep=True)
    assert any("do not stand for its FLAC of" in fault for fault in faults)


def test_the_recipe_of_the_guide_is_valid_and_its_script_reads_a_corpus(
    built: Path, tmp_path: Path, weft: Weft
) -> None:
    recipe = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)[0]
    (tmp_path / "listening.yaml").write_text(recipe.replace("path: raw", f"path: {built}/raw"))
    code, out, errors = weft("validate", tmp_path / "listening.yaml")
    assert code == 0, out + errors
    (script := tmp_path / "read.py").write_text(re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)[0])
    shards = built / "corpus/shards/align"
    ran = subprocess.run([sys.executable, str(script), str(shards)], capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in ran.stdout.splitlines()] == [row["key"] for row in rows(built, "asr")]
