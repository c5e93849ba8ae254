"""A source that grows and shrinks across builds holds, byte for byte, what a clean build holds."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.jobs.planting import content, run
from weft.jobs.changes import changes
from weft.jobs.commands import read_pipeline
from weft.pipelines.storage.store import Store

Weft = Callable[..., tuple[int, str, str]]


@pytest.fixture
def texts(tmp_path: Path) -> Callable[[int], Path]:
    """Makes the source hold so many texts; returns the recipe of a stage that draws two tasks of it."""
    (tmp_path / "texts").mkdir()

    def hold(count: int) -> Path:
        for file in sorted((tmp_path / "texts").iterdir())[count:]:
            file.unlink()
        for n in range(count):
            words = " ".join(f"word{(n * k) % 97}" for k in range(1, 5 + n % 23))
            if not (file := tmp_path / "texts" / f"{n:04d}.txt").exists():
                file.write_text(f"text number {n} {words}")
        return tmp_path / "recipe.yaml"

    mixture = {"unit": "samples", "total": 90, "shares": {"one": 1, "two": 1}, "exhausted": "repeat", "passes": 3}
    stage = {
        "mixture": mixture,
        "context": 64,
        "model": {"base": "none"},
        "optimiser": {"lr": 1e-3, "batch_tokens": 64},
    }
    recipe = {
        "name": "grows", "part_size": 3, "align": {"use": "none"}, "text": {"use": "bpe", "size": 300}, "shards": {"bytes": 20_000},
        "sources": {"books": {"use": "text", "path": str(tmp_path / "texts"), "hold_out": {"items": 0.1}}},
        "tasks": {name: {"use": "text", "sources": ["books"]} for name in ("one", "two")}, "training": {"pre": stage},
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return hold


def test_a_source_that_grows_threefold_in_two_steps_and_shrinks_again(
    texts: Callable[[int], Path], tmp_path: Path
) -> None:
    """From 10 parts to 17 and 30, across powers of two; then fewer than at first."""
    for count in (30, 50, 90):
        run(texts(count), tmp_path / "grown")
    assert changes(read_pipeline(str(texts(90))), Store(str(tmp_path / "grown"))) == []
    run(texts(90), tmp_path / "clean")
    assert content(tmp_path / "grown") == content(tmp_path / "clean")
    run(texts(25), tmp_path / "grown")
    run(texts(25), tmp_path / "clean of few")
    assert content(tmp_path / "grown") == content(tmp_path / "clean of few")
