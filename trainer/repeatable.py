"""Gradients on a GPU that are the same each time, as they are on a CPU: without it a resumed run would drift from an uninterrupted one.

with repeatable(device):
    loss.backward()
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Torch's deterministic algorithms on a GPU; torch raises RuntimeError where a model needs an operation that has none.

    Attention sums gradients in any order otherwise. cuBLAS wants a fixed workspace for it, which it reads from the
    environment when it is first used.
    """
    if device.type != "cuda":
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    on, gently = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(on, warn_only=gently)
