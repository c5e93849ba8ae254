"""From a user's own questions to audited shards of prompts, whose answers lie in KEY.json."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.jobs.planting import audit_faults
from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.pipelines.mixing.column_checks import SampleRules
from weft.pipelines.mixing.deep import check_tar
from weft.pipelines.storage.store import Store

RECIPE = """
name: sums
part_size: 4
sources:
  own: {use: text, path: QUESTIONS}
  made: {use: checkable, count: 6}
align: {use: none}
text: {use: bpe, size: 300, sources: [made]}
vocabulary:
  tokens: [{marker: bot, literal: "<|BOT|>"}, {marker: eot, literal: "<|EOT|>"}]
templates: {chat: {open: bot, close: eot}}
tasks:
  prompts: {use: prompts, sources: [own, made], template: chat, turns: [{role: human, say: text}], answer: answer}
  replies: {use: turns, sources: [made], template: chat, turns: [{role: human, say: text}, {role: assistant, say: {field: answer}}]}
training:
  sft:
    mixture: {unit: samples, total: 4, shares: {replies: 1}}
    context: 256
    model: &model {config: {model_type: llama, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 2}}
    optimiser: {lr: 1.0e-3, batch_tokens: 256, steps: 1}
  rl:
    mixture: {unit: samples, total: 8, shares: {prompts: 1}, after: [sft]}
    context: 256
    model: *model
    optimiser: {lr: 1.0e-3, batch_tokens: 256, steps: 1}
"""
QUESTIONS = (
    {"text": "What is 12 plus 30?", "answer": "42"},
    {"text": "What is half of 50?", "answer": "25"},
    {"text": "Which day follows Monday?"},
    {"text": "Which word is the last of these? " + "one two " * 99, "answer": "two"},
)
Weft = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("prompts")
    (root / "questions.jsonl").write_text("".join(json.dumps(one) + "\n" for one in QUESTIONS))
    (root / "recipe.yaml").write_text(RECIPE.replace("QUESTIONS", str(root / "questions.jsonl")))
    pipeline, store = read_pipeline(str(root / "recipe.yaml")), Store(str(root / "corpus"))
    build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None)
    return root / "corpus"


def tars(corpus: Path, stage: str) -> list[str]:
    return [str(tar.relative_to(corpus)) for tar in sorted((corpus / "shards" / stage).glob("*.tar"))]


def test_prompts_go_to_audited_shards_with_their_answers(built: Path, weft: Weft) -> None:
    assert not audit_faults(Store(str(built)), deep=True)
    rows = pq.read_table(built / "shards/rl/index.parquet").to_pylist()
    answers, keys = {}, {}
    for row in rows:
        data = (built / "shards/rl" / row["shard"]).read_bytes()
        sample = json.loads(data[row["json_offset"] :][: row["json_length"]])
        assert row["loss"] == [] and sample["answer"]
        answers[sample["text"]], keys[sample["text"]] = sample["answer"], row["key"]
    assert answers["What is 12 plus 30?"] == "42" and len(rows) == 8
    rejects = pq.read_table(built / "rejects/compose/prompts/pass-0/own").to_pylist()
    assert sorted(reject["reason"] for reject in rejects) == ["no_field", "too_long"]
    assert "answer: 42" in weft("inspect", built, keys["What is 12 plus 30?"])[1]


def test_the_deep_audit_knows_who_must_have_an_answer(built: Path) -> None:
    def faults(stage: str, *answered: str) -> str:
        rules = SampleRules(vocabulary=10_000, answered=frozenset(answered))
        return " ".join(str(fault) for tar in tars(built, stage) for fault in check_tar(str(built), tar, rules))

    assert not faults("rl", "prompts") and not faults("sft", "prompts")
    assert "it has no answer, and the task replies keeps one" in faults("sft", "replies")
    assert "it has an answer, and the task prompts keeps none" in faults("rl")


def test_a_verifying_build_finds_no_fault_in_prompts(built: Path) -> None:
    pipeline, store, found = read_pipeline(str(built.parent / "recipe.yaml")), Store(str(built)), []
    build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None, damage=found.append)
    assert found == []


def test_a_stage_of_prompts_is_not_for_weft_train(built: Path, weft: Weft) -> None:
    recipe = built.parent / "recipe.yaml"
    code, _, errors = weft("train", recipe, "--corpus", built, "--stage", "rl", "--out", built.parent / "run")
    assert code == 2 and "stage 'rl' holds prompts (prompts), none of whose tokens counts in the loss" in errors
    assert not (built.parent / "run").exists()


def test_a_source_that_never_gives_the_answer_is_refused_with_its_line(tmp_path: Path, weft: Weft) -> None:
    (tmp_path / "recipe.yaml").write_text(
        RECIPE.replace("QUESTIONS", str(tmp_path)).replace("answer: answer", "answer: key")
    )
    code, _, errors = weft("validate", tmp_path / "recipe.yaml")
    assert code == 2 and "'made' never gives the field 'key'" in errors and "line 13" in errors
