"""What a Ray without GPUs says to work that wants one."""

import pytest

from weft.jobs.ray_engine import RayEngine
from weft.schemas.recipe_file import RecipeError
from weft.schemas.resources import Resources


def test_a_gpu_that_is_not_there_is_told_at_once() -> None:
    engine = RayEngine.__new__(RayEngine)
    engine._cpus, engine._gpus, engine._idle, engine._busy = 2.0, 0.0, [], {}
    assert engine.accepts(Resources(cpus=1))
    assert engine._within(Resources(cpus=9)).cpus == 2
    with pytest.raises(RecipeError, match="asks for a GPU"):
        engine.accepts(Resources(gpus=1.0))
