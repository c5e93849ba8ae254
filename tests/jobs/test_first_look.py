"""What `weft plan` says of the sources, `weft build` says before it begins."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from weft.jobs.commands import read_pipeline, show_shortages
from weft.pipelines.storage.store import Store

Weft = Callable[..., tuple[int, str, str]]


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    """Of 1,200 stretches of text, of which every fifth has eight times as many documents as others."""
    stretches = ("\n\n".join(["so it was, and then " * 6] * (8 if n % 5 else 1)) for n in range(1200))
    (tmp_path / "a.txt").write_text("".join(f"{stretch:1022}\n\n" for stretch in stretches))
    stage = {
        "mixture": {"total": 10_000, "unit": "samples", "shares": {"text": 1}},
        "context": 64,
        "model": {"config": {"model_type": "llama"}},
        "optimiser": {"lr": 1.0, "batch_tokens": 64},
    }
    source = {"use": "text", "path": str(tmp_path / "a.txt"), "documents": "paragraph", "stretch": 1024}
    whole = {
        "name": "one",
        "sources": {"s": source},
        "text": {"use": "bpe", "size": 300},
        "tasks": {"text": {"use": "text", "sources": ["s"]}},
        "training": {"pre": stage},
    }
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(whole))
    return str(tmp_path / "r.yaml")


def test_plan_and_build_read_the_same_items(
    weft: Weft, recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, output, _ = weft("plan", recipe)
    (planned,) = [line for line in output.splitlines() if line.startswith("too little data")]
    show_shortages(read_pipeline(recipe), Store(str(tmp_path / "corpus")))
    assert code == 1 and " ".join(capsys.readouterr().out.split()) == f"it seems: {planned}"
