"""A model that listens and looks: from sources to a trained adaptor, with the network of a tokenizer of the corpus as the encoder."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file

from tests.jobs.conftest import SMALL_HUBERT
from tests.jobs.planting import run
from weft.jobs.commands import read_pipeline
from weft.jobs.training_encoders import encoders_of
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError
from weft.trainer.evaluation import record
from weft.trainer.runs import start_of

RECIPE = """
name: senses
part_size: 4
sources:
  speech: {use: folder, path: RAW, hold_out: {items: 0.25}}
  shapes: {use: pictures, count: 6, hold_out: {items: 0.5}}
segment: {longest: 5}
align: {use: none}
text: {use: bpe, size: 300, sources: [speech]}
tokenizers: {hubert: {use: hubert, sources: [speech], size: 12, layer: 1, training: HUBERT}}
encoder: {use: tokenizer, tokenizer: hubert}
image_encoder: {use: grid, size: 32, patch: 8}
templates: {chat: {open: bot, close: eot}, picture: {after_role: ""}}
vocabulary:
  tokens:
    - {marker: bot, literal: "<|BOT|>"}
    - {marker: eot, literal: "<|EOT|>"}
    - {marker: audio-start, literal: "<audio_start>", modality: audio}
    - {marker: audio-patch, literal: "<audio_patch>", modality: audio}
    - {marker: audio-end, literal: "<audio_end>", modality: audio}
    - {marker: image-start, literal: "<image_start>", modality: image}
    - {marker: image-patch, literal: "<image_patch>", modality: image}
    - {marker: image-end, literal: "<image_end>", modality: image}
tasks:
  asr: {use: turns, sources: [speech], template: chat, turns: [{role: human, say: audio}, {role: assistant, say: text}]}
  captions: {use: turns, sources: [shapes], template: picture, loss: [""], turns: [{say: image}, {say: text}]}
training:
  base: &stage
    mixture: {unit: samples, total: 20, shares: {asr: 1, captions: 1}, exhausted: repeat, passes: 9}
    context: 64
    model: {config: {model_type: llama, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 2}}
    optimiser: {lr: 1.0e-3, batch_tokens: 256}
  listen:
    <<: *stage
    model: {start: base}
    trainable: {adaptor: 1.0e-2, image-adaptor: 1.0e-2}
"""
Weft = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, material: Path) -> Path:
    root = tmp_path_factory.mktemp("senses")
    (root / "raw").mkdir()
    for number in (0, 1, 2, 3, 6):  # the last, a short one, is held out
        for kind in ("flac", "txt"):
            shutil.copy(material / "raw" / f"{number:02d}.{kind}", root / "raw")
    text = RECIPE.replace("RAW", str(root / "raw")).replace("HUBERT", json.dumps(SMALL_HUBERT))
    (root / "recipe.yaml").write_text(text)
    run(root / "recipe.yaml", root / "corpus")
    return root


def test_only_the_adaptors_are_trained(built: Path, weft: Weft, tmp_path: Path) -> None:
    rows = pq.read_table(built / "corpus/shards/listen/index.parquet").to_pylist()
    assert max(row["tokens"] for row in rows) > 64  # some samples are cut, in the midst of their placeholders
    code, out, errors = weft("train", built / "recipe.yaml", "--corpus", built / "corpus", "--out", tmp_path / "run")
    assert code == 0, out + errors
    base, listen = (start_of(tmp_path / "run", name) for name in ("base", "listen"))
    one, other = (load_file(folder / "model.safetensors") for folder in (base, listen))
    assert all(torch.equal(one[name], other[name]) for name in one)
    for part in ("adaptor", "image_adaptor"):
        one, other = (load_file(folder / f"{part}.safetensors") for folder in (base, listen))
        assert all(not torch.equal(one[name], other[name]) for name in one)
    rows = record.read(tmp_path / "run")  # the evaluation sees the adaptors too
    assert list(rows) == ["start of base", "base", "listen"]
    assert {"text given speech", "text given images"} <= rows["base"].figures.keys() == rows["listen"].figures.keys()
    assert rows["base"].made_from != rows["listen"].made_from
    assert rows["base"].figures["text given speech"] != rows["listen"].figures["text given speech"]


def test_a_forward_without_latents_trains_no_adaptor(built: Path, weft: Weft, tmp_path: Path) -> None:
    """Here one block goes through the network at a time, and that of the last piece of a sample holds text without its audio."""
    forward = "training.listen.forward_tokens=64"
    code, out, errors = weft(
        "train", built / "recipe.yaml", forward, "--corpus", built / "corpus", "--out", tmp_path / "run"
    )
    assert code == 0, out + errors
    base, listen = (start_of(tmp_path / "run", name) for name in ("base", "listen"))
    for part, is_trained in (("adaptor", True), ("image_adaptor", True), ("model", False)):
        one, other = (load_file(folder / f"{part}.safetensors") for folder in (base, listen))
        assert {name: not torch.equal(one[name], other[name]) for name in one} == dict.fromkeys(one, is_trained), part


def test_an_encoder_without_a_network_is_refused(built: Path) -> None:
    class_token = ["image_encoder={use: grid, size: 32, patch: 8, class_token: true}"]
    pipeline = read_pipeline(str(built / "recipe.yaml"), class_token)
    with pytest.raises(RecipeError, match="`class_token: true` counts a token of CLIP's network, which is not here"):
        encoders_of(pipeline, Store(str(built / "corpus")), frozenset(["image"]))


def test_another_encoder_than_the_corpus_was_built_with_is_refused(built: Path, weft: Weft, tmp_path: Path) -> None:
    overrides = ["image_encoder.patch=16"]
    code, _, errors = weft(
        "train", built / "recipe.yaml", *overrides, "--corpus", built / "corpus", "--out", tmp_path / "run"
    )
    assert code == 2 and "`image_encoder.patch` was 8, is now 16" in " ".join(errors.split())
