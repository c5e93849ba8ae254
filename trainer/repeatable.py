"""Deterministic gradients on a GPU, so that a resumed run equals an uninterrupted one, as on a CPU.

with repeatable(device):
    loss.backward()
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Uses torch's deterministic algorithms on a GPU. Torch raises RuntimeError for an operation that has none.

    Without them attention sums gradients in an arbitrary order. cuBLAS needs a fixed workspace, whose setting it reads from the
    environment when it is first used.
    """
    if device.type != "cuda":
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    enabled, warn_only = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)
