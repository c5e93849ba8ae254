"""docs/how-it-works.md shows the sample that the demo composes of its clip, as far as that follows without audio."""

import re
from itertools import pairwise
from pathlib import Path
from random import Random

from weft.jobs.commands import read_pipeline
from weft.pipelines.mixing.column_checks import NPY_HEADER
from weft.pipelines.tasks.words import Task
from weft.schemas.fingerprint import hash64

PAGE = (Path(__file__).parents[2] / "docs/how-it-works.md").read_text("utf-8")


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def row(heading: str) -> dict[str, str]:
    """The one row of a section's table, by column."""
    head, _, cells = (line.strip("|").split("|") for line in section(heading).splitlines() if line.startswith("|"))
    return {name.strip(): cell.strip(" `") for name, cell in zip(head, cells, strict=True)}


def test_the_clip_is_cut_where_the_recipe_cuts_it() -> None:
    pipeline = read_pipeline("demo")
    task, words, key = pipeline.tasks["words"], row("Ingest")["text"].split(), row("Segment")["recording"] + "-0000"
    assert isinstance(task, Task)
    spans = task.spans(len(words), Random(hash64(pipeline.recipe.seed, key, "words", 0)))
    example = section("Compose").split("```")[1].strip()
    shown = re.findall(r"\[(Text|Speech)\]((?: [^\[]*)?)", example)
    text = {
        "Text": lambda span: "".join(f" {word}" for word in words[span.begin : span.end]),
        "Speech": lambda span: "",
    }
    assert shown == [(name := span.modality.capitalize(), text[name](span)) for span in spans]


def test_the_counts_of_the_sample_agree() -> None:
    """All tokens but the first count in `words`, and spans of the loss that meet are one."""
    sample, tokens = row("Compose"), int(row("Compose")["tokens"])
    assert tokens == int(sample["text_tokens"]) + int(sample["speech_tokens"]) == int(row("Order")["tokens"])
    loss = [tuple(map(int, span.split("–"))) for span in sample["loss"].split(", ")]
    assert (loss[0][0], loss[-1][1]) == (1, tokens)
    assert all(end < begin for (_, end), (begin, _) in pairwise(loss))
    assert int(row("Index")["npy_length"]) == NPY_HEADER + 4 * tokens
