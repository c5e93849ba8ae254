"""A corpus folder, and composed parts made by hand."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from weft.pipelines.parts import part_name, write_part
from weft.pipelines.store import Store
from weft.schemas.plan import Block
from weft.schemas.sample import Baked, Sample, Segment
from weft.schemas.training import TrainingStage

Lengths = Sequence[tuple[int, float]]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "corpus"))


def baked(key: str, task: str, source: str, tokens: int, seconds: float) -> Baked:
    """A sample of `tokens` ids, half text and half speech."""
    half = tokens // 2
    segments = (
        Segment("text", "text", 0, half, 0.0, 0.0, True),
        Segment("speech", "units", half, tokens, 0.0, seconds, True),
    )
    ids = tuple((len(key) + n) % 60 for n in range(tokens))
    return Sample(key, f"{key}-parent", task, source, seconds, ids, segments if half else segments[1:]).bake()


@pytest.fixture
def compose() -> Callable[..., list[Block]]:
    """Writes parts of samples, given as (tokens, seconds), and returns their blocks."""

    def composed(
        store: Store, task: str, parts: Sequence[Lengths], pass_number: int = 0, source: str = "src"
    ) -> list[Block]:
        blocks = [Block(task, pass_number, source, n) for n in range(len(parts))]
        for block, lengths in zip(blocks, parts, strict=True):
            name = f"{source}-{block.part}"
            rows = [baked(f"{name}-{i}-{task}-{pass_number}", task, source, *of) for i, of in enumerate(lengths)]
            write_part(store, part_name(block.node, block.part), rows, Baked, "made by hand")
        return blocks

    return composed


@pytest.fixture
def training() -> Callable[..., TrainingStage]:
    """A training stage with this mixture and context 8."""

    def stage(**mixture: Any) -> TrainingStage:
        return TrainingStage.model_validate(
            {
                "mixture": mixture,
                "context": 8,
                "model": {"base": "none"},
                "optimiser": {"lr": 1.0, "batch_tokens": 8},
            }
        )

    return stage
