"""What is done again after a change and what is not, and that it is said before and while it is done."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
import yaml

from weft.jobs.build import build
from weft.jobs.changes import changes
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.jobs.schedule import WorkEvent
from weft.pipelines.storage.store import Store

SMALL_HUBERT = {
    "seconds": 20,
    "steps": 2,
    "swaps": 0,
    "batch_seconds": 4,
    "hidden": 32,
    "layers": 2,
    "heads": 2,
    "clusters": 16,
}
Weft = Callable[..., tuple[int, str, str]]


def ran(recipe: Path, out: Path, *overrides: str) -> list[WorkEvent]:
    pipeline, store = read_pipeline(str(recipe), overrides), Store(str(out))
    events: list[WorkEvent] = []
    build(pipeline, store, LocalEngine(store), events.append, lambda works: None)
    return events


def did(events: list[WorkEvent]) -> list[str]:
    return sorted(e.node for e in events if e.what == "done")


def again(events: list[WorkEvent]) -> dict[str, tuple[str, ...]]:
    return {e.node: e.why for e in events if e.again}


def changes_of(recipe: Path, out: Path, *overrides: str) -> list[str]:
    return changes(read_pipeline(str(recipe), overrides), Store(str(out)))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, material: Path) -> Path:
    """A folder with `raw`, `recipe.yaml` (alignment and text; no tokenizers) and a build of it in `corpus`."""
    root = tmp_path_factory.mktemp("changes")
    shutil.copytree(material / "raw", root / "raw")
    recipe = {
        "name": "small", "part_size": 4, "sources": {"speech": {"use": "folder", "path": str(root / "raw")}},
    }  # fmt: skip
    (root / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    ran(root / "recipe.yaml", root / "corpus")
    return root


@pytest.fixture
def built(home: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    shutil.copytree(home / "raw", tmp_path / "raw")
    shutil.copytree(home / "corpus", tmp_path / "corpus")
    recipe = yaml.safe_load((home / "recipe.yaml").read_text())
    recipe["sources"]["speech"]["path"] = str(tmp_path / "raw")
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return tmp_path


def test_the_same_clips_elsewhere_redo_ingest_alone(built: Path) -> None:
    for clip in (built / "raw").iterdir():
        os.utime(clip, (1, 1))
    events = ran(built / "recipe.yaml", built / "corpus")
    assert set(did(events)) == {"ingest/speech"}
    assert again(events) == {"ingest/speech": ("its input list/speech changed",)}
    assert did(ran(built / "recipe.yaml", built / "corpus")) == []


def test_nothing_is_done_again_where_only_the_place_changed_in_name(built: Path) -> None:
    (built / "raw").rename(built / "moved")
    events = ran(built / "recipe.yaml", built / "corpus", f"sources.speech.path={built / 'moved'}")
    assert did(events) == []  # a rename keeps the times


def test_one_edited_transcript_says_what_follows_from_it(built: Path) -> None:
    (built / "raw" / "03.txt").write_text("the old market was open again")
    before = changes_of(built / "recipe.yaml", built / "corpus")
    ingest, segment, align, aligner = before
    assert ingest == "ingest/speech: 1 of 3 parts again: its input list/speech changed"
    assert segment == "segment/speech: 1 of 3 parts again: perhaps, as ingest/speech is made again"
    assert align.startswith("align/speech: 3 of 3 parts again: perhaps, as aligner is made again")
    assert aligner == "aligner: perhaps, as segment/speech is made again"
    assert changes_of(built / "recipe.yaml", built / "corpus") == before  # and it has changed nothing
    events = ran(built / "recipe.yaml", built / "corpus")
    assert [e.why for e in events if e.node == "aligner"] == [("1 of its 12 training utterances changed",)]
    assert did(events).count("segment/speech") == 1 and did(events).count("align/speech") == 3
    assert changes_of(built / "recipe.yaml", built / "corpus") == []


def test_a_frozen_aligner_is_not_taught_by_an_edited_transcript(built: Path) -> None:
    frozen = "align.frozen=true"
    assert changes_of(built / "recipe.yaml", built / "corpus", frozen) == []
    (built / "raw" / "03.txt").write_text("the old market was open again")
    assert not any(line.startswith("aligner") for line in changes_of(built / "recipe.yaml", built / "corpus", frozen))
    events = ran(built / "recipe.yaml", built / "corpus", frozen)
    assert sorted(did(events)) == ["align/speech", "ingest/speech", "segment/speech"]
    (note,) = [e.why for e in events if e.node == "aligner"]
    assert note == ("aligner: frozen (1 of its 12 training utterances changed since it was trained)",)


def test_a_changed_setting_is_named_and_what_follows_is_not_done(built: Path) -> None:
    change = "segment.gap=1.5"
    lines = changes_of(built / "recipe.yaml", built / "corpus", change)
    assert lines[0] == "segment/speech: 3 of 3 parts again: setting `gap` was 2.0, is now 1.5"
    events = ran(built / "recipe.yaml", built / "corpus", change)
    assert did(events) == ["segment/speech"] * 3  # the same came out


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("sources.speech.limits.shortest=0.2", "setting `limits.shortest` was 0.1, is now 0.2"),
        ("sources.speech.limits.transcript=1000000", "setting `limits.transcript` was 16777216, is now 1000000"),
        ("reading.largest=1e6", "setting `reading.largest` was 4294967296.0, is now 1000000.0"),
    ],
)
def test_a_changed_limit_is_asked_of_every_item_and_what_follows_is_not_done(
    built: Path, change: str, why: str
) -> None:
    assert changes_of(built / "recipe.yaml", built / "corpus", change)[0] == f"ingest/speech: 3 of 3 parts again: {why}"
    assert did(ran(built / "recipe.yaml", built / "corpus", change)) == ["ingest/speech"] * 3  # the same came out


@pytest.mark.parametrize("change", ["reading.tries=1", "stages_in_memory=1"])
def test_what_shapes_no_record_does_nothing_again(built: Path, change: str) -> None:
    assert changes_of(built / "recipe.yaml", built / "corpus", change) == []


def test_a_limit_that_rejects_a_clip_removes_it_from_all_that_follows(built: Path) -> None:
    """And a limit that lets it in again brings it back."""
    frozen = "align.frozen=true"
    before = files_of(built / "corpus" / "segment")
    shortest = min(soundfile.info(clip).duration for clip in (built / "raw").glob("*.flac"))
    change = f"sources.speech.limits.shortest={shortest + 0.001}"
    events = ran(built / "recipe.yaml", built / "corpus", change, frozen)
    assert did(events).count("ingest/speech") == 3 and did(events).count("segment/speech") == 1
    assert files_of(built / "corpus" / "segment") != before
    ran(built / "recipe.yaml", built / "corpus", frozen)
    assert files_of(built / "corpus" / "segment") == before


def test_a_limit_of_one_source_leaves_the_others_alone(built: Path, material: Path) -> None:
    recipe = yaml.safe_load((built / "recipe.yaml").read_text())
    recipe["sources"]["books"] = {"use": "text", "path": str(material / "books")}
    (built / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    ran(built / "recipe.yaml", built / "corpus")
    change = "sources.books.expanded=2048"
    (line,) = changes_of(built / "recipe.yaml", built / "corpus", change)
    assert line == "ingest/books: setting `expanded` was 268435456, is now 2048"
    assert did(ran(built / "recipe.yaml", built / "corpus", "sources.speech.limits.slack=0.2", change)) == [
        "ingest/books",
        *["ingest/speech"] * 3,
    ]


def test_a_clip_more_touches_one_part_and_splits_at_most_one(built: Path) -> None:
    shutil.copy(built / "raw" / "03.flac", built / "raw" / "more.flac")
    shutil.copy(built / "raw" / "03.txt", built / "raw" / "more.txt")
    lines = changes_of(built / "recipe.yaml", built / "corpus", "align.frozen=true")
    assert "ingest/speech: 1 of 4 parts is new" in lines
    events = ran(built / "recipe.yaml", built / "corpus", "align.frozen=true")
    assert 1 <= did(events).count("align/speech") <= 3


def test_a_corpus_that_is_not_there_is_new(built: Path) -> None:
    lines = changes_of(built / "recipe.yaml", built / "nowhere")
    assert lines[0] == "ingest/speech: 3 of 3 parts are new" and "aligner: new" in lines
    assert not (built / "nowhere").exists()


def test_the_command_says_it(built: Path, weft: Weft) -> None:
    code, page, _ = weft("plan", built / "recipe.yaml", "--out", built / "corpus", "--changes")
    assert (code, page.strip().split(": ")[-1]) == (0, "nothing would be done again")
    code, page, _ = weft("plan", built / "recipe.yaml", "segment.gap=1.5", "--out", built / "corpus", "--changes")
    assert code == 0 and "setting `gap` was 2.0, is now 1.5" in page
    code, _, wrong = weft("plan", built / "recipe.yaml", "--changes")
    assert code == 2 and "name the corpus" in wrong


def test_shards_are_the_same_bytes_wherever_the_inputs_lie(
    tmp_path: Path, material: Path, write_recipe: Callable[..., Path]
) -> None:
    changes = {
        "tokenizers": {"hubert": {"use": "hubert", "size": 12, "layer": 1, "training": SMALL_HUBERT}},
        "align": {"use": "sphinx"},
        "training": {"pretrain": {**TRAINING, "mixture": {"total": 600, "shares": {"words": 1, "text": 1}}}},
    }
    shutil.copytree(material, tmp_path / "one")
    first = ran(at(write_recipe, tmp_path, "one", changes), tmp_path / "corpus")
    assert not again(first)
    shards = files_of(tmp_path / "corpus" / "shards")
    shutil.copytree(tmp_path / "one", tmp_path / "two", copy_function=shutil.copyfile)
    shutil.rmtree(tmp_path / "one")
    moved = ran(at(write_recipe, tmp_path, "two", changes), tmp_path / "corpus")
    assert set(did(moved)) == {"ingest/speech", "ingest/books"}
    assert files_of(tmp_path / "corpus" / "shards") == shards
    recipe, out = tmp_path / "recipe.yaml", tmp_path / "corpus"
    assert (
        changes_of(recipe, out, "tokenizers.hubert.device=cuda", "tokenizers.hubert.batch=7") == []
    )  # how fast, not what
    lines = changes_of(recipe, out, "tasks.words.text_words=[1, 2]")
    changed, *rest = lines
    assert changed.startswith(
        "compose/words/pass-0/speech: 3 of 3 parts again: setting `text_words` was [1, 3], is now [1, 2]"
    )
    assert {line.partition(":")[0] for line in rest} >= {
        "order/words/pass-0/speech",
        "plan/pretrain",
        "shards/pretrain",
        "index/pretrain",
    }
    assert not any(
        line.startswith(("ingest", "segment", "align", "encode", "models", "compose/text", "order/text"))
        for line in lines
    )


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


TRAINING = {
    "context": 128, "model": {"base": "none"}, "optimiser": {"lr": 1e-3, "batch_tokens": 512, "steps": 1},
}  # fmt: skip


def at(write_recipe: Callable[..., Path], root: Path, place: str, changes: dict[str, Any]) -> Path:
    """The recipe over material that lies at `place`."""
    sources = {
        "speech": {"use": "folder", "path": str(root / place / "raw")},
        "books": {"use": "text", "path": str(root / place / "books"), "stretch": 1024},
    }
    tasks = {
        "words": {"use": "words", "sources": ["speech"], "text_words": [1, 3], "speech_words": [1, 3]},
        "text": {"use": "text", "sources": ["books"]},
    }
    return write_recipe(root / "recipe.yaml", **{**changes, "sources": sources, "tasks": tasks})


def test_nothing_of_the_corpus_is_touched_when_changes_are_shown(built: Path) -> None:
    """Not even listing parts that a smaller source no longer has."""
    for clip in sorted((built / "raw").iterdir())[8:]:
        clip.unlink()
    before = {p: p.read_bytes() for p in (built / "corpus").rglob("*") if p.is_file()}
    assert changes_of(built / "recipe.yaml", built / "corpus")
    assert {p: p.read_bytes() for p in (built / "corpus").rglob("*") if p.is_file()} == before


@pytest.fixture(scope="module")
def mixed_home(tmp_path_factory: pytest.TempPathFactory, material: Path) -> Path:
    """A corpus of text alone with one stage of training."""
    root = tmp_path_factory.mktemp("mixed")
    mixture = {"total": 400, "shares": {"text": 2, "again": 1}, "exhausted": "repeat", "passes": 9}
    recipe = {
        "name": "mixed", "part_size": 4, "align": {"use": "none"}, "text": {"use": "bpe", "size": 300},
        "sources": {"books": {"use": "text", "path": str(material / "books"), "stretch": 1024}},
        "tasks": {name: {"use": "text", "sources": ["books"]} for name in ("text", "again")},
        "training": {"pretrain": {**TRAINING, "mixture": mixture}},
    }  # fmt: skip
    (root / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    ran(root / "recipe.yaml", root / "corpus")
    return root


@pytest.mark.parametrize(
    ("change", "node", "why"),
    [
        (
            "training.pretrain.mixture.shares.text=3",
            "plan/pretrain",
            "setting `mixture.shares.text` was 2.0, is now 3.0",
        ),
        ("training.pretrain.mixture.total=500", "plan/pretrain", "setting `mixture.total` was 400"),
        ("training.pretrain.context=64", "plan/pretrain", "setting `context` was 128, is now 64"),
    ],
)
def test_plans_tars_and_indexes_say_why(mixed_home: Path, tmp_path: Path, change: str, node: str, why: str) -> None:
    shutil.copytree(mixed_home / "corpus", tmp_path / "corpus")
    recipe, out = mixed_home / "recipe.yaml", tmp_path / "corpus"
    assert changes_of(recipe, out) == []
    lines = changes_of(recipe, out, change)
    (first,) = [line for line in lines if line.startswith(f"{node}:")]
    assert why in first
    assert any(line.startswith("shards/pretrain: ") and "as plan/pretrain is made again" in line for line in lines)
    (index,) = [line for line in lines if line.startswith("index/pretrain: ")]
    assert "as plan/pretrain is made again" in index
    whys = again(ran(recipe, out, change))
    assert any(why in phrase for phrase in whys[node])
    assert "its input plan/pretrain changed" in whys["index/pretrain"]
    assert changes_of(recipe, out, change) == []


def test_orders_say_why(mixed_home: Path, tmp_path: Path) -> None:
    """The groups of so small a corpus stay as they are, and with them what comes after the orders."""
    shutil.copytree(mixed_home / "corpus", tmp_path / "corpus")
    recipe, out = mixed_home / "recipe.yaml", tmp_path / "corpus"
    lines = changes_of(recipe, out, "shards.bytes=20000")
    assert any(line.startswith("order/text/pass-0/books: setting `shards.bytes` was") for line in lines)
    whys = again(ran(recipe, out, "shards.bytes=20000"))
    assert any("setting `shards.bytes` was" in phrase for phrase in whys["order/text/pass-0/books"])
    assert "index/pretrain" not in whys


def phrases(events: list[WorkEvent], node: str) -> set[str]:
    return {phrase for event in events if event.node == node and event.again for phrase in event.why}


def test_a_plan_that_draws_more_or_fewer_passes_blames_no_input_that_is_the_same(
    mixed_home: Path, tmp_path: Path
) -> None:
    def of(total: int) -> list[WorkEvent]:
        changes = ("sources.books.documents=paragraph", f"training.pretrain.mixture.total={total}")
        return ran(mixed_home / "recipe.yaml", tmp_path / "corpus", *changes)

    of(4500)
    passes = len(list((tmp_path / "corpus" / "compose" / "text").glob("pass-*")))
    for events in (of(2500), of(3500)):
        plans = phrases(events, "plan/pretrain")
        assert plans and not any("input" in phrase and phrase.endswith(" changed") for phrase in plans)
        tars = phrases(events, "shards/pretrain")
        assert tars and all(phrase.startswith("plan/pretrain takes ") for phrase in tars)
    further = phrases(of(30_000), "plan/pretrain")
    new = f"its input order/text/pass-{passes}/books is new"
    assert {"setting `mixture.total` was 3500.0, is now 30000.0", new} <= further
    back = phrases(of(3500), "plan/pretrain")
    assert f"its input order/text/pass-{passes}/books is no longer needed" in back
    assert not any("input order" in phrase and phrase.endswith(" changed") for phrase in {*further, *back})


@pytest.mark.parametrize("tars", ["changed", "gone from compose/", "new in compose/"])
def test_texts_that_changed_came_or_went_each_give_their_own_reason(material: Path, tmp_path: Path, tars: str) -> None:
    """A text file a document. One that is edited is another sample; with another licence it is the same one, changed."""
    text = (material / "books" / "text.txt").read_text()
    documents = text.split("\n\n")
    books = tmp_path / "books"
    books.mkdir()
    for n, document in enumerate(documents):
        (books / f"{n:02d}.txt").write_text(document)
    mixture = {"unit": "samples", "total": len(documents) - 2, "shares": {"text": 1}}
    recipe = {
        "name": "each", "part_size": 4, "align": {"use": "none"}, "text": {"use": "bpe", "size": 300, "frozen": True},
        "sources": {"books": {"use": "text", "path": str(books)}},
        "tasks": {"text": {"use": "text", "sources": ["books"]}}, "training": {"pretrain": {**TRAINING, "mixture": mixture}},
    }  # fmt: skip
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    ran(tmp_path / "recipe.yaml", tmp_path / "corpus")
    if tars == "changed":
        recipe["sources"] = {"books": {"use": "text", "path": str(books), "licence": "CC0-1.0"}}
        (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    elif tars.startswith("gone"):
        for file in sorted(books.iterdir())[:2]:
            file.unlink()
    else:
        for n in range(6):
            (books / f"more-{n}.txt").write_text(f"a new text of its own, number {n}")
    events = ran(tmp_path / "recipe.yaml", tmp_path / "corpus")
    said_of_tars = phrases(events, "shards/pretrain")
    assert any(tars in phrase for phrase in said_of_tars), said_of_tars
    kinds = {"changed", "gone from compose/", "new in compose/"} - {tars}
    assert not any(kind in phrase for kind in kinds for phrase in said_of_tars)
    assert "its input order/text/pass-0/books changed" in phrases(events, "plan/pretrain")
