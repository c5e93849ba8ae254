"""Splits from the command line: wrong settings by their line, unfair shares before any model is made, and the ledger."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from weft.jobs.build import build
from weft.jobs.commands import read_pipeline
from weft.jobs.engine import LocalEngine
from weft.jobs.schedule import WorkEvent
from weft.pipelines.mixing.audit import audit
from weft.pipelines.parts.splits import SplitError
from weft.pipelines.parts.tables import read_table
from weft.pipelines.storage.store import Store

Weft = Callable[..., tuple[int, str, str]]


def recipe(folder: Path, **books: Any) -> str:
    """A recipe of one text task over 60 paragraphs."""
    (folder / "a.txt").write_text("\n\n".join(f"paragraph {n} of the book, and {n * n} words" for n in range(60)))
    stage = {
        "mixture": {"total": 150, "shares": {"text": 1}}, "context": 64, "model": {"base": "none"},
        "optimiser": {"lr": 1.0, "batch_tokens": 64},
    }  # fmt: skip
    whole = {
        "name": "splits",
        "sources": {"books": {"use": "text", "path": str(folder), "documents": "paragraph", **books}},
        "text": {"use": "bpe", "size": 300},
        "tasks": {"text": {"use": "text", "sources": ["books"]}},
        "training": {"pre": stage},
    }
    (folder / "r.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
    return str(folder / "r.yaml")


def built(path: str, folder: Path) -> tuple[Store, list[WorkEvent]]:
    store, events = Store(str(folder / "corpus")), list[WorkEvent]()
    build(read_pipeline(path), store, LocalEngine(store), events.append, lambda works: None)
    return store, events


def test_what_is_held_out_is_in_no_shard_and_in_the_ledger(tmp_path: Path) -> None:
    path = recipe(tmp_path, hold_out={"items": 0.2})
    store, _ = built(path, tmp_path)
    report = audit(store, read_pipeline(path), deep=True)
    assert report.faults == ()
    train, validation = (
        next(n for n in report.nodes if n.node == f"compose/text/{p}/books") for p in ("pass-0", "validation")
    )
    assert (train.items_out, train.items_held) == (validation.items_held, validation.items_out)
    assert train.items_held > 2 and train.items_in == 60
    drawn = set(read_table(store, "shards/pre/index.parquet", ["text_hash"])["text_hash"].to_pylist())
    held = set(
        read_table(store, "compose/text/validation/books/part-00000.parquet", ["text_hash"])["text_hash"].to_pylist()
    )
    assert drawn and held and not drawn & held
    counts = json.loads(store.read("splits/books.json"))
    assert (counts["held_out"], counts["names"]) == (train.items_held, 60)


def test_building_again_does_nothing(tmp_path: Path) -> None:
    path = recipe(tmp_path, hold_out={"items": 0.2})
    built(path, tmp_path)
    _, events = built(path, tmp_path)
    assert {event.what for event in events} == {"kept"}


def test_a_share_of_nobody_fails_the_build_before_anything_learns(tmp_path: Path) -> None:
    path = recipe(tmp_path, hold_out={"items": 1e-9})
    with pytest.raises(SplitError, match=r"hold_out\.items 1e-09 of source books selects 0 of its 60 items"):
        built(path, tmp_path)
    assert not (tmp_path / "corpus" / "vocabulary").exists()


@pytest.mark.parametrize("share", [1e-9, 1 - 1e-9])
def test_plan_and_build_refuse_a_share_of_no_text_with_one_sentence(weft: Weft, tmp_path: Path, share: float) -> None:
    path = recipe(tmp_path, hold_out={"items": share})
    planned, built = weft("plan", path), weft("build", path, "--out", tmp_path / "corpus", "--engine", "local")
    assert (planned[0], built[0]) == (2, 2) and planned[2] == built[2]
    selects = "selects 0 of its 60 items" if share < 0.5 else "selects all 60 of its items"
    assert planned[2].startswith(f"hold_out.items {share:g} of source books {selects}, so nothing is ")
    assert not (tmp_path / "corpus" / "ingest").exists()


def test_plan_calls_no_share_of_text_one_of_nobody_of_which_it_read_a_part(
    weft: Weft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weft.jobs.first_look.MOST_READ", 1)
    path = recipe(tmp_path, hold_out={"items": 1e-9}, stretch=1024)
    assert weft("plan", path, "training.pre.mixture.exhausted=stop")[0] == 0


def test_text_that_cannot_be_read_now_may_have_somebody_to_hold_out(weft: Weft, tmp_path: Path) -> None:
    path = recipe(tmp_path, hold_out={"items": 1e-9})
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing")
    assert weft("plan", path, "training.pre.mixture.exhausted=stop")[0] == 0


@pytest.mark.parametrize("training", [True, False])
def test_plan_and_build_name_the_same_of_two_sources_that_hold_out_nobody(
    weft: Weft, tmp_path: Path, training: bool
) -> None:
    whole = yaml.safe_load(Path(recipe(tmp_path, hold_out={"items": 1e-9})).read_text())
    source = {"use": "grammar", "count": 5, "hold_out": {"items": 1e-9}}
    whole["sources"] = {"first": source, **whole["sources"], "last": source}
    if not training:
        del whole["training"]
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
    planned = weft("plan", tmp_path / "r.yaml")
    built = weft("build", tmp_path / "r.yaml", "--out", tmp_path / "corpus", "--engine", "local")
    assert (planned[0], built[0]) == (2, 2) and planned[2] == built[2]
    assert planned[2].startswith("hold_out.items 1e-09 of source first selects 0 of its 5 items")


def test_plan_refuses_a_share_of_nobody_with_both_counts_and_2(weft: Weft, tmp_path: Path) -> None:
    lines = [{"audio": f"{n}.wav", "speaker": f"s{n % 13}"} for n in range(65)]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    path = recipe(tmp_path)
    source = f"sources.read={{use: manifest, path: {tmp_path}/m.jsonl, hold_out: {{speakers: 1.0e-9}}}}"
    code, _, output = weft("plan", path, source)
    assert code == 2 and "hold_out.speakers 1e-09 of source read selects 0 of its 13 speakers" in " ".join(
        output.split()
    )
    assert weft("plan", path, source.replace("1.0e-9", "0.5"))[0] == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("split: banana", "sources.books.split: 'banana' is no split; there are train, validation, test"),
        ("hold_out: {items: 1}", "sources.books.hold_out.items: input should be less than 1"),
        ("hold_out: {speakers: 0.1}", "sources.books.hold_out: text has no speakers to hold out; it has items"),
        ("hold_out: {items: 0.1, recordings: 0.1}", "sources.books.hold_out: name one kind and its share"),
        ("splits: {odd: banana}", "sources.books.splits.odd: input should be 'train', 'validation' or 'test'"),
    ],
)
def test_validate_names_the_line(weft: Weft, tmp_path: Path, change: str, sentence: str) -> None:
    text = (
        Path(recipe(tmp_path))
        .read_text()
        .replace("    use: text\n    path", f"    {change}\n    use: text\n    path", 1)
    )
    (tmp_path / "r.yaml").write_text(text)
    code, _, errors = weft("validate", str(tmp_path / "r.yaml"))
    assert code == 2 and f"r.yaml line 4: {sentence}" in " ".join(errors.split())


def test_a_tasks_split_is_one_that_exists(weft: Weft, tmp_path: Path) -> None:
    code, _, output = weft("validate", recipe(tmp_path), "tasks.text.split=banana")
    assert code == 2 and "tasks.text.split: input should be 'train', 'validation' or 'test'" in " ".join(output.split())


def test_a_task_of_another_split_keeps_it_in_the_corpus(tmp_path: Path) -> None:
    path = recipe(tmp_path, hold_out={"items": 0.3})
    Path(path).write_text(
        Path(path).read_text().replace("  text:\n    use: text\n", "  text:\n    split: validation\n    use: text\n")
    )
    store, _ = built(path, tmp_path)
    assert set(read_table(store, "shards/pre/index.parquet", ["split"])["split"].to_pylist()) == {"validation"}
    assert read_pipeline(store.path("recipe.yaml")).tasks["text"].split == "validation"
