"""From a user's dialogues to audited shards of tasks over whole recordings and of preference pairs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from weft.pipelines.parts.tables import read_part
from weft.pipelines.storage.store import Store
from weft.schemas.item import key_for
from weft.schemas.ledger import Reject
from weft.trainer.loader import DrawReader
from weft.trainer.packing import lay_out, pack

RECIPE = """
name: talks
seed: 3
part_size: 4
sources:
  chats: {use: script, path: chats.jsonl, language: en}
  quiz: {use: text, path: quiz.jsonl}
synthesize: {use: espeak, language: en}
tokenizers:
  cepstra: {use: cepstra, size: 16, literal: "[C{}]"}
text: {use: bpe, size: 400}
templates:
  chat: {open: bot, close: eot}
vocabulary:
  tokens:
    - {marker: bot, literal: "<|BOT|>"}
    - {marker: eot, literal: "<|EOT|>"}
    - {marker: speech, literal: "[Speech]", modality: speech}
    - {marker: end, literal: "[End]", modality: speech}
    - {codes: cepstra}
tasks:
  interleaved:
    use: utterances
    sources: [chats]
    speech: {say: {of: [text, cepstra], sizes: [1, 4]}, open: speech, close: end}
  continuation: {use: continuation, sources: [chats], say: text, prompt: {say: cepstra, open: speech, close: end}}
  dpo:
    use: pairs
    sources: [chats]
    template: chat
    turns: [{role: human, say: cepstra}, {role: assistant, say: [text, cepstra], open: speech, close: end}]
  choices: {use: pairs, sources: [quiz], template: chat, turns: [{role: human, say: text}, {role: assistant, say: {field: chosen}}]}
training:
  dpo:
    mixture: {unit: samples, total: 40, shares: {interleaved: 1, continuation: 1, dpo: 1, choices: 1}, exhausted: repeat, passes: 20}
    context: CONTEXT
    model: {config: {model_type: llama, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 2}}
    optimiser: {lr: 1.0e-3, batch_tokens: 8192, steps: 2}
"""
Weft = Callable[..., tuple[int, str, str]]
Turns = list[dict[str, Any]]


def chat(*texts: str, **last: Any) -> Turns:
    turns: Turns = [{"role": ("human", "assistant")[n % 2], "text": text} for n, text in enumerate(texts)]
    turns[-1] |= last
    return turns


def pair(asked: str, chosen: str, rejected: str) -> Turns:
    answers = [
        {"role": "assistant", "text": text, "answer": mark}
        for text, mark in ((chosen, "chosen"), (rejected, "rejected"))
    ]
    return [*chat(asked), *answers]


CHATS = {
    "one": pair("What is two and two?", "It is four.", "I do not know."),
    "two": pair("Where is Rome?", "In Italy.", "In France."),
    "same": pair("Where is Rome?", "In Italy.", "In Italy."),
    "long": pair("Who is there?", "one two three four five six seven eight nine ten " * 6, "Nobody."),
    "plain": chat("Hello.", "Hello to you.", "How are you?", "Very well."),
    "short": chat("Hello."),
    "unspeakable": chat("Hello.", "Hello.", style="rap"),
}

QUIZ = (
    {"text": "How much is two and two?", "chosen": "Four.", "rejected": "Five."},
    {"text": "How much is two and three?", "chosen": "Five.", "rejected": "Five."},
    {"text": "How much is two and one?"},
)
KEYS = {key_for("chats", name): name for name in CHATS}


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    lines = [json.dumps({"id": name, "turns": turns}) for name, turns in CHATS.items()]
    (tmp_path / "chats.jsonl").write_text("\n".join(lines))
    (tmp_path / "quiz.jsonl").write_text("\n".join(map(json.dumps, QUIZ)))
    (tmp_path / "talks.yaml").write_text(RECIPE.replace("CONTEXT", "256"))
    return tmp_path


def test_recordings_and_pairs_go_to_audited_shards(talks: Path, weft: Weft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(talks)
    code, out, errors = weft("build", "talks.yaml", "--out", "corpus", "--engine", "local")
    assert code == 0, out + errors
    code, out, errors = weft("audit", "corpus", "--deep")
    assert code == 0, out + errors
    rows = pq.read_table("corpus/shards/dpo/index.parquet").to_pylist()
    assert {row["task"] for row in rows} == {"interleaved", "continuation", "dpo", "choices"}
    assert {KEYS[row["recording"]] for row in rows if row["task"] == "dpo"} == {"one", "two"}
    assert all(len(row["bounds"]) == (row["task"] in ("dpo", "choices")) for row in rows)
    assert len({row["parent"] for row in rows if row["task"] == "choices"}) == 1
    store = Store("corpus")
    rejects = [r for name in store.names("rejects", ".parquet") for r in read_part(store, name, Reject)]
    assert {r.reason for r in rejects if r.source == "quiz"} == {"equal_answers", "no_field"}
    reasons = {(r.stage, KEYS.get(r.key, r.path), r.reason) for r in rejects if r.source == "chats"}
    assert reasons == {
        ("ingest", "same", "equal_answers"), ("synthesize", "unspeakable", "unspeakable"),
        ("compose", "long", "too_long"), ("compose", "plain", "no_answers"), ("compose", "short", "no_answers"),
        ("compose", "short", "too_few_utterances"),
    }  # fmt: skip
    for block in pack(DrawReader(talks / "corpus/shards/dpo").read(), 256):
        packed = lay_out(block, 256)
        assert packed.tasks.count("dpo") % 2 == packed.tasks.count("choices") % 2 == 0
