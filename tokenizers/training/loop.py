"""The one training loop of all tokenizers: interrupted and called again, it ends with the same weights.

    with unfinished_run(folder, seed=1, settings, names_of_the_clips) as run:
        fit(model, lambda step: model.loss(batch(run.seed, step)), steps=350, lr=2e-3, state=run.state("training"))

Whatever is random must come from (seed, step) alone. The learning rate is a line of ours and not a scheduler of transformers, which
would be state to save and to restore: here it follows from the step.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from weft.schemas.fingerprint import digest
from weft.schemas.learning import report_step
from weft.tokenizers.training.optimiser_settings import AdamW

SAVE_EVERY = 50  # steps
_ADAMW = AdamW()


@dataclass(frozen=True)
class ResumableRun:
    """A training that can be resumed: its seed, and the folder of what it needs for that."""

    seed: int
    folder: Path

    def state(self, phase: str) -> Path:
        """The file that holds how far a phase is."""
        return self.folder / f"{phase}.safetensors"


def fit(
    module: torch.nn.Module, loss_of: Callable[[int], torch.Tensor], steps: int, lr: float, state: Path,
    adamw: AdamW = _ADAMW,
) -> None:  # fmt: skip
    """Takes `steps` of AdamW, with a learning rate that rises to `lr` and then falls to nothing.

    The file `state` keeps the weights and the optimiser's moments every `SAVE_EVERY` steps and at the end. Steps are reported under
    its name.
    """
    optimiser = torch.optim.AdamW(module.parameters(), lr, betas=adamw.betas, weight_decay=adamw.weight_decay)
    module.train()
    for step in range(_restore(module, optimiser, state), steps):
        for group in optimiser.param_groups:
            group["lr"] = lr * slope(step / steps, adamw.warmup)
        optimiser.zero_grad()
        loss_of(step).backward()
        if adamw.clip:
            torch.nn.utils.clip_grad_norm_(module.parameters(), adamw.clip)
        optimiser.step()
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            _save(module, optimiser, state, step + 1)
        report_step(state.stem, step + 1, steps)
    module.eval()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Weights drawn here are the same for the same seed; torch's generator is as before afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def unfinished_run(folder: Path, seed: int, *made_from: object) -> Iterator[ResumableRun]:
    """A run whose folder lies in `folder` until the training is done; another one for another seed, other settings or other clips."""
    run = ResumableRun(seed=seed, folder=folder / f"training-{digest([seed, *made_from])[:16]}")
    run.folder.mkdir(parents=True, exist_ok=True)
    yield run
    shutil.rmtree(run.folder)


def slope(done: float, warmup: float) -> float:
    """The learning rate as a share of its peak, after the share `done` of the steps: up over the first `warmup`, then straight down."""
    return max(1e-3, min(done / warmup, (1 - done) / (1 - warmup)))


def _save(module: torch.nn.Module, optimiser: torch.optim.Optimizer, state: Path, step: int) -> None:
    tensors = {f"module.{name}": tensor.clone() for name, tensor in module.state_dict().items()}
    for number, parameter in enumerate(module.parameters()):
        for name, value in optimiser.state[parameter].items():
            tensors[f"optimiser.{number}.{name}"] = torch.as_tensor(value).clone()
    scratch = state.with_name(state.name + ".part")
    save_file({**tensors, "step": torch.tensor(step)}, scratch)
    scratch.replace(state)


def _restore(module: torch.nn.Module, optimiser: torch.optim.Optimizer, state: Path) -> int:
    """The number of steps that are done; 0 without a saved state, or with that of another model."""
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
