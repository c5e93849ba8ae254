"""Gradient steps that may be broken off: killed and called again, they end with the same weights.

    fit(model, lambda step: model.loss(batch(seed, step)), steps=350, lr=2e-3, state=folder / "unfinished.safetensors")

Whatever is random must come from (seed, step) alone.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from weft.schemas.fingerprint import digest
from weft.schemas.learning import report_step

WARMUP = 0.1  # of the steps
SAVE_EVERY = 50  # steps


def fit(module: torch.nn.Module, loss_of: Callable[[int], torch.Tensor], steps: int, lr: float, state: Path) -> None:
    """AdamW over `steps`, the rate rising and then falling to nothing; `state` keeps how far it is, and the end. Its name is that of
    the phase in which steps are reported.
    """
    optimiser = torch.optim.AdamW(module.parameters(), lr, betas=(0.9, 0.98), weight_decay=0.01)
    module.train()
    for step in range(_restore(module, optimiser, state), steps):
        for group in optimiser.param_groups:
            group["lr"] = lr * slope(step / steps)
        optimiser.zero_grad()
        loss_of(step).backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            _save(module, optimiser, state, step + 1)
        report_step(state.stem, step + 1, steps)
    module.eval()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Weights drawn here are the same for the same seed, and the caller's randomness is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def unfinished(folder: Path, *made_from: object) -> Iterator[Path]:
    """A folder below `folder` for what is kept until training is done, and gone then; another for whatever it is made from."""
    kept = folder / f"training-{digest(made_from)[:16]}"
    kept.mkdir(parents=True, exist_ok=True)
    yield kept
    shutil.rmtree(kept)


def slope(done: float) -> float:
    """The learning rate's share of its peak: up over the first tenth, then straight down."""
    return max(1e-3, min(done / WARMUP, (1 - done) / (1 - WARMUP)))


def _save(module: torch.nn.Module, optimiser: torch.optim.Optimizer, state: Path, step: int) -> None:
    tensors = {f"module.{name}": tensor.clone() for name, tensor in module.state_dict().items()}
    for number, parameter in enumerate(module.parameters()):
        for name, value in optimiser.state[parameter].items():
            tensors[f"optimiser.{number}.{name}"] = torch.as_tensor(value).clone()
    scratch = state.with_name(state.name + ".part")
    save_file({**tensors, "step": torch.tensor(step)}, scratch)
    scratch.replace(state)


def _restore(module: torch.nn.Module, optimiser: torch.optim.Optimizer, state: Path) -> int:
    """The step to go on with; 0 where nothing was kept, or something of another model."""
    try:
        tensors = load_file(state)
    except (OSError, SafetensorError):
        return 0
    kept = {n.removeprefix("module."): t for n, t in tensors.items() if n.startswith("module.")}
    if {n: t.shape for n, t in kept.items()} != {n: t.shape for n, t in module.state_dict().items()}:
        return 0
    module.load_state_dict(kept)
    for number, parameter in enumerate(module.parameters()):
        own = f"optimiser.{number}."
        optimiser.state[parameter] = {n.removeprefix(own): t for n, t in tensors.items() if n.startswith(own)}
    return int(tensors["step"])
