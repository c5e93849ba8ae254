"""Scripts: dialogues from JSONL and from the grammar."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from weft.pipelines.sources import grammar
from weft.pipelines.sources.script import Source
from weft.pipelines.storage.store import Store
from weft.pipelines.writers.grammar import VERSION, dialogues
from weft.schemas.ledger import Unusable
from weft.schemas.text import Dialogue, Origin, Turn

TAXI = {"id": "taxi-77", "turns": [{"speaker": "a", "text": " Where  are you?", "emotion": "angry", "level": 2}]}


def write(folder: Path, *lines: object) -> Source:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    (folder / "d.jsonl").write_text(text, "utf-8", "surrogateescape")
    return Source(path=str(folder / "d.jsonl"), licence="CC0")


def test_a_line_is_a_dialogue(tmp_path: Path, store: Store) -> None:
    source = write(tmp_path, TAXI, "", {"turns": [{"speaker": "b", "text": "hm"}]})
    made = [d for item in source.items("d") for d in source.read(item, store)]
    assert [d.turns for d in made] == [
        (Turn(speaker="a", text="Where are you?", emotion="angry", level=2),),
        (Turn(speaker="b", text="hm", emotion="", level=1),),
    ]
    assert all(isinstance(d, Dialogue) and d.licence == "CC0" and d.source == "d" for d in made)
    assert [i.path for i in source.items("d")] == ["taxi-77", "3"]


def test_the_id_makes_the_key_so_moved_lines_keep_it(tmp_path: Path) -> None:
    other = {**TAXI, "id": "other"}
    before = {i.key: i.stamp for i in write(tmp_path, TAXI, other).items("d")}
    assert {i.key: i.stamp for i in write(tmp_path, other, TAXI).items("d")} == before


def test_an_edited_line_changes_its_item_alone(tmp_path: Path) -> None:
    other = {**TAXI, "id": "other"}
    before = {i.key: i for i in write(tmp_path, TAXI, other).items("d")}
    edited = {**TAXI, "turns": [{"speaker": "a", "text": "Hello?"}]}
    after = {i.key: i for i in write(tmp_path, edited, other).items("d")}
    assert before.keys() == after.keys()
    assert sum(before[k] != after[k] for k in before) == 1


@pytest.mark.parametrize(
    "line",
    [
        "not json", "[]", "5", "null", "{}", '{"turns": []}', '{"turns": 5}', '{"turns": [5]}',
        '{"turns": [{"text": "no speaker"}]}', '{"turns": [{"speaker": "a"}]}',
        '{"turns": [{"speaker": "a", "text": " "}]}', '{"turns": [{"speaker": "a", "text": "x", "level": 6}]}',
        '{"turns": [{"speaker": "a", "text": "x", "level": "high"}]}', "\udcff", "[" * 100_000,
        '{"turns": [{"speaker": "a", "text": "x", "level": 1e999}]}',
    ],
    ids=lambda line: ascii(line)[:40],
)  # fmt: skip
def test_a_bad_line_is_listed_and_rejected(tmp_path: Path, store: Store, line: str) -> None:
    source = write(tmp_path, TAXI, line)
    _, item = source.items("d")
    item.payload.encode()
    with pytest.raises(Unusable) as fault:
        list(source.read(item, store))
    assert fault.value.reason == "bad_dialogue"


def test_the_grammar_is_a_script_that_only_grows(store: Store) -> None:
    few = list(grammar.Source(count=3, seed=5).items("g"))
    more = list(grammar.Source(count=6, seed=5).items("g"))
    assert more[:3] == few
    assert len({i.key for i in more}) == 6
    source = grammar.Source(count=3, seed=5)
    assert all(d.turns for item in few for d in source.read(item, store))
    assert [i.payload for i in grammar.Source(count=3, seed=6).items("g")] != [i.payload for i in few]


def test_the_grammars_turns_arrive_whole_with_their_origin(store: Store) -> None:
    source = grammar.Source(count=30, seed=5)
    made = {d.key: d.turns for item in source.items("g") for d in source.read(item, store)}
    origin = Origin(writer="grammar", version=VERSION, seed=5)
    expected = [tuple(replace(turn, origin=origin) for turn in turns) for _, turns in dialogues(30, 5)]
    assert list(made.values()) == expected
    assert any(turn.pause for turns in expected for turn in turns) and any(t.overlap for ts in expected for t in ts)


def test_a_line_may_name_its_split(tmp_path: Path, store: Store) -> None:
    source = write(tmp_path, {**TAXI, "split": "dev"}, {**TAXI, "id": "other"})
    assert [d.split for item in source.items("d") for d in source.read(item, store)] == ["dev", ""]


def test_a_line_may_name_its_language_licence_tools_and_origin(tmp_path: Path, store: Store) -> None:
    more = {"language": "de", "licence": "MIT", "tools": [{"name": "clock"}], "origin": {"writer": "me"}}
    source = write(tmp_path, {**TAXI, **more})
    (made,) = (d for item in source.items("d") for d in source.read(item, store))
    assert (made.language, made.licence, made.tools) == ("de", "MIT", '[{"name": "clock"}]')
    assert [turn.origin.writer for turn in made.turns] == ["me"]


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"langauge": "de"}, "unknown field 'langauge'"),
        ({"tools": 5}, "tools is not a list"),
        ({"turns": [{"role": "judge", "text": "x"}]}, "turn 1: unknown role 'judge'"),
        ({"turns": [{"speaker": "a", "text": "(happy9) x"}]}, "turn 1: the tag"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_wrong_is_a_reject_that_says_where(tmp_path: Path, store: Store, more: dict, fault: str) -> None:
    source = write(tmp_path, {**TAXI, **more})
    (item,) = source.items("d")
    with pytest.raises(Unusable) as caught:
        list(source.read(item, store))
    assert caught.value.reason == "bad_dialogue" and fault in caught.value.detail
