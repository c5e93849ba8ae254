"""A corpus of questions, each with a right and a wrong answer, for tests of training stages."""

import json
from pathlib import Path

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.pipelines.storage.store import Store


def build_questions(root: Path, recipe: str, count: int = 24) -> Path:
    """Builds root/corpus from root/recipe.yaml, where QUESTIONS in `recipe` is the list of `count` questions; returns `root`."""
    lines = [
        {
            "text": f"How many are {n} and {n + 1}?",
            "fields": {"chosen": f"They are {2 * n + 1}.", "rejected": f"{n} is a lot."},
        }
        for n in range(count)
    ]
    (root / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (root / "recipe.yaml").write_text(recipe.replace("QUESTIONS", str(root / "questions.jsonl")))
    pipeline, store = read_pipeline(str(root / "recipe.yaml")), Store(str(root / "corpus"))
    build(pipeline, store, LocalEngine(store), lambda event: None, lambda works: None)
    return root
