"""The loop learns, stops when told or when the stream ends, and resumes to the last bit."""

import itertools
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from weft.schemas.faults import RecipeError
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer import losses
from weft.trainer.loader import DrawReader
from weft.trainer.models.network import Network
from weft.trainer.objectives.next_token import next_token
from weft.trainer.runs import ended, start_of
from weft.trainer.train import Result, StepReport, train
from weft.trainer.validation import Validation


@pytest.fixture
def shards(make_shards: Callable[..., Path], samples: list) -> Path:
    return make_shards(samples)


@pytest.fixture
def go(shards: Path, vocabulary: Vocabulary) -> Callable[..., Result]:
    def go(
        out: Path, stage: TrainingStage, resume: bool = False, report: Callable[[StepReport], None] = lambda _: None,
        warn: Callable[[str], None] = print, validation: Path | None = None,
    ) -> Result:  # fmt: skip
        return train(shards, out, stage, vocabulary, "recipe: toy\n", 0, resume, report, validation, warn=warn)

    return go


def interrupt_at(step: int) -> Callable[[StepReport], None]:
    def report(done: StepReport) -> None:
        if done.step == step:
            raise KeyboardInterrupt

    return report


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_resumed_run_equals_an_uninterrupted_one(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path, dtype: str
) -> None:
    stage = make_stage(dtype, steps=8, schedule="cosine", warmup=2)
    whole = go(tmp_path / "whole", stage)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "cut", stage, report=interrupt_at(5))
    assert [p.name for p in (tmp_path / "cut" / "checkpoints").iterdir()] == ["step-000004"]
    reported: list[int] = []
    resumed = go(tmp_path / "cut", stage, resume=True, report=lambda done: reported.append(done.step))
    assert reported == [5, 6, 7, 8]
    assert (tmp_path / "cut" / losses.NAME).read_bytes() == (tmp_path / "whole" / losses.NAME).read_bytes()
    for name in ("model.safetensors", "optimiser.safetensors"):
        one, other = load_file(whole.checkpoint / name), load_file(resumed.checkpoint / name)
        assert one.keys() == other.keys()
        assert all(one[key].tobytes() == other[key].tobytes() for key in one)
    assert (whole.checkpoint / "state.json").read_text() == (resumed.checkpoint / "state.json").read_text()


def test_the_loss_of_each_task_falls(
    make_shards: Callable[..., Path], samples: list, go: Callable[..., Result],
    make_stage: Callable[..., TrainingStage], tmp_path: Path,
) -> None:  # fmt: skip
    make_shards(samples * 6)
    go(tmp_path / "run", make_stage(checkpoint_every=1000))
    rows = list(losses.read(tmp_path / "run"))
    for task in ("all", "up", "down"):
        curve = [row.loss for row in rows if row.task == task and row.tokens]
        assert sum(curve[-5:]) / 5 < 0.6 * curve[0], task
    assert (tmp_path / "run" / "losses.png").exists()


def test_no_steps_means_one_pass(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], samples: list, tmp_path: Path
) -> None:
    reports: list[StepReport] = []
    result = go(tmp_path / "run", make_stage(), report=reports.append)
    assert not result.exhausted
    assert result.step == len(reports) == reports[0].steps
    assert result.checkpoint.is_dir()
    state = json.loads((result.checkpoint / "state.json").read_text())
    assert state["stream"] == {"draw": len(samples), "offset": 0, "step": result.step}
    for row, *tasks in (r.rows for r in reports):
        assert row.tokens == sum(t.tokens for t in tasks)
        assert row.loss * row.tokens == pytest.approx(sum(t.loss * t.tokens for t in tasks))


def test_a_stream_that_ends_early_is_reported_and_not_repeated(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    one_pass = go(tmp_path / "pass", make_stage())
    assert one_pass.at_end and not one_pass.exhausted
    result = go(tmp_path / "run", make_stage(steps=500))
    assert result.exhausted
    assert (result.declared, result.draws) == (500, 100)
    assert result.step == one_pass.step < 500
    assert result.checkpoint.is_dir()


def test_a_finished_run_resumes_to_nothing(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    stage = make_stage(steps=2)
    first = go(tmp_path / "run", stage)
    before = (tmp_path / "run" / losses.NAME).read_bytes()
    assert go(tmp_path / "run", stage, resume=True) == first
    assert (tmp_path / "run" / losses.NAME).read_bytes() == before


def test_a_run_is_not_overwritten_or_continued_as_another(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    go(tmp_path / "run", make_stage(steps=1))
    with pytest.raises(ValueError, match="holds a run already"):
        go(tmp_path / "run", make_stage(steps=1))
    with pytest.raises(ValueError, match=r"settings\.optimiser\.lr was 0\.01, is now 0\.02"):
        go(tmp_path / "run", make_stage(steps=1, lr=0.02), resume=True)


def test_a_run_cut_before_its_first_checkpoint_starts_again(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    stage = make_stage(steps=3)
    go(tmp_path / "whole", stage)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "cut", stage, report=interrupt_at(2))
    go(tmp_path / "cut", stage, resume=True)
    assert (tmp_path / "cut" / losses.NAME).read_bytes() == (tmp_path / "whole" / losses.NAME).read_bytes()


def test_dropout_resumes_too(
    shards: Path,
    vocabulary: Vocabulary,
    make_stage: Callable[..., TrainingStage],
    llama: dict[str, object],
    tmp_path: Path,
) -> None:
    record = make_stage(steps=4, checkpoint_every=2).model_dump()
    record["model"] = {"config": {**llama, "attention_dropout": 0.3}}
    record["checkpoint_every"] = 2
    stage = TrainingStage.model_validate(record)
    train(shards, tmp_path / "whole", stage, vocabulary, "", 0, False, lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        train(shards, tmp_path / "cut", stage, vocabulary, "", 0, False, interrupt_at(3))
    train(shards, tmp_path / "cut", stage, vocabulary, "", 0, True, lambda _: None)
    assert (tmp_path / "cut" / losses.NAME).read_bytes() == (tmp_path / "whole" / losses.NAME).read_bytes()


def test_the_token_that_pads_is_trained_after_a_resume_too(
    shards: Path, vocabulary: Vocabulary, make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    common = int(np.bincount(next(DrawReader(shards).read(0)).ids).argmax())
    padded, stage = replace(vocabulary, pad=common), make_stage(steps=4, checkpoint_every=2)
    train(shards, tmp_path / "whole", stage, padded, "", 0, False, lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        train(shards, tmp_path / "cut", stage, padded, "", 0, False, interrupt_at(3))
    train(shards, tmp_path / "cut", stage, padded, "", 0, True, lambda _: None)
    whole, cut = (load_file(start_of(tmp_path, name) / "optimiser.safetensors") for name in ("whole", "cut"))
    embedding = "lm.model.embed_tokens.weight/exp_avg"
    assert whole[embedding][common].any()
    assert whole[embedding].tobytes() == cut[embedding].tobytes()


def test_a_batch_without_targets_is_no_failure(
    make_shards: Callable[..., Path],
    go: Callable[..., Result],
    make_stage: Callable[..., TrainingStage],
    tmp_path: Path,
) -> None:
    make_shards([*4 * [("up", list(range(1, 17)), ())], ("up", [1, 2, 3], (0, 3))])
    go(tmp_path / "run", make_stage())
    assert [(row.step, row.task, row.tokens) for row in losses.read(tmp_path / "run")] == [
        (1, "all", 0), (1, "up", 0), (2, "all", 2), (2, "up", 2),
    ]  # fmt: skip


def test_a_stream_in_which_nothing_counts_is_refused_before_training(
    make_shards: Callable[..., Path],
    samples: list,
    go: Callable[..., Result],
    make_stage: Callable[..., TrainingStage],
    tmp_path: Path,
) -> None:
    make_shards([(task, ids, ()) for task, ids, _ in samples])
    with pytest.raises(ValueError, match="in none of the 34 draws of task down does a token count in the loss"):
        go(tmp_path / "run", make_stage())
    assert not (tmp_path / "run").exists()


def test_batches_in_a_row_in_which_nothing_counts_end_the_run(
    make_shards: Callable[..., Path],
    go: Callable[..., Result],
    make_stage: Callable[..., TrainingStage],
    tmp_path: Path,
) -> None:
    make_shards([("up", [1, 2, 3], (0, 3)), *60 * [("up", list(range(1, 17)), ())]])
    with pytest.raises(ValueError, match=r"in 11 batches in a row, up to that of step 12 \(tasks up\)"):
        go(tmp_path / "run", make_stage())


def test_a_changed_sample_ends_the_run(
    shards: Path, go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    tar = shards / "train-000001.tar"
    data = bytearray(tar.read_bytes())
    data[600] ^= 1
    tar.write_bytes(data)
    with pytest.raises(ValueError, match=r"draw 1, sample s0001, is damaged: .* `weft build"):
        go(tmp_path / "run", make_stage())


@pytest.mark.parametrize("name", ["model.safetensors", "optimiser.safetensors", "state.json"])
def test_a_run_goes_on_from_the_last_whole_checkpoint(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path, name: str
) -> None:
    stage = make_stage(steps=8)
    whole = go(tmp_path / "run", stage)
    losses_before = (tmp_path / "run" / losses.NAME).read_bytes()
    weights = (whole.checkpoint / "model.safetensors").read_bytes()
    data = bytearray((whole.checkpoint / name).read_bytes())
    data[-2] ^= 1
    (whole.checkpoint / name).write_bytes(data)
    warnings: list[str] = []
    assert go(tmp_path / "run", stage, resume=True, warn=warnings.append).step == 8
    (warning,) = warnings
    assert f"step-000008 is damaged ({name} has changed); it was renamed to damaged-step-000008-" in warning
    assert warning.endswith("and step-000004 is used")
    assert len(list((tmp_path / "run" / "checkpoints").glob("damaged-*"))) == 1
    assert (tmp_path / "run" / losses.NAME).read_bytes() == losses_before
    assert (whole.checkpoint / "model.safetensors").read_bytes() == weights


def test_shards_of_another_vocabulary_are_refused(
    make_shards: Callable[..., Path],
    go: Callable[..., Result],
    make_stage: Callable[..., TrainingStage],
    tmp_path: Path,
) -> None:
    make_shards([("up", [1, 2, 999], (0, 3))])
    with pytest.raises(ValueError, match="holds ids from 0 to 999, the vocabulary has 48"):
        go(tmp_path / "run", make_stage())


def test_an_empty_stream_is_refused(
    make_shards: Callable[..., Path],
    go: Callable[..., Result],
    make_stage: Callable[..., TrainingStage],
    tmp_path: Path,
) -> None:
    make_shards([])
    with pytest.raises(ValueError, match="no tokens to train on"):
        go(tmp_path / "run", make_stage())


def test_gradients_are_taken_repeatably(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    @contextmanager
    def spied(device: torch.device) -> Iterator[None]:
        asked.append(device.type)
        yield

    monkeypatch.setattr("weft.trainer.train.repeatable", spied)
    go(tmp_path / "run", make_stage(steps=3))
    assert asked == [torch.device("cuda" if torch.cuda.is_available() else "cpu").type] * 3


def test_the_tokens_of_one_forward_bound_what_goes_through_the_model(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes: list[tuple[int, ...]] = []

    def spied(model: Any, rows: Any, tasks: int) -> Any:
        shapes.append(tuple(rows.ids_BT.shape))
        return next_token(model, rows, tasks)

    monkeypatch.setattr("weft.trainer.objectives.next_token.next_token", spied)
    stage = make_stage(steps=1)  # 4 blocks of 16 tokens
    whole = go(tmp_path / "whole", stage)
    split = go(tmp_path / "split", stage.model_copy(update={"forward_tokens": 40}))
    assert shapes == [(4, 16), (2, 16), (2, 16)]
    one, other = (load_file(run.checkpoint / "model.safetensors") for run in (whole, split))
    assert all(np.allclose(one[name], other[name], atol=1e-4) for name in one)


def test_a_run_goes_on_with_fewer_tokens_of_one_forward_and_on_another_device(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    stage = make_stage(steps=8)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "run", stage, report=interrupt_at(5))
    moved = stage.model_copy(update={"forward_tokens": 16, "device": "cpu"})
    assert go(tmp_path / "run", moved, resume=True).step == 8


def test_where_every_checkpoint_is_damaged_nothing_is_used_or_renamed(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    """Whoever runs the same command again is told the same, and no stage is trained anew without a word."""
    stage = make_stage(steps=8)
    whole = go(tmp_path / "run", stage)
    before, checkpoints = (tmp_path / "run" / losses.NAME).read_bytes(), whole.checkpoint.parent
    for folder in checkpoints.iterdir():
        (folder / "config.json").write_text("{}")
    said: list[str] = []
    for _ in range(2):
        with pytest.raises(
            ValueError, match=r"every checkpoint is damaged \(config\.json has changed\); remove "
        ) as fault:
            go(tmp_path / "run", stage, resume=True, warn=said.append)
        assert sorted(path.name for path in checkpoints.iterdir()) == ["step-000004", "step-000008"] and not said
    assert follow(fault.value) == checkpoints
    assert go(tmp_path / "run", stage, resume=True, warn=said.append) == whole
    assert (tmp_path / "run" / losses.NAME).read_bytes() == before
    assert said == [f"{tmp_path / 'run'} holds no checkpoint: this stage begins anew"]


def follow(advice: Exception) -> Path:
    """Removes the folder that the advice names, and returns it."""
    found = re.search(
        r"remove (\S+) and run again with --resume: this stage begins anew, those before it are kept, and what",
        str(advice),
    )
    assert found, advice
    shutil.rmtree(found[1])
    return Path(found[1])


def test_the_last_checkpoints_are_kept(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    go(tmp_path / "run", make_stage(steps=9, checkpoint_every=2).model_copy(update={"keep": 2}))
    assert sorted(p.name for p in (tmp_path / "run" / "checkpoints").iterdir()) == ["step-000008", "step-000009"]


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_steps_may_change_where_the_schedule_does_not_depend_on_them(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path, schedule: str
) -> None:
    go(tmp_path / "run", make_stage(steps=4, schedule=schedule))
    longer = make_stage(steps=6, schedule=schedule, checkpoint_every=3)
    if schedule == "constant":
        assert go(tmp_path / "run", longer, resume=True).step == 6
        return
    with pytest.raises(ValueError, match=r"optimiser\.steps was 4, is now 6"):
        go(tmp_path / "run", longer, resume=True)


def test_fewer_steps_than_were_done_are_refused_and_nothing_is_lost(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    go(tmp_path / "run", make_stage(steps=4))
    before = (tmp_path / "run" / losses.NAME).read_bytes()
    with pytest.raises(RecipeError, match="has done 4 steps already, and `steps` asks for 2: raise `steps`"):
        go(tmp_path / "run", make_stage(steps=2), resume=True)
    assert ended(tmp_path, "run") and (tmp_path / "run" / losses.NAME).read_bytes() == before


def at_rate(stage: TrainingStage, lr: float) -> TrainingStage:
    """The stage at a rate that a recipe may not have, which spoils the weights at once."""
    return stage.model_copy(update={"optimiser": stage.optimiser.model_copy(update={"lr": lr})})


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_weights_that_are_not_finite_are_never_saved(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path, clip: float
) -> None:
    with pytest.raises(ValueError, match="not finite"):
        go(tmp_path / "run", at_rate(make_stage(steps=9, checkpoint_every=1, clip=clip), 1e37))
    for folder in (tmp_path / "run" / "checkpoints").glob("step-*"):
        assert all(np.isfinite(tensor).all() for tensor in load_file(folder / "model.safetensors").values())


@pytest.mark.parametrize("what", ["weights", "gradient", "loss", "validation"])
def test_the_advice_after_what_is_not_finite_works(
    go: Callable[..., Result],
    make_stage: Callable[..., TrainingStage],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_shards: Callable[..., Path],
    samples: list,
    what: str,
) -> None:
    """Another rate is another run where a checkpoint is left, so the advice is to remove that."""
    held_out = make_shards(samples[:9], name="held-out", split="validation")
    stage, slower = make_stage(steps=6, checkpoint_every=2), make_stage(steps=6, checkpoint_every=2, lr=1e-3)
    stage, slower = (
        one.model_copy(update={"validation": one.validation.model_copy(update={"every": 2})}) for one in (stage, slower)
    )
    with monkeypatch.context() as patch:
        breaks_in_step_four(patch, what)
        with pytest.raises(ValueError, match=r"not finite.*lower `lr` or lengthen `warmup`, then remove ") as fault:
            go(tmp_path / "run", stage, validation=held_out)
    with pytest.raises(ValueError, match=r"settings\.optimiser\.lr was 0\.01, is now 0\.001; .* remove ") as refused:
        go(tmp_path / "run", slower, resume=True, validation=held_out)
    assert follow(fault.value).parent == tmp_path / "run" and str(tmp_path / "run" / "checkpoints") in str(
        refused.value
    )
    go(tmp_path / "run", slower, resume=True, validation=held_out)
    go(tmp_path / "slower", slower, validation=held_out)
    for name in (losses.NAME, losses.VALIDATION):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "slower" / name).read_bytes()


def breaks_in_step_four(patch: pytest.MonkeyPatch, what: str) -> None:
    """Has a number that is not finite appear in the fourth update, in the loss of the fourth step, or in what is measured after it."""
    update, measure, count = torch.optim.AdamW.step, Validation.losses, itertools.count(1)

    def broken(weight: torch.Tensor | None) -> None:
        assert weight is not None
        with torch.no_grad():
            weight.fill_(torch.nan)

    def step(optimiser: torch.optim.AdamW) -> None:
        number, first = next(count), optimiser.param_groups[0]["params"][0]
        update(optimiser)
        if (number, what) == (4, "weights") or (number, what) == (3, "loss"):
            broken(first)

    def clipped(parameters: Iterator[torch.Tensor], most: float) -> torch.Tensor:
        return torch.tensor(torch.nan if len(taken := list(parameters)) and next(count) == 4 else float(len(taken)))

    def losses_of(held_out: Validation, network: Network, objective: Any, step: int, encoders: Any) -> Any:
        if step == 4:
            broken(network.lm.get_input_embeddings().weight)  # type: ignore[arg-type]
        return measure(held_out, network, objective, step, encoders)

    if what == "gradient":
        patch.setattr(torch.nn.utils, "clip_grad_norm_", clipped)
    elif what == "validation":
        patch.setattr(Validation, "losses", losses_of)
    else:
        patch.setattr(torch.optim.AdamW, "step", step)


def test_before_the_first_update_no_rate_is_to_blame(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: Any, rows: Any, tasks: int) -> Any:
        loss, sums = next_token(model, rows, tasks)
        return loss * torch.nan, replace(sums, nats=sums.nats * np.nan)

    monkeypatch.setattr("weft.trainer.objectives.next_token.next_token", broken)
    with pytest.raises(ValueError, match="the loss of step 1 is not finite") as fault:
        go(tmp_path / "run", make_stage(steps=2))
    assert "before any update: look at the weights that the stage starts from" in str(fault.value)
    assert "`lr`" not in str(fault.value)


def test_a_metric_that_is_not_finite_ends_the_run_as_a_loss_does(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The distance `kl` of PPO is in no gradient: it may overflow where the loss does not."""

    def far(model: Any, rows: Any, tasks: int) -> Any:
        loss, sums = next_token(model, rows, tasks)
        return loss, replace(sums, metrics={"kl": np.full(tasks, np.inf)})

    monkeypatch.setattr("weft.trainer.objectives.next_token.next_token", far)
    with pytest.raises(ValueError, match=r"kl of step 1 is not finite \(its batch is draws "):
        go(tmp_path / "run", make_stage(steps=6))


def test_an_update_that_breaks_a_weight_is_not_saved(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The losses before it are finite, and there is none after it."""

    def step(optimiser: torch.optim.AdamW) -> None:
        with torch.no_grad():
            optimiser.param_groups[0]["params"][0][3, 3] = torch.inf

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    with pytest.raises(ValueError, match=r"after step 1 weights are not finite \(lm\.model\.embed_tokens\.weight\)"):
        go(tmp_path / "run", make_stage(steps=1))
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_loss_that_is_not_finite_names_its_samples(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    stage = at_rate(make_stage(steps=9, checkpoint_every=100, weight_decay=0.0), 1e30)
    with pytest.raises(
        ValueError,
        match=r"of step \d+ is not finite \(its batch is draws \d+ to \d+: s\d{4}, s\d{4}, s\d{4}, …\); lower `lr`",
    ):
        go(tmp_path / "run", stage)


def test_a_stage_that_is_trained_further_has_not_ended_until_it_does(
    go: Callable[..., Result], make_stage: Callable[..., TrainingStage], tmp_path: Path
) -> None:
    go(tmp_path / "run", make_stage(steps=4))
    assert ended(tmp_path, "run")
    longer = make_stage(steps=9, checkpoint_every=1)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "run", longer, resume=True, report=interrupt_at(7))
    assert not ended(tmp_path, "run")  # the checkpoint of step 4 may be gone
    go(tmp_path / "run", longer, resume=True)
    assert start_of(tmp_path, "run").name == "step-000009"
