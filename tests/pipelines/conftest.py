"""A corpus folder, and composed parts made by hand."""

import builtins
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from weft.pipelines.mixing.order import write_order
from weft.pipelines.mixing.plan_request import PlanRequest
from weft.pipelines.parts.tables import part_name, write_part
from weft.pipelines.storage.store import Store
from weft.schemas.fingerprint import hash64
from weft.schemas.plan import node_of
from weft.schemas.sample import Provenance, Sample, SampleSegment, ShardSample
from weft.schemas.training import TrainingStage

Lengths = Sequence[Sequence[Any]]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "corpus"))


def baked(key: str, task: str, source: str, tokens: int, seconds: float, **known: str) -> ShardSample:
    """A sample of `tokens` ids, half text and half speech; `known` are its language, emotion and speaker."""
    half = tokens // 2
    segments = (
        SampleSegment(modality="text", role="text", begin=0, end=half, start=0.0, stop=0.0, loss=True),
        SampleSegment(modality="speech", role="codes", begin=half, end=tokens, start=0.0, stop=seconds, loss=True),
    )
    ids = tuple((len(key) + n) % 60 for n in range(tokens))
    sample = Sample(
        key=key, parent=f"{key}-parent", task=task, source=source, seconds=seconds, ids=ids,
        segments=segments if half else segments[1:], provenance=Provenance(recording=f"{key}-recording"), **known,
    )  # fmt: skip
    return sample.for_shard(hash64("place", key) >> 1)


@dataclass(frozen=True)
class Composed:
    """Writes composed parts made by hand, and the order of their node."""

    store: Store
    tar_bytes: float = 1e9
    spaces: Mapping[str, str] = field(default_factory=dict)  # of sources whose speakers are not their own

    def add(self, task: str, parts: Sequence[Lengths], pass_number: int = 0, source: str = "src", **known: str) -> None:
        """`parts` hold samples as (tokens, seconds), or as (tokens, seconds, language, emotion, speaker)."""
        node = node_of(task, pass_number, source)
        for number, lengths in enumerate(parts):
            rows = []
            for i, (tokens, seconds, *rest) in enumerate(lengths):
                labels = {**known, **dict(zip(("language", "emotion", "speaker"), rest, strict=False))}
                rows.append(
                    baked(f"{source}-{number}-{i}-{task}-{pass_number}", task, source, tokens, seconds, **labels)
                )
            rows.sort(key=lambda row: row.place)
            write_part(self.store, part_name(node, number), rows, ShardSample, "made by hand")
        self.order(node, len(parts))

    def order(self, node: str, parts: int) -> None:
        source = node.rpartition("/")[2]
        write_order(self.store, node, parts, self.tar_bytes, {}, self.spaces.get(source, source))

    def plan_request(self, stage: TrainingStage, name: str = "pre", after: tuple[str, ...] = ()) -> PlanRequest:
        """The stage over whatever was added for its tasks."""
        found: dict[tuple[str, str], int] = {}
        for held in self.store.names("order", "-held.parquet"):
            _, task, _, source = held.removesuffix("-held.parquet").split("/")
            if task in stage.mixture.tasks:
                found[task, source] = found.get((task, source), 0) + 1
        return PlanRequest(name=name, stage=stage, passes=found, after=after)


@pytest.fixture
def composed(store: Store) -> Composed:
    return Composed(store)


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


@pytest.fixture
def pipe_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a pipe to read blocks for ever; here it is an error."""

    def guarded(opens: Callable[..., Any]) -> Callable[..., Any]:
        def opened(file: Any, *rest: Any, **options: Any) -> Any:
            if isinstance(file, str | os.PathLike) and os.path.exists(file) and stat.S_ISFIFO(os.stat(file).st_mode):
                raise AssertionError("a pipe was opened")
            return opens(file, *rest, **options)

        return opened

    monkeypatch.setattr(builtins, "open", guarded(open))
    monkeypatch.setattr(os, "open", guarded(os.open))
