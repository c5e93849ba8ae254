"""The validation loss is that of the first held-out draws of each task, and training does not notice it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file

from weft.schemas.objectives import Dpo
from weft.schemas.training import ModelSettings, TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer import losses
from weft.trainer.finite import Diverged
from weft.trainer.model import build
from weft.trainer.models.network import Network
from weft.trainer.objectives.base import Rows, Sums
from weft.trainer.objectives.dpo import DpoObjective
from weft.trainer.objectives.next_token import NextTokenObjective
from weft.trainer.train import Result, StepReport, train
from weft.trainer.validation import select


@pytest.fixture
def held_out(make_shards: Callable[..., Path], samples: list) -> Path:
    """Samples of the stage's tasks, and of one that is none of its."""
    made = [("down" if n % 3 else "up", ids, loss) for n, (_, ids, loss) in enumerate(samples)]
    return make_shards([("other", [1, 2], (0, 2)), *made], name="validation", split="validation")


@pytest.fixture
def stage(make_stage: Callable[..., TrainingStage], llama: dict[str, object]) -> TrainingStage:
    """Eight steps with dropout, measured every three on at most five samples a task."""
    record = make_stage(steps=8).model_dump()
    record["model"] = {"config": {**llama, "attention_dropout": 0.3}}
    record["validation"] = {"every": 3, "samples": 5}
    return TrainingStage.model_validate(record)


@pytest.fixture
def go(make_shards: Callable[..., Path], samples: list, vocabulary: Vocabulary) -> Callable[..., Result]:
    shards = make_shards(samples)

    def go(
        out: Path, stage: TrainingStage, validation: Path | None, resume: bool = False,
        report: Callable[[StepReport], None] = lambda _: None,
    ) -> Result:  # fmt: skip
        return train(shards, out, stage, vocabulary, "", 0, resume, report, validation)

    return go


def test_the_first_draws_of_each_task_are_taken(held_out: Path, samples: list, stage: TrainingStage) -> None:
    draws = select(held_out, stage, 48).draws
    assert sorted(d.task for d in draws) == ["down"] * 5 + ["up"] * 5
    assert [d.position for d in draws if d.task == "up"] == [1, 4, 7, 10, 13]
    assert [d.ids.tolist() for d in draws] == [list(samples[d.position - 1][1]) for d in draws]


def test_all_are_taken_where_there_are_fewer(held_out: Path, samples: list, stage: TrainingStage) -> None:
    many = stage.model_copy(update={"validation": stage.validation.model_copy(update={"samples": 1000})})
    assert len(select(held_out, many, 48).draws) == len(samples)


def test_losses_are_those_of_the_samples_one_by_one(
    held_out: Path, samples: list, stage: TrainingStage, llama: dict[str, object]
) -> None:
    model = Network(build(ModelSettings(config={**llama, "attention_dropout": 0.5}), 48, 0)).train()
    held = select(held_out, stage, 48)
    rows = held.losses(model, NextTokenObjective("float32"), step=7)
    assert rows == held.losses(model, NextTokenObjective("float32"), step=7), "no dropout"
    assert [(row.step, row.task) for row in rows] == [(7, "down"), (7, "up")]
    coarse = held.losses(model, NextTokenObjective("bfloat16"), step=7)
    assert coarse != rows
    assert [row.loss for row in coarse] == pytest.approx([row.loss for row in rows], rel=0.01)
    model.eval()
    nats = {"up": 0.0, "down": 0.0}
    counts = dict.fromkeys(nats, 0)
    for draw in held.draws:
        for first in range(0, len(draw.ids), 16):
            ids = draw.ids[first : first + 16].tolist()
            with torch.no_grad():
                scores = model.lm(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
            for t in range(1, len(ids)):
                if any(begin <= first + t < end for begin, end in draw.loss):
                    nats[draw.task] -= float(scores[t - 1, ids[t]])
                    counts[draw.task] += 1
    assert {row.task: row.tokens for row in rows} == counts
    assert {row.task: row.loss * row.tokens for row in rows} == pytest.approx(nats, rel=1e-5)


def test_pairs_are_measured_by_the_objective_against_the_network_of_the_start(
    make_shards: Callable[..., Path], stage: TrainingStage, vocabulary: Vocabulary, llama: dict[str, object]
) -> None:
    """A network that was moved towards the chosen answers of held-out pairs prefers them; as the stage starts it prefers none."""
    pairs = [("pairs", [1, 2, 3, 4, 1, 2, 5, 6], (2, 4, 6, 8), (4,)) for _ in range(4)]
    record = {
        **stage.model_dump(),
        "objective": {"use": "dpo", "beta": 0.5},
        "mixture": {"total": 9, "shares": {"pairs": 1}},
    }
    dpo = TrainingStage.model_validate(record)
    held = select(make_shards(pairs, split="validation"), dpo, 48)
    network = Network(build(ModelSettings(config=llama), 48, 0))
    objective = DpoObjective(settings=Dpo(use="dpo", beta=0.5), vocabulary=vocabulary, dtype="float32")
    objective.begin(network)
    (row,) = held.losses(network, objective, step=0)
    assert (row.tokens, row.metrics) == (4, {"accuracy": 0.0, "margin": 0.0})
    assert row.loss == pytest.approx(0.693147, abs=1e-6)
    with torch.no_grad():
        network.lm.get_output_embeddings().weight[5:7] *= -1
    (row,) = held.losses(network, objective, step=1)
    reference = build(ModelSettings(config=llama), 48, 0).eval()
    margins = []
    for model in (network.lm, reference):
        with torch.no_grad():
            chosen, rejected = (
                model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)[[1, 2], ids[2:]].sum()
                for ids in ([1, 2, 3, 4], [1, 2, 5, 6])
            )
        margins.append(float(chosen - rejected))
    assert row.metrics["margin"] == pytest.approx(0.5 * (margins[0] - margins[1]), abs=1e-5)
    assert row.metrics["accuracy"] == float(margins[0] > margins[1])


class Noisy(NextTokenObjective):
    """An objective that draws random numbers."""

    def loss(self, network: Network, rows: Rows, tasks: int) -> tuple[torch.Tensor, Sums]:
        torch.rand(1)
        return super().loss(network, rows, tasks)


def test_measuring_leaves_mode_gradients_and_generators_alone(
    held_out: Path, stage: TrainingStage, llama: dict[str, object]
) -> None:
    model = Network(build(ModelSettings(config=llama), 48, 0)).train()
    before = torch.random.get_rng_state()
    select(held_out, stage, 48).losses(model, Noisy("float32"), step=1)
    assert model.training
    assert all(module.training for module in model.modules())
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_training_is_equal_to_the_bit_with_and_without(
    go: Callable[..., Result], stage: TrainingStage, held_out: Path, tmp_path: Path
) -> None:
    reports: list[StepReport] = []
    plain = go(tmp_path / "plain", stage, None)
    measured = go(tmp_path / "measured", stage, held_out, report=reports.append)
    assert (tmp_path / "plain" / losses.NAME).read_bytes() == (tmp_path / "measured" / losses.NAME).read_bytes()
    for name in ("model.safetensors", "optimiser.safetensors"):
        one, other = load_file(plain.checkpoint / name), load_file(measured.checkpoint / name)
        assert one.keys() == other.keys()
        assert all(one[key].tobytes() == other[key].tobytes() for key in one)
    assert not (tmp_path / "plain" / losses.VALIDATION).exists()
    rows = list(losses.read_validation(tmp_path / "measured"))
    assert [(row.step, row.task) for row in rows] == [(s, t) for s in (3, 6, 8) for t in ("down", "up")]
    assert rows == [row for report in reports for row in report.validation]


def test_a_resumed_run_has_the_validation_file_of_an_uninterrupted_one(
    go: Callable[..., Result], stage: TrainingStage, held_out: Path, tmp_path: Path
) -> None:
    def interrupt(done: StepReport) -> None:
        if done.step == 7:
            raise KeyboardInterrupt

    go(tmp_path / "whole", stage, held_out)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "cut", stage, held_out, report=interrupt)
    assert [row.step for row in losses.read_validation(tmp_path / "cut")] == [3, 3, 6, 6], "ahead of step-000004"
    go(tmp_path / "cut", stage, held_out, resume=True)
    assert (tmp_path / "cut" / losses.VALIDATION).read_bytes() == (tmp_path / "whole" / losses.VALIDATION).read_bytes()


def test_a_run_goes_on_with_other_validation_settings_and_without_validation(
    go: Callable[..., Result], stage: TrainingStage, held_out: Path, tmp_path: Path
) -> None:
    def interrupt(done: StepReport) -> None:
        if done.step == 5:
            raise KeyboardInterrupt

    for number, (other, folder) in enumerate([(1, held_out), (3, None)]):
        with pytest.raises(KeyboardInterrupt):
            go(tmp_path / f"{number}", stage, held_out, report=interrupt)
        changed = stage.model_copy(update={"validation": stage.validation.model_copy(update={"every": other})})
        assert go(tmp_path / f"{number}", changed, folder, resume=True).step == 8


def test_a_draw_that_is_not_held_out_is_refused(make_shards: Callable[..., Path], stage: TrainingStage) -> None:
    with pytest.raises(ValueError, match="draw 0 is of split 'train', not held out for validation"):
        select(make_shards([("up", [1, 2], (0, 2))]), stage, 48)


def test_held_out_samples_in_which_nothing_counts_are_refused(
    make_shards: Callable[..., Path], stage: TrainingStage
) -> None:
    made = [("up", [1, 2], (0, 2)), ("down", [1, 2], (0, 1))]
    with pytest.raises(ValueError, match="no token counts in the loss in the held-out samples of down"):
        select(make_shards(made, split="validation"), stage, 48)


def test_held_out_samples_of_another_vocabulary_are_refused(held_out: Path, stage: TrainingStage) -> None:
    with pytest.raises(ValueError, match="holds ids from 0 to 39, the vocabulary has 20"):
        select(held_out, stage, 20)


def test_a_loss_that_is_not_finite_is_refused(held_out: Path, stage: TrainingStage, llama: dict[str, object]) -> None:
    model = Network(build(ModelSettings(config=llama), 48, 0))
    with torch.no_grad():
        model.lm.get_input_embeddings().weight.fill_(float("nan"))
    with pytest.raises(Diverged, match="the validation loss of down, up at step 4 is not finite"):
        select(held_out, stage, 48).losses(model, NextTokenObjective("float32"), step=4)
