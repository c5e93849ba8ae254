"""Every shipped recipe that trains holds something out of every source, and the scaled ones select somebody of each embedded source."""

import json
from pathlib import Path

import pytest

from weft.jobs import demo
from weft.jobs.commands import read_pipeline
from weft.pipelines.corpus.hold_out import check_listing
from weft.pipelines.parts.splits import Splits
from weft.pipelines.sources import folder, manifest
from weft.pipelines.sources.common.scripted import ScriptedSource
from weft.pipelines.storage.store import Store
from weft.schemas.splits import HoldOut

SYSTEMS = ("spirit-lm-base", "spirit-lm-expressive", "step-audio-2", "step-audio-aqaa")


@pytest.mark.parametrize("recipe", [*SYSTEMS, *(f"{name}-small" for name in SYSTEMS)])
def test_every_source_of_every_task_holds_something_out(recipe: str) -> None:
    pipeline = read_pipeline(recipe)
    stages = pipeline.recipe.training.values()
    drawn = {
        (task, source) for stage in stages for task in stage.mixture.tasks for source in pipeline.tasks[task].sources
    }
    assert drawn == set(pipeline.validation_nodes)
    assert all(pipeline.splits(source).hold_out for source in pipeline.sources)


@pytest.mark.parametrize("recipe", ["step-audio-2-small", "step-audio-aqaa-small"])
def test_somebody_of_each_embedded_source_is_held_out(recipe: str) -> None:
    pipeline = read_pipeline(recipe)
    for space in pipeline.spaces:
        if not any(hasattr(pipeline.sources[name], "path") for name in space.splits):
            check_listing(space, pipeline.sources)


@pytest.mark.parametrize("recipe", ["step-audio-2-small", "step-audio-aqaa-small"])
def test_no_prompt_is_held_out_of_one_source_and_trained_on_in_another(recipe: str) -> None:
    pipeline = read_pipeline(recipe)
    splits_by_name: dict[str, set[str]] = {}
    for name, source in pipeline.sources.items():
        rule = pipeline.splits(name)
        for item in source.items(name) if isinstance(source, ScriptedSource) else ():
            for named in source.named(item, rule):
                splits_by_name.setdefault(named.items[0], set()).add(rule.of(named))
    assert {split for splits in splits_by_name.values() for split in splits} == {"train", "validation"}
    assert all(len(splits) == 1 for splits in splits_by_name.values())


def test_six_readers_of_the_demo_are_held_out_three_of_them_of_its_recordings() -> None:
    splits = Splits(space="readers", hold_out=HoldOut(speakers=0.1))
    held = [n for n in range(demo.SPEAKERS) if splits.selects(f"speaker{n:02d}")]
    assert len(held) == 6 and sum(n < 24 for n in held) == 3


def test_the_demo_names_the_speakers_of_its_folder_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "SENTENCES", 3)
    demo.speak_raw(tmp_path / "raw")
    lines = [json.loads(line) for line in (tmp_path / "raw.jsonl").read_text().splitlines()]
    assert [line["speaker"] for line in lines] == ["speaker00", "speaker01", "speaker02"]
    source, plain = manifest.Source(path=str(tmp_path / "raw.jsonl")), folder.Source(path=str(tmp_path / "raw"))
    read = [one for item in source.items("read") for one in source.read(item, Store("."))]
    beside = [one for item in plain.items("read") for one in plain.read(item, Store("."))]
    assert sorted((one.text, one.seconds) for one in read) == sorted((one.text, one.seconds) for one in beside)
