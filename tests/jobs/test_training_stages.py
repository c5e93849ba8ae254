"""`weft train` runs all stages in order: a new model, a stage from it with groups of its own, preferences, and a merge."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoTokenizer

from tests.jobs.question_corpus import build_questions
from weft.trainer import checkpoint, losses
from weft.trainer.runs import start_of
from weft.trainer.train import train as train_stage

RECIPE = """
name: stages
sources: {own: {use: text, path: QUESTIONS}}
align: {use: none}
text: {use: bpe, size: 300, sources: [own]}
vocabulary:
  tokens: [{marker: text, literal: "[Text]"}, {marker: bot, literal: "<|BOT|>"}, {marker: eot, literal: "<|EOT|>"}]
templates: {chat: {open: bot, close: eot}}
tasks:
  text: {use: text, sources: [own]}
  answers: {use: turns, sources: [own], template: chat, turns: [{role: human, say: text}, {role: assistant, say: {field: chosen}}]}
  pairs: {use: pairs, sources: [own], template: chat, turns: [{role: human, say: text}, {role: assistant, say: {field: chosen}}]}
training:
  dpo:
    mixture: {unit: samples, total: 24, shares: {pairs: 1}}
    context: 128
    model: {start: sft}
    optimiser: {lr: 1.0e-3, batch_tokens: 256}
    objective: {use: dpo, beta: 0.2}
  base:
    mixture: {unit: samples, total: 24, shares: {text: 1}}
    context: 128
    model: {config: {model_type: llama, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 2}}
    optimiser: {lr: 1.0e-2, batch_tokens: 256}
    checkpoint_every: 1
  sft:
    mixture: {unit: samples, total: 24, shares: {answers: 1}}
    context: 128
    model: {start: base}
    optimiser: {lr: 1.0e-2, batch_tokens: 256}
    trainable: {embeddings: 1.0e-3, head: null}
merges:
  final: {sft: 5, dpo: 1}
"""
Weft = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_questions(tmp_path_factory.mktemp("stages"), RECIPE)


@pytest.fixture
def train(built: Path, weft: Weft, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    def train(*more: object) -> tuple[int, str, str]:
        return weft("train", built / "recipe.yaml", "--corpus", built / "corpus", "--out", tmp_path / "run", *more)

    return train


def weights(run: Path, name: str) -> dict[str, torch.Tensor]:
    return load_file(start_of(run, name) / "model.safetensors")


def test_all_stages_in_order(train: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, _ = train()
    assert code == 0
    ends = [
        line.split(":")[0]
        for line in out.splitlines()
        if "checkpoint" in line or ("in " in line and line.startswith("final"))
    ]
    assert ends == ["base", "sft", "dpo", "final"]
    run = tmp_path / "run"
    base, sft, dpo, final = (weights(run, name) for name in ("base", "sft", "dpo", "final"))
    changed = {name for name in base if not torch.equal(base[name], sft[name])}
    assert changed == {"model.embed_tokens.weight", "lm_head.weight"}  # the trainable groups, and no other to the bit
    assert any(not torch.equal(sft[name], dpo[name]) for name in sft)
    for name, tensor in final.items():
        torch.testing.assert_close(tensor, (5 * sft[name] + dpo[name]) / 6, rtol=1e-5, atol=1e-7)
    for name in ("base", "final"):
        tokenizer, config = (
            AutoTokenizer.from_pretrained(start_of(run, name)),
            AutoConfig.from_pretrained(start_of(run, name)),
        )
        assert tokenizer.convert_ids_to_tokens([config.bos_token_id, config.eos_token_id]) == ["<s>", "<|EOT|>"]
    rows = [row for row in losses.read(run / "dpo") if row.task == "all"]
    assert rows[0].loss == pytest.approx(0.693147, abs=1e-5) and rows[0].tokens > 1
    assert rows[-1].metrics["accuracy"] > 0.9 and rows[-1].loss < rows[0].loss


def test_it_goes_on_where_it_was_stopped(
    train: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train()
    whole = {name: weights(tmp_path / "run", name) for name in ("base", "sft", "dpo", "final")}
    (tmp_path / "run").rename(tmp_path / "whole")
    save, saved = checkpoint.save, []

    def killed(*arguments: object, **named: object) -> Path:
        saved.append(save(*arguments, **named))  # type: ignore[arg-type]
        if len(saved) == 3:
            raise KeyboardInterrupt
        return saved[-1]

    monkeypatch.setattr("weft.trainer.checkpoint.save", killed)
    assert train()[0] != 0
    assert train()[0] == 2  # it holds a run already
    assert train("--resume")[0] == 0
    for name, tensors in whole.items():
        again = weights(tmp_path / "run", name)
        assert all(torch.equal(tensor, again[key]) for key, tensor in tensors.items()), name
    assert train("--resume")[0] == 0  # nothing is left to do


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--stage", "sft"), "training.sft.model.start: stage 'base' was not trained to its end in"),
        (("--stage", "final"), "merges.final: stage 'sft' was not trained to its end in"),
        (("--resume",), "holds no run of base, sft, dpo, final to resume"),
        (("--stage", "sfd"), "no training stage 'sfd'; the recipe has base, sft, dpo, final"),
        (("--stage", "base"), ""),
        (("training.base.trainable={adaptor: 1}", "--stage", "base"), "training.base.trainable names 'adaptor', and this model has no "
         "such weights; it has embeddings, lm, head"),
        (("training.base.model.config.tie_word_embeddings=true", "training.base.trainable={embeddings: 1, head: 1}"),
         "this model ties the head to the embeddings: leave `head` out, or set `tie_word_embeddings: false`"),
        (("training.base.objective={use: dpo}", "--stage", "base"), "samples of task text are no preference pairs"),
        (("training.dpo.objective={use: next-token}",), "samples of task pairs are preference pairs"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained(
    train: Callable[..., tuple[int, str, str]], arguments: tuple[str, ...], sentence: str
) -> None:
    overrides = [one for one in arguments if "=" in one]
    code, _, wrong = train(*overrides, *(one for one in arguments if one not in overrides))
    assert (code, sentence in " ".join(wrong.split())) == (2 if sentence else 0, True), wrong


def test_a_base_that_was_replaced_is_another_run(train: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    """Its folder has the same name and other weights, as after another training."""
    train("--stage", "base")
    shutil.copytree(start_of(tmp_path / "run", "base"), tmp_path / "bought")
    (tmp_path / "run").rename(tmp_path / "first")
    from_base = (f"training.sft.model={{start: '', base: {tmp_path / 'bought'}}}", "--stage", "sft")
    assert train(*from_base)[0] == 0
    assert train(*from_base, "--resume")[0] == 0
    (tmp_path / "bought" / "README.md").write_text("bought")
    assert train(*from_base, "--resume")[0] == 0
    weights = load_file(tmp_path / "bought" / "model.safetensors")
    save_file({name: tensor + 1 for name, tensor in weights.items()}, tmp_path / "bought" / "model.safetensors")
    code, _, wrong = train(*from_base, "--resume")
    assert code != 0 and "belongs to a run of other data or settings: start was" in " ".join(wrong.split()), wrong


def test_a_base_that_cannot_be_one_is_refused_before_any_stage(
    train: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """The second stage's; the first would take hours."""
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/config.json").write_text('{"model_type": "lama"}')
    (tmp_path / "odd/pytorch_model.bin").write_bytes(b"never opened")
    for sentence in (
        f"training.sft.model: {tmp_path / 'odd'} holds no *.safetensors; only safetensors checkpoints are read",
        f"training.sft.model: {tmp_path / 'odd'}: transformers has no model_type 'lama'; similar: llama",
    ):
        code, _, wrong = train(f"training.sft.model={{start: '', base: {tmp_path / 'odd'}}}")
        assert code == 2 and sentence.replace(" ", "") in "".join(wrong.split()), wrong
        assert not (tmp_path / "run").exists()
        (tmp_path / "odd/model.safetensors").write_bytes(b"")


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        (
            "training.sft.model.start=bse",
            "training.sft.model.start: 'bse' is not declared; there are dpo, base, sft, final",
        ),
        ("training.base.model={start: dpo}", "training.dpo.model.start: dpo -> sft -> base -> dpo goes in a circle"),
        ("merges={one: {two: 1, sft: 1}, two: {one: 1, sft: 1}}", "merges.one: one -> two -> one goes in a circle"),
        ("training.sft.optimiser.lr=1e45", "training.sft.optimiser.lr: input should be less than or equal to 1000"),
        ("training.sft.trainable={lm: 1e45}", "training.sft.trainable.lm: input should be less than or equal to 1000"),
        ("merges.final={sft: 1, dpp: 2}", "merges.final: 'dpp' is not declared"),
        ("merges.new={sft: 1}", "merges.new: a merge has two parts or more, such as {sft: 5, dpo: 1}"),
        ("merges.final={sft: 0}", "merges.final.sft: input should be greater than 0"),
        ("training.sft.trainable={lmm: 1}", "training.sft.trainable"),
        ("training.dpo.objective.beta=-1", "training.dpo.objective"),
        ("training.dpo.objective={use: dop}", "training.dpo.objective"),
    ],
)
def test_what_validate_refuses(built: Path, weft: Weft, override: str, sentence: str) -> None:
    code, out, wrong = weft("validate", built / "recipe.yaml", override)
    assert code == 2 and sentence in " ".join((out + wrong).split())


def test_a_corpus_of_another_recipe_is_refused(train: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, _, errors = train("text.size=310")
    assert code == 2 and "`text.size` was 300, is now 310" in " ".join(errors.split())
    assert not (tmp_path / "run").exists()


def test_a_full_disk_is_told_with_the_stage_and_the_same_command_with_resume_goes_on(
    train: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(run: Path, rows: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(losses, "append", full)
        code, _, wrong = train("--stage", "base")
    assert code == 1 and wrong == f"failed: {tmp_path / 'run' / 'base'}: [Errno 28] No space left on device\n"
    assert train("--stage", "base", "--resume")[0] == 0


@pytest.mark.parametrize("stage", ["base", "sft"])
def test_the_advice_after_weights_that_are_not_finite_works(
    train: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Also in the first stage, and the stages before are kept."""
    faster = ("training.base.optimiser.batch_tokens=128", "training.sft.checkpoint_every=1", "merges=")
    update = torch.optim.AdamW.step

    def step(optimiser: torch.optim.AdamW) -> None:
        update(optimiser)
        if (tmp_path / "run" / stage / "checkpoints/step-000001").is_dir():
            with torch.no_grad():
                optimiser.param_groups[0]["params"][0][3, 3] = torch.inf

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", step)
        code, _, wrong = train(*faster)
    found = re.search(r"lower `lr` or lengthen `warmup`, then remove (\S+) and run again with --resume:", wrong)
    assert code == 1 and found and Path(found[1]) == tmp_path / "run" / stage / "checkpoints", wrong
    before = weights(tmp_path / "run", "base") if stage == "sft" else {}
    shutil.rmtree(found[1])
    code, out, wrong = train(*faster, f"training.{stage}.optimiser.lr=1e-3", "--resume")
    assert code == 0 and f"{stage} holds no checkpoint: this stage begins anew" in out, wrong
    assert all(torch.equal(tensor, weights(tmp_path / "run", "base")[name]) for name, tensor in before.items())


def test_the_advice_on_a_start_that_is_damaged_works(
    train: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    train("--stage", "base")
    before, checkpoints = weights(tmp_path / "run", "base"), tmp_path / "run/base/checkpoints"
    for folder in checkpoints.iterdir():
        (folder / "config.json").write_text("{}")
    code, _, wrong = train("--stage", "sft")
    advice = f"is damaged: config.json has changed; remove {checkpoints}, and `weft train --stage base --resume`"
    assert code == 1 and advice in wrong, wrong
    shutil.rmtree(checkpoints)
    assert train("--stage", "base", "--resume")[0] == train("--stage", "sft")[0] == 0
    assert all(torch.equal(tensor, weights(tmp_path / "run", "base")[name]) for name, tensor in before.items())


def test_a_second_training_in_the_same_folder_is_refused(
    train: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second: list[tuple[int, str, str]] = []

    def begun(*arguments: object, **more: object) -> object:
        monkeypatch.undo()
        second.append(train("--resume"))
        return train_stage(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("weft.jobs.training.train", begun)
    assert train("--stage", "base")[0] == 0
    ((code, _, wrong),) = second
    assert code == 1 and f"{tmp_path / 'run'}: another training holds this run (process" in wrong
    assert "wait for it, or end it" in wrong
    assert not list((tmp_path / "run").glob("*.lock*")) and not (tmp_path / "run/sft").exists()
