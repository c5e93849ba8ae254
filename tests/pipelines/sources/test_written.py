"""Sources that weft writes itself: listed and read the same each time, with what their tasks need."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from weft.jobs.sampled_sizes import sampled_size
from weft.pipelines.parts.splits import Splits
from weft.pipelines.sources import checkable, grammar, pairs, pictures, preferences, questions, scenes, tools
from weft.pipelines.sources.base import Source
from weft.pipelines.storage.store import Store
from weft.pipelines.synthesize import Synthesize
from weft.pipelines.voices.common.measured import VoiceMeasures
from weft.pipelines.voices.espeak import Voice
from weft.schemas.splits import HoldOut
from weft.schemas.text import Dialogue, Document

NAMED = {
    "red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 128, 0), "yellow": (255, 255, 0), "black": (0, 0, 0),
    "purple": (128, 0, 128),
}  # fmt: skip
SOURCES: tuple[Any, ...] = (pairs.Source, tools.Source, preferences.Source, checkable.Source, pictures.Source)


def records(source: Source, store: Store) -> list[Any]:
    return [record for item in source.items("s") for record in source.read(item, store)]


@pytest.mark.parametrize("kind", SOURCES)
def test_more_items_keep_the_earlier_ones(kind: Any, store: Store) -> None:
    few, many = (records(kind(count=count, seed=5), store) for count in (10, 30))
    assert many[:10] == few and len({record.key for record in many}) == 30
    assert records(kind(count=10, seed=6), store) != few
    assert list(kind(count=3).items("s")) == list(kind(count=3).items("s"))


@pytest.mark.parametrize("kind", SOURCES)
def test_records_have_the_fields_that_the_source_says(kind: Any, store: Store) -> None:
    names = set()
    for record in records(kind(count=30), store):
        turns = record.turns if isinstance(record, Dialogue) else ()
        names |= {field.name for one in (record, *turns) for field in one.fields}
    assert names == kind(count=1).field_names


@pytest.mark.parametrize("kind", [grammar.Source, pairs.Source, tools.Source, preferences.Source])
def test_no_prompt_that_is_held_out_is_trained_on(kind: Any, store: Store) -> None:
    rule = Splits(space="s", hold_out=HoldOut(items=0.2))
    asked: dict[str, set[tuple[str, ...]]] = {"train": set(), "validation": set()}
    for talk in records(kind(count=1000, seed=3), store):
        last = max(n for n, turn in enumerate(talk.turns) if turn.role == "human")
        asked[rule.of(rule.named(talk))].add(tuple(turn.text for turn in talk.turns[: last + 1]))
    assert asked["train"] and asked["validation"] and not asked["train"] & asked["validation"]


def test_a_pair_is_a_dialogue_in_two_languages(store: Store) -> None:
    (one,) = records(pairs.Source(count=1, languages=("de", "en")), store)
    assert [(turn.role, turn.language) for turn in one.turns] == [("system", ""), ("human", "de"), ("assistant", "en")]
    system, human, assistant = one.turns
    assert system.text == "Translate the speech into English."
    assert (human.fields[0].value, assistant.fields[0].value) == (assistant.text, human.text)
    (bare,) = records(pairs.Source(count=1, instruction=""), store)
    assert [turn.role for turn in bare.turns] == ["human", "assistant"]


def test_tools_stand_after_a_system_turn(store: Store) -> None:
    for one in records(tools.Source(count=20), store):
        assert one.turns[0].role == "system" and len(json.loads(one.tools)) == 4
        roles = [turn.role for turn in one.turns[1:]]
        assert roles in (["human", "assistant", "tool", "assistant"], ["human", "assistant"])


def test_checkable_tasks_are_documents(store: Store) -> None:
    made = records(checkable.Source(count=5), store)
    assert all(isinstance(one, Document) and one.text and one.seconds == 0 for one in made)


def test_a_picture_lies_in_its_record_and_has_the_colours_of_its_caption(store: Store) -> None:
    for one in records(pictures.Source(count=30), store):
        assert isinstance(one, Document)
        image = Image.open(io.BytesIO(base64.b64decode(one.fields[0].value.partition(",")[2])))
        named = (rgb for name, rgb in NAMED.items() if name in one.text.split())
        assert {colour for _, colour in image.getcolors()} == {(255, 255, 255), *named}


@pytest.mark.parametrize("kind", [pairs.Source, tools.Source, preferences.Source])
def test_the_embedded_voice_speaks_them(kind: Any, store: Store, tmp_path: Path) -> None:
    made = list(Synthesize(voice=Voice(), seed=1)(records(kind(count=6), store)))
    assert all(isinstance(one, Dialogue) for one in made)
    assert all(bool(turn.audio.data) == turn.is_spoken for one in made for turn in one.turns)


@pytest.mark.parametrize(("kind", "rate"), [(scenes.Source, 16000), (questions.Source, 22050)])
def test_sound_is_made_and_measured(kind: Any, rate: int, ingested: Callable) -> None:
    made, rejects = ingested(kind(count=6))
    assert not rejects and {one.rate for one in made} == {rate}
    assert all({field.name for field in one.fields} == kind(count=1).field_names for one in made)
    again, _ = ingested(kind(count=3))
    assert [one.sha256 for one in again] == [one.sha256 for one in made[:3]]


def test_a_voice_that_does_not_follow_its_design_is_a_reject(
    ingested: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "measured", lambda spoken: VoiceMeasures(pitch=145.0, rate=4.0, pause=0.0))
    made, rejects = ingested(questions.Source(count=6))
    assert {reject.reason for reject in rejects} == {"not_as_designed"} and len(made) + len(rejects) == 6
    assert all("its" in reject.detail and "pitch=145.0" in reject.detail for reject in rejects)


@pytest.mark.parametrize("kind", [scenes.Source, questions.Source])
def test_a_plan_knows_how_long_they_are(kind: Any, ingested: Callable) -> None:
    source = kind(count=6)
    held = sampled_size("speech", source)
    made, _ = ingested(source)
    assert (held.records, held.unreadable) == (6, 0)
    assert held.seconds == pytest.approx(sum(one.seconds for one in made), rel=0.35)


@pytest.mark.parametrize("kind", [scenes.Source, questions.Source])
def test_none_is_longer_than_their_facts_say(kind: Any, ingested: Callable) -> None:
    source = kind(count=12)
    made, _ = ingested(source)
    assert max(one.seconds for one in made) <= source.facts.longest
    assert max(map(source.seconds_of, kind(count=500).items("speech"))) <= source.facts.longest


@pytest.mark.parametrize("kind", [pairs.Source, tools.Source, preferences.Source])
def test_many_speakers_speak_so_that_some_can_be_held_out(kind: Any, store: Store) -> None:
    spoken = [[t.speaker for t in one.turns if t.is_spoken] for one in records(kind(count=60), store)]
    assert all(len(set(names)) == 2 for names in spoken)
    assert len({name for names in spoken for name in names}) > 15
