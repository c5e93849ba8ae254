"""What a run begins with."""

from collections.abc import Callable

import pytest

from weft.schemas.training import TrainingStage
from weft.trainer.run_setup import device_of


def test_a_gpu_that_is_not_there_is_refused(
    make_stage: Callable[..., TrainingStage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    stage = make_stage()
    assert device_of(stage).type == "cpu"
    with pytest.raises(ValueError, match="finds no GPU on this machine; set `device: cpu`"):
        device_of(stage.model_copy(update={"device": "cuda"}))


def test_a_stage_stays_on_the_cpu_where_it_says_so(
    make_stage: Callable[..., TrainingStage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert [device_of(make_stage().model_copy(update={"device": d})).type for d in ("auto", "cpu", "cuda")] == [
        "cuda",
        "cpu",
        "cuda",
    ]
