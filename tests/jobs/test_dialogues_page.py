"""docs/dialogues.md: its ten lines are dialogues that espeak speaks, and its table names every field of a turn."""

import re
from dataclasses import fields
from pathlib import Path

from weft.pipelines.sources.common.tags import read_tags
from weft.pipelines.sources.script import Source
from weft.pipelines.storage.store import Store
from weft.pipelines.synthesize import Synthesize
from weft.pipelines.voices.common.emotions import EMOTIONS
from weft.pipelines.voices.espeak import Voice
from weft.schemas.text import Dialogue, Origin, Turn

PAGE = (Path(__file__).parents[2] / "docs/dialogues.md").read_text("utf-8")


def section(title: str) -> str:
    return re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[0]


def test_every_field_is_named() -> None:
    cells = " ".join(re.findall(r"^\|([^|]*)\|", section("A turn"), re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", cells)) == {field.name for field in fields(Turn)}
    assert all(f"`{field.name}`" in section("A turn") for field in fields(Origin))
    assert all(f"`{emotion}`" in section("A turn") for emotion in EMOTIONS if emotion)


def test_every_tag_is_one() -> None:
    tags = re.findall(r"`([(（]\w+[)）])`", section("Tags").split("A tag within")[0])
    assert len(tags) == 20 and all(read_tags(f"{tag} Hello.")[1] for tag in tags)


def test_the_ten_lines_are_spoken(tmp_path: Path) -> None:
    lines = re.findall(r"```jsonl\n(.*?)```", PAGE, re.DOTALL)[0]
    (tmp_path / "dialogues.jsonl").write_text(lines, "utf-8")
    source = Source(path=str(tmp_path / "dialogues.jsonl"))
    dialogues = [dialogue for item in source.items("d") for dialogue in source.read(item, Store(str(tmp_path)))]
    made = list(Synthesize(voice=Voice(), seed=1)(dialogues))
    assert len(made) == 10 and all(isinstance(dialogue, Dialogue) for dialogue in made)
    assert all(bool(turn.audio.data) == turn.is_spoken for dialogue in made for turn in dialogue.turns)
