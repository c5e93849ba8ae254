"""What a stage cannot be trained with is told before the first stage begins, with the key of the recipe: hours may lie between."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.jobs.question_corpus import build_questions
from weft.jobs.commands import read_pipeline
from weft.jobs.network_check import WeightLines
from weft.jobs.reply_check import vocabulary_files
from weft.jobs.start_check import check_starts
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError
from weft.schemas.training import ModelSettings
from weft.schemas.vocabulary import Vocabulary
from weft.trainer import sums
from weft.trainer.model import build as build_model
from weft.trainer.models.adaptor import Adaptor
from weft.trainer.runs import start_of

RECIPE = """
name: told
sources: {own: {use: text, path: QUESTIONS, hold_out: {items: 0.2}}}
align: {use: none}
text: {use: bpe, size: 300, sources: [own]}
vocabulary:
  tokens: [{marker: text, literal: "[Text]"}, {marker: bot, literal: "<|BOT|>"}, {marker: eot, literal: "<|EOT|>"}]
templates: {chat: {open: bot, close: eot}}
tasks:
  text: {use: text, sources: [own]}
  answers: {use: turns, sources: [own], template: chat, turns: [{role: human, say: text}, {role: assistant, say: {field: chosen}}]}
  pairs: {use: pairs, sources: [own], template: chat, turns: [{role: human, say: text}, {role: assistant, say: {field: chosen}}]}
  prompts: {use: prompts, sources: [own], template: chat, turns: [{role: human, say: text}], answer: chosen}
training:
  base: &stage
    mixture: {unit: samples, total: 8, shares: {text: 1}}
    context: 128
    model: {config: &llama {model_type: llama, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 2}}
    optimiser: {lr: 1.0e-3, batch_tokens: 256}
  sft:
    <<: *stage
    mixture: {unit: samples, total: 8, shares: {answers: 1}}
    model: {start: base}
  dpo:
    <<: *stage
    mixture: {unit: samples, total: 8, shares: {pairs: 1}}
    model: {start: sft}
    objective: {use: dpo}
  judge:
    <<: *stage
    mixture: {unit: samples, total: 8, shares: {pairs: 1}}
    model: {config: *llama}
    objective: {use: reward}
  rl:
    mixture: {unit: samples, total: 4, shares: {prompts: 1}}
    context: 128
    model: {start: sft}
    optimiser: {lr: 1.0e-3}
    objective: {use: grpo, prompts: 4, group: 2, rewards: [wer, {use: learned, stage: judge}], sampling: {new_tokens: 6}}
  other:
    <<: *stage
    model: {config: *llama}
merges:
  final: {sft: 5, dpo: 1}
"""
SMALL: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
}  # fmt: skip
Weft = Callable[..., tuple[int, str, str]]
Told = Callable[..., str]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_questions(tmp_path_factory.mktemp("told"), RECIPE)


@pytest.fixture
def train(built: Path, weft: Weft, tmp_path: Path) -> Weft:
    def train(*more: object) -> tuple[int, str, str]:
        return weft("train", built / "recipe.yaml", *more, "--corpus", built / "corpus", "--out", tmp_path / "run")

    return train


@pytest.fixture
def told(train: Weft, tmp_path: Path) -> Told:
    """What is said of a training that is refused before it begins."""

    def told(*overrides: str) -> str:
        code, _, errors = train(*overrides)
        assert code == 2 and not (tmp_path / "run").exists(), errors
        return " ".join(errors.split())

    return told


@pytest.fixture
def bought(tmp_path: Path) -> Callable[..., Path]:
    """A checkpoint from elsewhere, by its config."""

    def bought(size: int = 320, **config: object) -> Path:
        lm = build_model(ModelSettings(config={**SMALL, **config}), size=size, seed=0)
        lm.save_pretrained(tmp_path / "bought")
        return tmp_path / "bought"

    return bought


def from_base(stage: str, folder: Path) -> str:
    return f"training.{stage}.model={{start: '', base: {folder}}}"


def test_as_it_is_it_can_be_trained(train: Weft) -> None:
    assert train()[0] == 0
    assert train("--resume")[0] == 0


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["training.other.model.config.hidden_size=64", "merges.final={sft: 1, other: 1}"],
         "merges.final: dpo and other are of unlike shapes: hidden_size is 32 (training.base.model) and 64 (training.other.model)"),
        (["training.sft.model.rope_theta=5.0e+5", "merges.final={base: 1, dpo: 1}"],
         "dpo and base are of unlike shapes: rope_theta is 500000.0 (training.sft.model) and 10000.0 (training.base.model)"),
        (["training.sft.trainable={lm: null, adaptor: 1.0e-3}"],
         "training.sft.trainable names 'adaptor', and this model has no such weights; it has embeddings, lm, head"),
        (["training.base.model.config.tie_word_embeddings=true", "training.rl.trainable={embeddings: null, head: null}"],
         "training.rl.trainable gives the head a rate of its own, but this model ties the head to the embeddings"),
        (["training.sft.context=4096", "training.sft.optimiser.batch_tokens=4096"],
         "training.sft.model: the context is 4096 tokens, but the model attends over 2048 at most"),
        (["training.judge.model.config.max_position_embeddings=128", "training.rl.context=256"],
         "training.rl.objective.rewards: the reward model of judge: the context is 256 tokens, but the model attends over 128 at most"),
        (["training.dpo.model={start: '', config: {model_type: gpt2, n_embd: 32, n_layer: 1, n_head: 2}}",
          "training.rl.model.start=dpo", "training.rl.model.rope_theta=1.0e+5"],
         "training.rl.model: `rope_theta` is set, but gpt2 has no rotary embedding"),
        (["training.rl.model={start: '', config: {model_type: bart, d_model: 32, decoder_layers: 1, decoder_attention_heads: 2}}"],
         "training.rl.model: a bart cannot be trained on packed samples"),
        (["training.sft.objective={use: dpo}"], "samples of task answers are no preference pairs"),
        (["training.dpo.objective={use: next-token}"], "samples of task pairs are preference pairs"),
        (["training.dpo.context=16", "training.dpo.optimiser.batch_tokens=16"],
         "preference pairs of task pairs are longer than the context of 16 tokens"),
    ],
)  # fmt: skip
def test_what_a_later_stage_cannot_be_trained_with(told: Told, overrides: list[str], sentence: str) -> None:
    assert sentence in told(*overrides)


def test_a_gpu_that_is_not_there(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    sentence = told("training.rl.device=cuda")
    assert "training.rl: `device: cuda`, but torch finds no GPU on this machine" in sentence


def test_a_gpu_that_does_not_compute_in_bfloat16(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation=True: including_emulation)
    sentence = told("training.rl.model.dtype=bfloat16")
    assert "training.rl: `dtype: bfloat16`, which this machine's GPU does not compute in" in sentence


def test_a_base_of_another_shape_than_the_merge(told: Told, bought: Callable[..., Path]) -> None:
    """Its shape is known from its config alone."""
    folder = bought(hidden_size=64)
    sentence = told(from_base("dpo", folder))
    assert "hidden_size is 32 (training.base.model) and 64 (training.dpo.model)" in sentence


def test_a_base_with_fewer_positions_than_a_later_context(told: Told, bought: Callable[..., Path]) -> None:
    override = from_base("sft", bought(max_position_embeddings=128))
    sentence = told(override, "training.dpo.context=256")
    assert "training.dpo.model: the context is 256 tokens, but the model attends over 128 at most" in sentence


def test_a_base_that_is_not_finite(told: Told, bought: Callable[..., Path]) -> None:
    file = bought() / "model.safetensors"
    weights = load_file(file)
    weights["model.norm.weight"][3:5] = torch.nan
    weights["model.layers.0.mlp.up_proj.weight"][0, 0] = torch.inf
    save_file(weights, file, {"format": "pt"})
    sentence = told(from_base("dpo", file.parent))
    wanted = (
        f"training.dpo.model: {file.parent}: 3 of its weights are not finite, in 2 tensors: model.layers.0.mlp.up_proj.weight, "
        "model.norm.weight"
    )
    assert wanted in sentence


def test_a_base_that_is_not_whole(told: Told, bought: Callable[..., Path]) -> None:
    file = bought() / "model.safetensors"
    weights = load_file(file)
    del weights["model.norm.weight"]
    save_file(weights, file, {"format": "pt"})
    assert "training.dpo.model: " in (sentence := told(from_base("dpo", file.parent)))
    assert "lacks 1 of the weights of a LlamaForCausalLM" in sentence


def test_a_base_of_another_vocabulary_or_text(
    told: Told, bought: Callable[..., Path], built: Path, tmp_path: Path
) -> None:
    folder = bought()
    for name in ("vocabulary.json", "tokenizer.json"):
        shutil.copy(built / "corpus/vocabulary" / name, folder)
    other = json.loads((folder / "vocabulary.json").read_text())
    (folder / "vocabulary.json").write_text(json.dumps({**other, "markers": other["markers"][:-1]}))
    assert "was trained with another vocabulary" in told(from_base("dpo", folder))
    (folder / "vocabulary.json").unlink()
    text = json.loads((folder / "tokenizer.json").read_text())
    first, second, *_ = text["model"]["vocab"]
    text["model"]["vocab"] |= {first: text["model"]["vocab"][second], second: text["model"]["vocab"][first]}
    (folder / "tokenizer.json").write_text(json.dumps(text))
    assert "has another text tokenizer than the corpus" in told(from_base("dpo", folder))


def test_a_reward_model_as_a_base(told: Told, train: Weft, tmp_path: Path) -> None:
    assert train("--stage", "judge")[0] == 0
    shutil.copytree(start_of(tmp_path / "run", "judge"), tmp_path / "bought")
    shutil.rmtree(tmp_path / "run")
    assert "is a reward model, which gives scores and no text" in told(from_base("dpo", tmp_path / "bought"))


def test_what_may_not_change_on_resume(train: Weft, tmp_path: Path) -> None:
    """Each is told with its key. Steps, with a constant schedule, may change."""
    assert train()[0] == 0
    ended = sorted(tmp_path.glob("run/*/checkpoints/*"))
    for override, sentence in (
        ("training.sft.optimiser.lr=2.0e-3", "training.sft.optimiser.lr was 0.001, is now 0.002"),
        ("training.dpo.optimiser.batch_tokens=128", "training.dpo.optimiser.batch_tokens was 256, is now 128"),
        ("seed=7", "seed was 1, is now 7"),
        (
            "merges.final.dpo=2",
            "final was made of 5 sft, 1 dpo, and the recipe has 5 sft, 2 dpo; remove it to merge again",
        ),
        ("training.base.optimiser.steps=1", ""),
        ("training.base.context=64", "training.base.context was 128, is now 64"),
    ):
        code, _, errors = train(override, "--resume")
        assert (code, sentence in " ".join(errors.split())) == (2 if sentence else 0, True), errors
        assert sorted(tmp_path.glob("run/*/checkpoints/*")) == ended


def test_a_merge_of_other_parts_or_a_damaged_one_is_told_before_any_stage_goes_on(train: Weft, tmp_path: Path) -> None:
    """With stages left to train; both were told when the merge's turn came."""
    assert train()[0] == 0
    run = tmp_path / "run"
    (run / "rl/ended.json").unlink()
    (run / "final/config.json").write_text("{}")
    code, _, errors = train("--resume")
    sentence = (
        f"{run}/final is damaged: config.json has changed; remove it, and `weft train --stage final` merges again"
    )
    assert (code, sentence in " ".join(errors.split())) == (1, True), errors
    assert not (run / "rl/ended.json").exists()
    record = json.loads((run / "final/merge.json").read_text())
    record["parts"][1]["name"] = "rl"
    (run / "final/merge.json").write_text(json.dumps(record))
    sums.write(run / "final")
    code, _, errors = train("--resume")
    sentence = "final was made of 5 sft, 1 rl, and the recipe has 5 sft, 1 dpo; remove it to merge again"
    assert (code, sentence in " ".join(errors.split())) == (2, True), errors


def test_a_stage_from_which_another_began_is_not_trained_further(train: Weft, tmp_path: Path) -> None:
    """The other's start would have changed, which was told when `base` had been trained to its new end."""
    fewer = "training.base.optimiser.steps=1"
    assert train("training.base.context=32", "training.base.optimiser.batch_tokens=32", fewer)[0] == 0
    ended = sorted(tmp_path.glob("run/*/checkpoints/*"))
    more = ("training.base.context=32", "training.base.optimiser.batch_tokens=32", "training.base.optimiser.steps=2")
    code, _, errors = train(*more, "--resume")
    sentence = "training.base has steps left to train, and sft, dpo, rl, final began from the weights that it had before: remove"
    assert (code, sentence in " ".join(errors.split())) == (2, True), errors
    assert sorted(tmp_path.glob("run/*/checkpoints/*")) == ended


def test_a_stage_is_not_asked_for_fewer_steps_than_it_has_done(train: Weft, tmp_path: Path) -> None:
    smaller = ("training.base.context=32", "training.base.optimiser.batch_tokens=32")
    assert train(*smaller, "training.base.optimiser.steps=2", "--stage", "base")[0] == 0
    code, _, errors = train(*smaller, "training.base.optimiser.steps=1", "--resume")
    sentence = f"training.base.optimiser.steps asks for 1 step, and {tmp_path}/run/base has done 2 already: raise it"
    assert (code, sentence in " ".join(errors.split())) == (2, True), errors


def test_a_corpus_is_opened_once(train: Weft, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def store(url: str) -> Store:
        opened.append(url)
        return Store(url)

    monkeypatch.setattr("weft.jobs.commands.Store", store)
    assert train("--stage", "base")[0] == 0
    assert len(opened) == 1


def test_a_base_with_the_adaptor_of_another_encoder(bought: Callable[..., Path], built: Path, tmp_path: Path) -> None:
    class Frames:
        width, stride = 4, 2

        def encode(self, member: np.ndarray) -> np.ndarray:
            raise AssertionError

    folder, store = bought(), Store(str(built / "corpus"))
    save_file(Adaptor(width=8, embedding=32).state_dict(), folder / "adaptor.safetensors")
    recipe = read_pipeline(str(built / "recipe.yaml"), [from_base("dpo", folder)]).recipe
    lines = WeightLines(recipe=recipe, out=tmp_path / "run", names=("base", "sft", "dpo"))
    files = vocabulary_files(store)
    vocabulary = Vocabulary.from_json(files["vocabulary.json"].decode())
    check_starts(lines, vocabulary, files, {})
    with pytest.raises(RecipeError, match=r"training\.dpo\.model: .*safetensors: no adaptor of this encoder and model"):
        check_starts(lines, vocabulary, files, {"audio": Frames()})
