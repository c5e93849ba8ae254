"""docs/data.md: ten lines of each kind, as a user would write them, become samples of the task beside them."""

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import yaml

from weft.pipelines.audio.sound import flac
from weft.pipelines.choices.registry import load
from weft.pipelines.ingest import Ingest
from weft.pipelines.segment import Segment
from weft.pipelines.segmenters.silero import Segmenter
from weft.pipelines.sources import manifest, script, text
from weft.pipelines.sources.common.named_texts import NAMES
from weft.pipelines.storage.store import Store
from weft.pipelines.tasks.base import Material, Spoken, Task
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.turns import Turns
from weft.schemas.audio import Codes, Utterance
from weft.schemas.text import Dialogue, Document
from weft.schemas.vocabulary import Codebook, Vocabulary

PAGE = (Path(__file__).parents[2] / "docs/data.md").read_text("utf-8")
LINES = dict(re.findall(r"^```jsonl (\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
TASKS = dict(re.findall(r"^```yaml (\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
SPEECH, SCRIPTS = ("questions", "captions", "reasoning", "translations"), ("pairs", "tools", "preferences")
TEXTS = ("checkable", "choices")
CODES = 7  # of each utterance: as good as any
CODEBOOK = Codebook(tokenizer="codes", literal="<audio_{}>", first=2_000_000, size=16)
VOCABULARY = Vocabulary(text_size=0, bos=None, markers=(), codebooks=(CODEBOOK,), size=0, text_fingerprint="")


def test_each_kind_has_ten_lines_and_a_task() -> None:
    assert set(LINES) == set(TASKS) - {"dialogues"} == {*SPEECH, *SCRIPTS, *TEXTS, "images"}
    assert all(len(lines.splitlines()) == 10 for lines in LINES.values())
    table = PAGE.split("## Fields")[1].split("| source |")[0]
    assert set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE)))) == set(NAMES)


def source_of(kind: str, folder: Path) -> Any:
    path = folder / "lines.jsonl"
    path.write_text(LINES[kind], "utf-8")
    if kind in SPEECH:
        (folder / "clips").mkdir()
        clip = flac((np.sin(np.arange(20000) / 20) * 0.5).astype(np.float32), 16000)
        for line in LINES[kind].splitlines():
            (folder / json.loads(line)["audio"]).write_bytes(clip)
    kinds = dict.fromkeys(TEXTS, text) | dict.fromkeys(SPEECH, manifest) | dict.fromkeys(SCRIPTS, script)
    return kinds[kind].Source(path=str(path))


def spoken(utterance: Utterance) -> Spoken:
    codes = Codes(
        key="u", seconds=1.0, tokenizers=("codes",), models=("m",), rate=float(CODES), ticks=CODES, which=(0,) * CODES,
        ids=tuple(range(CODES)), starts=tuple(range(CODES)),
    )  # fmt: skip
    return Spoken(utterance=utterance, codes={"codes": codes})


def materials(kind: str, folder: Path) -> list[Material]:
    source = source_of(kind, folder)
    ingest = Ingest(source=source)
    ingest.setup(Store(str(folder)))
    records = list(ingest(source.items("mine")))
    if kind in TEXTS:
        return [Material(record) for record in records if isinstance(record, Document)]
    if kind in SCRIPTS:
        return [Material(one, tuple(map(spoken, Turns()([one])))) for one in records if isinstance(one, Dialogue)]  # type: ignore[arg-type]
    cut = Segment(segmenter=Segmenter())(records)
    return [Material(one, (spoken(one),)) for one in cut if isinstance(one, Utterance)]


def composed(kind: str, material: Material) -> tuple[str, str]:
    """What the model is given and what it must say, with `~` for a code; of a prompt what its reply is checked with."""
    settings = yaml.safe_load(TASKS[kind])
    task = load("tasks", settings.pop("use")).model_validate({"sources": ("mine",), **settings})
    assert isinstance(task, Task)
    builder = SampleBuilder(VOCABULARY, lambda piece: list(map(ord, piece)))
    task.compose(material, builder, Random(0))
    spans = [(s.loss, builder.ids[s.begin : s.end]) for s in builder.segments]
    given, target = (
        "".join("~" if i >= CODEBOOK.first else chr(i) for loss, ids in spans for i in ids if loss is wanted)
        for wanted in (False, True)
    )
    return given, target or builder.answer


@pytest.mark.parametrize("kind", sorted({*SPEECH, *SCRIPTS, *TEXTS}))
def test_ten_lines_become_ten_samples_of_the_task(kind: str, tmp_path: Path) -> None:
    made = [composed(kind, material) for material in materials(kind, tmp_path)]
    lines = [json.loads(line) for line in LINES[kind].splitlines()]
    assert len(made) == 10
    for given, target in made:
        line = next(line for line in lines if is_of(line, given, target))
        lines.remove(line)


def without_tags(text: str) -> str:
    return re.sub(r"[(（]\w+[)）]", "", text).strip()


def is_of(line: dict[str, Any], given: str, target: str) -> bool:
    """Whether a sample is that of a line: what is asked is given, and what answers it is the target."""
    asked = [line["question"]] if "question" in line else []
    answers = [
        line[name] for name in ("thought", "answer", "caption", "translation", "chosen", "rejected") if name in line
    ]
    for turn in line.get("turns", ()):
        if turn.get("role") == "assistant" and "text" in turn:
            answers.append(without_tags(turn["text"]))
    plain = target.replace("~", "")
    people = not any("role" in turn for turn in line.get("turns", ()))  # all that they say is the target
    return (
        all(text in given for text in asked)
        and all(text in plain for text in answers)
        and ("~" in given or "text" in line or (people and "~" in target))
    )
