"""Deterministic algorithms hold on a GPU, and there alone, and only inside."""

import os

import pytest
import torch

from weft.trainer.repeatable import repeatable


def modes() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def test_on_a_gpu_algorithms_are_deterministic_inside_and_as_before_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    before = modes()
    with pytest.raises(KeyError), repeatable(torch.device("cuda")):
        assert modes() == (True, False)
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        raise KeyError
    assert modes() == before


def test_a_cpu_is_left_alone() -> None:
    before = modes()
    with repeatable(torch.device("cpu")):
        assert modes() == before
