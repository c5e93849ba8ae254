"""From dialogues to audited shards with a merged stream and a chat template: the thread of Step-Audio-AQAA in small."""

import json
from collections.abc import Callable
from functools import reduce
from operator import getitem
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from tokenizers import Tokenizer

from weft.jobs.commands import read_pipeline
from weft.schemas.settings import Settings

RECIPE = """
name: chats
seed: 3
part_size: 4
sources:
  chats: {use: grammar, count: 8, seed: 5}
tokenizers:
  linguistic: {use: cepstra, size: 16, rate: 16.666666666666668, dedup: false, literal: "<audio_{}>"}
  semantic: {use: cepstra, size: 32, rate: 25, dedup: false, literal: "<audio_{16}>"}
streams:
  dual: {merge: groups, of: [linguistic, semantic], sizes: [2, 3]}
text: {use: bpe, size: 400}
templates:
  step-audio: {open: bot, close: eot, roles: {tool: function_output}}
vocabulary:
  tokens:
    - {marker: bot, literal: "<|BOT|>"}
    - {marker: eot, literal: "<|EOT|>"}
    - {marker: audio-start, literal: "<audio_start>", modality: speech}
    - {marker: audio-end, literal: "<audio_end>", modality: speech}
    - {codes: linguistic}
    - {codes: semantic}
tasks:
  chat:
    use: dialogue
    sources: [chats]
    template: step-audio
    turns:
      - {role: human, say: dual, open: audio-start, close: audio-end}
      - {role: assistant, say: {of: [text, dual], sizes: [10, 15]}, open: audio-start, close: audio-end, count_open: true}
  asr:
    use: turns
    sources: [chats]
    template: step-audio
    turns: [{role: human, say: dual, open: audio-start, close: audio-end}, {role: assistant, say: text}]
  speech: {use: speech, sources: [chats], stream: dual, open: audio-start, close: audio-end}
training:
  sft:
    mixture: {unit: tokens, total: 9000, shares: {chat: 2, asr: 1, speech: 1}, exhausted: repeat, passes: 20}
    context: 4096
    model:
      config:
        {model_type: llama, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 2,
         max_position_embeddings: 4096}
    optimiser: {lr: 1.0e-3, batch_tokens: 8192, steps: 2}
"""
LOCAL = ("--engine", "local")
Weft = Callable[..., tuple[int, str, str]]


@pytest.fixture
def chats(weft: Weft, tmp_path: Path) -> Path:
    (tmp_path / "chats.yaml").write_text(RECIPE)
    code, out, errors = weft("build", tmp_path / "chats.yaml", "--out", tmp_path / "corpus", *LOCAL)
    assert code == 0, out + errors
    return tmp_path


def test_dialogues_and_merged_streams_go_to_audited_shards(chats: Path, weft: Weft) -> None:
    code, out, errors = weft("audit", chats / "corpus")
    assert code == 0, out + errors
    rows = pq.read_table(chats / "corpus" / "shards" / "sft" / "index.parquet").to_pylist()
    assert {row["task"] for row in rows} == {"chat", "asr", "speech"}
    tokenizer = Tokenizer.from_file(str(chats / "corpus" / "vocabulary" / "tokenizer.json"))
    row = next(row for row in rows if row["task"] == "chat")
    sample, ids = _members(chats / "corpus" / "shards" / "sft" / row["shard"], row)
    spelt = tokenizer.decode(ids.tolist(), skip_special_tokens=False)
    assert (
        spelt.count("<|BOT|>") == spelt.count("<|EOT|>") == spelt.count("<audio_start>") == spelt.count("<audio_end>")
    )
    assert "<|BOT|> human\n" in spelt.replace("<|BOT|>", "<|BOT|> ").replace("  ", " ")
    assert sample["provenance"]["recording"] == row["parent"] and len(sample["provenance"]["tokenizers"]) == 2
    assert row["speech_tokens"] + row["text_tokens"] == row["tokens"] == len(ids)


def test_nothing_is_done_twice(chats: Path, weft: Weft) -> None:
    code, out, errors = weft("build", chats / "chats.yaml", "--out", chats / "corpus", *LOCAL)
    assert code == 0 and "0 parts built" in out + errors


def test_the_recipe_of_a_corpus_has_every_setting_of_every_backend(chats: Path, weft: Weft) -> None:
    saved = yaml.safe_load((chats / "corpus" / "recipe.yaml").read_text())
    pipeline = read_pipeline(str(chats / "chats.yaml"))
    backends: dict[tuple[str, ...], Settings] = {(one,): backend for one, backend in pipeline.single_backends.items()}
    for section in ("sources", "tasks", "tokenizers"):
        backends |= {(section, name): backend for name, backend in getattr(pipeline, section).items()}
    for keys, backend in backends.items():
        assert set(type(backend).model_fields) <= set(reduce(getitem, keys, saved)), keys
    code, out, errors = weft("build", chats / "corpus" / "recipe.yaml", "--out", chats / "corpus", *LOCAL)
    assert code == 0 and "0 parts built" in out + errors


def _members(tar: Path, row: dict[str, int]) -> tuple[dict[str, dict[str, str]], np.ndarray]:
    data = tar.read_bytes()
    sample = json.loads(data[row["json_offset"] :][: row["json_length"]])
    npy = data[row["npy_offset"] :][: row["npy_length"]]
    return sample, np.frombuffer(npy[128:], np.int32)
