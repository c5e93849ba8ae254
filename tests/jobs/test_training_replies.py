"""`weft train` through a reward model, PPO and GRPO: in order, killed and resumed, and what is refused before any stage begins."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.jobs.question_corpus import build_questions
from weft.trainer import checkpoint, losses
from weft.trainer.runs import start_of

RECIPE = """
name: replies
sources: {own: {use: text, path: QUESTIONS}}
align: {use: none}
text: {use: bpe, size: 300, sources: [own]}
vocabulary:
  tokens: [{marker: bot, literal: "<|BOT|>"}, {marker: eot, literal: "<|EOT|>"}]
templates: {chat: {open: bot, close: eot}}
tasks:
  answers: {use: turns, sources: [own], template: chat, turns: [{role: human, say: text}, {role: assistant, say: {field: chosen}}]}
  pairs: {use: pairs, sources: [own], template: chat, turns: [{role: human, say: text}, {role: assistant, say: {field: chosen}}]}
  prompts: {use: prompts, sources: [own], template: chat, turns: [{role: human, say: text}], answer: chosen}
training:
  rl-3:
    mixture: {unit: samples, total: 12, shares: {prompts: 1}, after: [rl-2]}
    context: 128
    model: {start: rl-2}
    optimiser: {lr: 1.0e-3}
    objective: {use: grpo, prompts: 4, group: 2, rewards: [wer, {use: format, weight: 0.5}], sampling: &brief {new_tokens: 6}}
    checkpoint_every: 1
  rl-2:
    mixture: {unit: samples, total: 8, shares: {prompts: 1}, after: [rl-1]}
    context: 128
    model: {start: rl-1}
    optimiser: {lr: 1.0e-3}
    trainable: {lm: null, critic: 2.0e-3}
    objective: {use: ppo, prompts: 4, rewards: [{use: learned, stage: judge}], sampling: *brief}
    checkpoint_every: 1
  rl-1:
    mixture: {unit: samples, total: 4, shares: {prompts: 1}}
    context: 128
    model: {start: sft}
    optimiser: {lr: 1.0e-3}
    objective: {use: ppo, prompts: 4, rewards: [{use: length, of: text, most: 3}], sampling: *brief}
  judge:
    mixture: {unit: samples, total: 24, shares: {pairs: 1}}
    context: 128
    model: {start: sft}
    optimiser: {lr: 1.0e-3, batch_tokens: 256}
    objective: {use: reward}
  sft:
    mixture: {unit: samples, total: 24, shares: {answers: 1}}
    context: 128
    model: {config: {model_type: llama, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 2}}
    optimiser: {lr: 1.0e-2, batch_tokens: 256}
merges:
  final: {sft: 1, rl-3: 1}
"""
STAGES = ("sft", "rl-1", "judge", "rl-2", "rl-3", "final")
Weft = Callable[..., tuple[int, str, str]]
Train = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_questions(tmp_path_factory.mktemp("replies"), RECIPE)


@pytest.fixture
def train(built: Path, weft: Weft, tmp_path: Path) -> Train:
    def train(*more: object) -> tuple[int, str, str]:
        return weft("train", built / "recipe.yaml", *more, "--corpus", built / "corpus", "--out", tmp_path / "run")

    return train


def weights(run: Path, name: str) -> dict[str, torch.Tensor]:
    return load_file(start_of(run, name) / "model.safetensors")


def test_all_stages_killed_and_resumed_are_those_of_one_run(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, errors = train()
    assert code == 0, errors
    ends = [line.split(":")[0] for line in out.splitlines() if "; checkpoint " in line]
    assert ends == list(STAGES[:-1])
    run = tmp_path / "run"
    whole = {name: weights(run, name) for name in STAGES}
    rows = {name: [row for row in losses.read(run / name) if row.task == "all"] for name in STAGES[:-1]}
    assert rows["judge"][-1].metrics["accuracy"] > 0.9
    assert {"reward", "reward/length", "kl", "clipped", "critic", "length", "ended"} == rows["rl-1"][0].metrics.keys()
    assert [len(rows[name]) for name in ("rl-1", "rl-2", "rl-3")] == [1, 2, 3]
    assert {"reward/wer", "reward/format"} < rows["rl-3"][0].metrics.keys()
    assert "  reward 0." in out  # in the lines of progress
    embedding = "model.embed_tokens.weight"
    assert torch.equal(whole["rl-1"][embedding], whole["rl-2"][embedding])  # a group that rl-2 does not train
    assert any(not torch.equal(whole["rl-1"][name], whole["rl-2"][name]) for name in whole["rl-1"])
    run.rename(tmp_path / "whole")
    save, saved = checkpoint.save, []

    def killed(*arguments: object, **named: object) -> Path:
        saved.append(save(*arguments, **named))  # type: ignore[arg-type]
        if len(saved) in (4, 6):  # within rl-2, and within rl-3
            raise KeyboardInterrupt
        return saved[-1]

    monkeypatch.setattr("weft.trainer.checkpoint.save", killed)
    assert train()[0] != 0
    assert train("--resume")[0] != 0
    assert train("--resume")[0] == 0
    for name, tensors in whole.items():
        again = weights(tmp_path / "run", name)
        assert all(torch.equal(tensor, again[key]) for key, tensor in tensors.items()), name
    for name in rows:
        assert (run / name / losses.NAME).read_bytes() == (tmp_path / "whole" / name / losses.NAME).read_bytes()


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["training.rl-1.objective={use: next-token}", "training.rl-1.optimiser.batch_tokens=256"],
         "stage 'rl-1' holds prompts (prompts), none of whose tokens counts in the loss, and `objective: next-token` learns nothing"),
        (["training.rl-1.mixture.shares={answers: 1}"],
         "stage 'rl-1': `objective: ppo` learns from prompts, and the task 'answers' writes none"),
        (["training.rl-3.objective.sampling.new_tokens=120"], "stage 'rl-3': a prompt of task prompts has"),
        (["templates.chat.close=bot"],
         "stage 'rl-1': turns of task 'prompts' end with the marker 'bot', at which no reply ends: name it `eot`, `end` or `eos`"),
        (["training.rl-3.context=4096"],
         "training.rl-3.model: the context is 4096 tokens, but the model attends over 2048 at most"),  # the model is that of sft
        (["--stage", "rl-2"], "training.rl-2.model.start: stage 'rl-1' was not trained to its end in"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_is_refused_before_any_stage(
    train: Train, tmp_path: Path, overrides: list[str], sentence: str
) -> None:
    code, _, errors = train(*overrides)
    assert code == 2 and sentence in " ".join(errors.split())
    assert not (tmp_path / "run").exists()


def test_a_reward_model_is_trained_before_its_use(train: Train, tmp_path: Path) -> None:
    overrides = ["training.rl-2.model={start: sft}", "training.rl-2.mixture.after=[]"]
    assert train(*overrides, "--stage", "sft")[0] == 0
    code, _, errors = train(*overrides, "--stage", "rl-2")
    where = "training.rl-2.objective.rewards: stage 'judge' was not trained to its end in"
    assert code == 2 and where in " ".join(errors.split())
    assert not (tmp_path / "run" / "rl-2").exists()
