"""An interrupted training that is resumed ends with the same weights."""

from pathlib import Path
from typing import Any

import pytest
import torch

from weft.schemas.learning import Step, steps_to
from weft.tokenizers.training import loop
from weft.tokenizers.training.loop import fit, slope, unfinished_run
from weft.tokenizers.training.optimiser_settings import AdamW


def initial_module() -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Tanh(), torch.nn.Linear(8, 1)
        )


def loss(module: torch.nn.Module, step: int) -> torch.Tensor:
    values = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
    return ((module(values)[:, 0] - values.sum(1)) ** 2).mean()


def test_it_learns(tmp_path: Path) -> None:
    module = initial_module()
    before = float(loss(module, 999).detach())
    fit(module, lambda step: loss(module, step), 200, 0.02, tmp_path / "state")
    assert float(loss(module, 999).detach()) < before / 4
    assert not module.training
    again = initial_module()
    fit(again, lambda step: loss(again, 1 / 0), 200, 0.02, tmp_path / "state")  # all steps are done
    assert torch.equal(module[0].weight, again[0].weight)  # type: ignore[index]


@pytest.mark.parametrize("killed_at", [3, 10, 11, 27])
def test_interrupted_it_ends_with_the_same_weights(
    tmp_path: Path, killed_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 5)
    whole = initial_module()
    fit(whole, lambda step: loss(whole, step), 30, 0.02, tmp_path / "whole")
    first, again, seen = initial_module(), initial_module(), []

    def dies(step: int) -> torch.Tensor:
        if step == killed_at:
            raise KeyboardInterrupt
        return loss(first, step)

    with pytest.raises(KeyboardInterrupt):
        fit(first, dies, 30, 0.02, tmp_path / "state")
    fit(again, lambda step: seen.append(step) or loss(again, step), 30, 0.02, tmp_path / "state")  # type: ignore[func-returns-value]
    assert seen[0] == killed_at // 5 * 5
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_every_step_is_reported_and_changes_nothing(tmp_path: Path) -> None:
    watched, alone = initial_module(), initial_module()
    steps: list[Step] = []
    with steps_to(steps.append):
        fit(watched, lambda step: loss(watched, step), 4, 0.02, tmp_path / "training")
    fit(alone, lambda step: loss(alone, step), 4, 0.02, tmp_path / "alone")
    assert steps == [Step("training", done, 4) for done in (1, 2, 3, 4)]
    assert torch.equal(watched[0].weight, alone[0].weight)  # type: ignore[index]


@pytest.mark.parametrize("other_model", [False, True])
def test_the_state_of_another_model_is_not_taken(tmp_path: Path, other_model: bool) -> None:
    (tmp_path / "state").write_bytes(b"no tensors")
    module, plain = initial_module(), initial_module()
    wider = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    if other_model:
        fit(wider, lambda step: wider(torch.ones(2, 4)).sum(), 2, 0.02, tmp_path / "state")
    fit(module, lambda step: loss(module, step), 5, 0.02, tmp_path / "state")
    fit(plain, lambda step: loss(plain, step), 5, 0.02, tmp_path / "other")
    assert torch.equal(module[0].weight, plain[0].weight)  # type: ignore[index]


def test_an_interrupted_run_is_resumed_and_removed_when_it_is_done(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), unfinished_run(tmp_path, 1, "a") as run:
        run.state("half").touch()
        raise KeyboardInterrupt
    for seed, settings in ((2, "a"), (1, "b")):
        with unfinished_run(tmp_path, seed, settings) as other:
            assert other.seed == seed and not other.state("half").exists()
    with unfinished_run(tmp_path, 1, "a") as again:
        assert again.state("half").exists()
    assert not list(tmp_path.iterdir())


def test_the_learning_rate_rises_and_falls() -> None:
    assert slope(0.1, 0.1) == 1.0 and slope(0.0, 0.1) == slope(1.0, 0.1) == 1e-3
    assert slope(0.05, 0.1) == 0.5 and slope(0.25, 0.5) == slope(0.75, 0.5) == 0.5


@pytest.mark.parametrize(
    "setting", [{"betas": (0.5, 0.98)}, {"weight_decay": 0.5}, {"clip": 1e-3}, {"clip": 0}, {"warmup": 0.5}]
)
def test_each_setting_of_the_optimiser_counts(tmp_path: Path, setting: dict[str, Any]) -> None:
    usual, other = initial_module(), initial_module()
    fit(usual, lambda step: 100 * loss(usual, step), 5, 0.02, tmp_path / "usual")
    fit(other, lambda step: 100 * loss(other, step), 5, 0.02, tmp_path / "other", AdamW.model_validate(setting))
    assert not torch.equal(usual[0].weight, other[0].weight)  # type: ignore[index]


def test_without_a_clip_no_gradient_is_scaled(tmp_path: Path) -> None:
    never, far = initial_module(), initial_module()
    fit(never, lambda step: 100 * loss(never, step), 5, 0.02, tmp_path / "never", AdamW(clip=0))
    fit(far, lambda step: 100 * loss(far, step), 5, 0.02, tmp_path / "far", AdamW(clip=1e9))
    assert torch.equal(never[0].weight, far[0].weight)  # type: ignore[index]
