"""The audit of a small corpus of text: silent when all is well, and loud about each kind of harm."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weft.pipelines.corpus.corpus_folder import mark
from weft.pipelines.corpus.listing import list_source
from weft.pipelines.graph import Pipeline
from weft.pipelines.mixing.audit import audit
from weft.pipelines.mixing.index import VERSION, write_index
from weft.pipelines.mixing.order_work import OrderWork
from weft.pipelines.mixing.plan import plan
from weft.pipelines.mixing.plan_files import read_summary, read_tars
from weft.pipelines.mixing.plan_request import PlanRequest
from weft.pipelines.mixing.plan_work import PlanWork, ValidationPlanWork
from weft.pipelines.mixing.shard_work import IndexWork, ShardWork
from weft.pipelines.mixing.shards import index_name, rows_name, tar_name, write_shard
from weft.pipelines.mixing.stream_audit import StreamAudit
from weft.pipelines.mixing.stream_shares import shares_of
from weft.pipelines.models.model_work import TokenizerWork
from weft.pipelines.parts.runner import Runner
from weft.pipelines.parts.tables import read_part, write_part
from weft.pipelines.storage.checksums import BLANK, KEY, add_checksums_to
from weft.pipelines.storage.damage import remedy
from weft.pipelines.storage.store import Store
from weft.schemas.ledger import LedgerRow
from weft.schemas.plan import VALIDATION, VALIDATION_STAGE, node_of
from weft.schemas.recipe import Recipe

TEXT = {"use": "text", "stretch": 1024, "documents": "paragraph"}


def recipe(root: Path) -> Recipe:
    stage = {
        "mixture": {"total": 5000, "shares": {"prose": 2, "verse": 1}, "exhausted": "repeat", "passes": 2},
        "context": 64, "model": {"base": "none"}, "optimiser": {"lr": 1.0, "batch_tokens": 64},
    }  # fmt: skip
    return Recipe.model_validate(
        {
            "name": "texts",
            "part_size": 2,
            "sources": {n: {**TEXT, "path": str(root / n)} for n in ("prose", "verse")},
            "text": {"use": "bpe", "size": 300},
            "tasks": {n: {"use": "text", "sources": [n]} for n in ("prose", "verse")},
            "shards": {"bytes": 40000},
            "training": {"pre": stage},
        }
    )


def build(root: Path) -> None:
    """What `jobs/` does, in order, without the tokenizer that no task uses."""
    pipeline, store = Pipeline(recipe(root)), Store(str(root / "corpus"))
    runner = Runner(store)
    parts = {n: list_source(store, n, source, pipeline.recipe.part_size) for n, source in pipeline.sources.items()}
    works = [w for w in pipeline.works(parts) if not isinstance(w, TokenizerWork)]
    works += [w for task in pipeline.tasks for w in pipeline.compose(task, 1, parts)]
    passes = [node_of(task, n, task) for task in pipeline.tasks for n in (0, 1)]
    passes += [node_of(task, VALIDATION, task) for task in pipeline.tasks]
    works += [OrderWork(node, parts[node.rpartition("/")[2]], pipeline.recipe.shards.bytes) for node in passes]
    for work in works:
        runner.run(work)
    mark(store)
    stage = pipeline.recipe.training["pre"]
    runner.run(PlanWork(PlanRequest("pre", stage, {(task, task): 2 for task in pipeline.tasks})))
    runner.run(ValidationPlanWork(pipeline.validation_nodes))
    for name in ("pre", VALIDATION_STAGE):
        tars = [ShardWork(name, tar) for tar in read_tars(store, name)]
        for tar in tars:
            runner.run(tar)
        runner.run(IndexWork(name, tuple(t.makes for t in tars)))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("texts")
    for name, words in (("prose", 23), ("verse", 7)):
        (root / name).mkdir()
        lines = [" ".join(f"{name} {n} word {w}" for w in range(3 + (n * 7) % words)) for n in range(60)]
        (root / name / "a.txt").write_text("\n\n".join(lines[:30]))
        (root / name / "b.txt").write_text("\n\n".join(lines[30:]))
    (root / "prose" / "bad.txt").write_bytes(b"\xff\n\ngood\n")
    build(root)
    mark(Store(str(root / "corpus")))
    return root


@pytest.fixture
def pipeline(built: Path) -> Pipeline:
    return Pipeline(recipe(built))


def tars_of(store: Store) -> list[str]:
    """The stage's tars, in the order of the stream."""
    return [tar_name("pre", tar) for tar in read_tars(store, "pre")]


@pytest.fixture
def corpus(built: Path, tmp_path: Path) -> Store:
    """A copy to do harm to."""
    shutil.copytree(built / "corpus", tmp_path / "corpus")
    return Store(str(tmp_path / "corpus"))


@pytest.mark.parametrize("deep", [False, True])
def test_a_sound_corpus_has_no_faults(corpus: Store, pipeline: Pipeline, deep: bool) -> None:
    found = audit(corpus, pipeline, deep)
    assert found.faults == ()
    (stage,) = found.stages
    assert (stage.stage, stage.unit, stage.size, stage.shards) == (
        "pre",
        "tokens",
        5000.0,
        len(corpus.names("shards", ".tar")),
    )
    assert stage.bytes == sum(corpus.size(n) for n in corpus.names("shards", ".tar"))
    assert stage.draws == pq.read_metadata(f"{corpus.root}/{index_name('pre')}").num_rows
    prose, verse = stage.tasks
    assert (prose.task, verse.task) == ("prose", "verse")
    assert prose.declared == pytest.approx(2 / 3) and verse.declared == pytest.approx(1 / 3)
    for task in stage.tasks:
        assert abs(task.off) <= task.worst <= task.sample
        assert abs(task.realised - task.declared) <= task.sample / 5000
    assert 5000 <= prose.tokens + verse.tokens < 5000 + max(prose.sample, verse.sample) * 3


def test_rejects_are_counted_with_an_example(corpus: Store, pipeline: Pipeline) -> None:
    found = audit(corpus, pipeline)
    (reject,) = found.rejects
    assert (reject.stage, reject.reason, reject.items) == ("ingest", "not_utf8", 1)
    assert reject.example.startswith("bad.txt: ")
    ingest = next(n for n in found.nodes if n.node == "ingest/prose")
    assert (ingest.items_rejected, ingest.items_in + ingest.items_made) == (1, ingest.items_out + 1)


def full_part(store: Store) -> str:
    """An ingested part with rows in it."""
    names = store.names("ingest/prose")
    return next(n for n in names if pq.read_metadata(f"{store.root}/{n}").num_rows)


def faults(store: Store, pipeline: Pipeline, deep: bool = False) -> str:
    return "\n".join(audit(store, pipeline, deep).faults)


@pytest.mark.parametrize(
    "name",
    [
        "ingest/prose/part-00001.parquet", "compose/verse/pass-1/verse/part-00000.parquet",
        "rejects/ingest/prose/part-00000.parquet",
    ],
)  # fmt: skip
def test_a_part_that_is_gone(corpus: Store, pipeline: Pipeline, name: str) -> None:
    corpus.remove(name)
    assert f"{name} is missing" in faults(corpus, pipeline)


def test_a_part_that_was_cut_off(corpus: Store, pipeline: Pipeline) -> None:
    name = full_part(corpus)
    corpus.write(name, corpus.read(name)[:-100])
    assert name in faults(corpus, pipeline)


def test_a_part_with_a_row_too_few(corpus: Store, pipeline: Pipeline) -> None:
    name = full_part(corpus)
    table = pq.read_table(f"{corpus.root}/{name}")
    pq.write_table(table.slice(1), f"{corpus.root}/{name}")
    assert f"{name} was not written by" in faults(corpus, pipeline)


def test_a_ledger_that_is_gone(corpus: Store, pipeline: Pipeline) -> None:
    corpus.remove(f"ledger/{full_part(corpus)}")
    assert "items left ingest/prose and" in faults(corpus, pipeline)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"items_in": 1}, "ledger: ingest/prose part 0: 1 item vanished"),
        ({"seconds_out": 5.0}, "ledger: ingest/prose part 0: 5.000000 s appeared"),
        ({"items_out": 1, "items_made": 1}, "rows where the ledger says"),
        ({"items_rejected": 1, "items_made": 1}, "rejects/ingest/prose/part-00000.parquet holds"),
    ],
    ids=str,
)
def test_a_ledger_that_was_changed(corpus: Store, pipeline: Pipeline, change: dict[str, float], message: str) -> None:
    name = "ledger/ingest/prose/part-00000.parquet"
    (row,) = read_part(corpus, name, LedgerRow)
    row = replace(row, **{field: getattr(row, field) + by for field, by in change.items()})
    write_part(corpus, name, [row], LedgerRow, "forged")
    assert message in faults(corpus, pipeline)


def test_seconds_that_left_a_stage_and_did_not_reach_the_next(corpus: Store, pipeline: Pipeline) -> None:
    """A row may add up by itself and yet say that another input lacked what nobody made."""
    name = "ledger/compose/prose/pass-1/prose/part-00000.parquet"
    (row,) = read_part(corpus, name, LedgerRow)
    write_part(corpus, name, [replace(row, seconds_absent=5.0)], LedgerRow, "forged")
    assert "0.000000 s left ingest/prose and 5.000000 reached compose/prose/pass-1/prose" in faults(corpus, pipeline)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"drawn": 4999}, "tokens, its plan 4,999"),
        ({"unit": "seconds"}, "plan/pre.json is counted in seconds, the recipe in tokens"),
        ({"size": 4000}, "plan/pre.json is of 4,000, the recipe of 5,000"),
    ],
    ids=str,
)
def test_a_summary_that_was_changed(corpus: Store, pipeline: Pipeline, change: dict[str, Any], message: str) -> None:
    corpus.write("plan/pre.json", replace(read_summary(corpus, "pre"), **change).to_json().encode())
    assert message in faults(corpus, pipeline)


def test_shares_below_the_tasks_and_what_is_held_are_shown(corpus: Store, pipeline: Pipeline) -> None:
    (stage,) = audit(corpus, pipeline).stages
    assert [(share.path, share.declared) for share in stage.shares] == [("prose/prose", 1.0), ("verse/verse", 1.0)]
    assert {(g.kind, g.value) for g in stage.groups} >= {("source", "prose"), ("language", "en"), ("split", "train")}
    assert sum(g.tokens for g in stage.groups if g.kind == "source") == sum(t.tokens for t in stage.tasks)
    assert all(0 < e.epochs <= 2 for e in stage.epochs)


def test_a_tar_that_is_gone_or_cut(corpus: Store, pipeline: Pipeline) -> None:
    first, second = tars_of(corpus)[:2]
    corpus.remove(first)
    corpus.write(second, corpus.read(second)[:-1024])
    listed = faults(corpus, pipeline)
    assert f"{first} is missing" in listed
    assert f"{second} holds {corpus.size(second):,} bytes where {corpus.size(second) + 1024:,} were written" in listed


def edit(store: Store, name: str, change: Callable[[pa.Table], pa.Table]) -> None:
    """Writes a table anew with its marks kept, and checksums that fit what was written."""
    known = pq.ParquetFile(store.path(name)).metadata.metadata
    marks = {k: v for k, v in known.items() if k.startswith(b"weft.") and b"checksums" not in k}
    table = change(pq.read_table(store.path(name))).replace_schema_metadata(None)
    with pq.ParquetWriter(store.path(name), table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(marks | {KEY: BLANK})
    add_checksums_to(store.path(name))


def without_loss(table: pa.Table) -> pa.Table:
    empty = pa.array([[]] * len(table), table.schema.field("loss").type)
    return table.set_column(table.schema.get_field_index("loss"), table.schema.field("loss"), empty)


def swapped_prediction(table: pa.Table) -> pa.Table:
    """Two rows with each other's places in the tars."""
    columns = ["json_offset", "npy_offset"]
    for name in columns:
        values = table[name].to_pylist()
        other = next(n for n, value in enumerate(values) if value != values[0])
        values[0], values[other] = values[other], values[0]
        field = table.schema.field(name)
        table = table.set_column(table.schema.get_field_index(name), field, pa.array(values, field.type))
    return table


CHANGES: dict[str, Callable[[pa.Table], pa.Table]] = {
    "loss lists emptied": without_loss,
    "offsets swapped": swapped_prediction,
    "order reversed": lambda t: t.take(list(range(len(t)))[::-1]),
    "sorted by task": lambda t: t.sort_by("task"),
    "a row fewer": lambda t: t.slice(1),
    "cut short": lambda t: t.slice(0, 100),
    "a row twice": lambda t: pa.concat_tables([t.slice(0, 1), t.slice(0, len(t) - 1)]),
    "two draws changed places": lambda t: t.take([1, 0, *range(2, len(t))]),
}


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_changed_index_is_noticed(corpus: Store, pipeline: Pipeline, change: str) -> None:
    """Row n of the index is draw n of the plan, in every column."""
    edit(corpus, index_name("pre"), CHANGES[change])
    assert index_name("pre") in faults(corpus, pipeline)


def test_one_value_in_any_column_of_the_index(corpus: Store, pipeline: Pipeline) -> None:
    whole = corpus.read(index_name("pre"))
    for field in pq.read_schema(corpus.path(index_name("pre"))):

        def one(table: pa.Table, field: pa.Field = field) -> pa.Table:
            values = table[field.name].to_pylist()
            values[3] = (
                [7, 9]
                if pa.types.is_list(field.type)
                else f"{values[3]}x"
                if pa.types.is_string(field.type)
                else values[3] + 1
            )
            return table.set_column(table.schema.get_field_index(field.name), field, pa.array(values, field.type))

        edit(corpus, index_name("pre"), one)
        found = faults(corpus, pipeline)
        assert "row 3 is not draw 3 of the plan" in found and field.name in found
        corpus.write(index_name("pre"), whole)


@pytest.mark.parametrize("end", ["", "-tree", "-leaves", "-tars"])
@pytest.mark.parametrize("harm", ["gone", "a row fewer", "cut"])
def test_a_plan_that_was_changed(corpus: Store, pipeline: Pipeline, end: str, harm: str) -> None:
    name = f"plan/pre{end}.parquet"
    if harm == "gone":
        corpus.remove(name)
    elif harm == "cut":
        corpus.write(name, corpus.read(name)[:-20])
    else:
        edit(corpus, name, lambda t: t.slice(1))
    assert name in faults(corpus, pipeline)


def test_a_plan_of_another_recipe(corpus: Store, built: Path) -> None:
    """Plan and index agree with each other and not with what is declared."""
    changed = recipe(built).model_dump(mode="json")
    changed["training"]["pre"]["mixture"]["shares"] = {"prose": 1, "verse": 1}
    assert "plan/pre.json has other shares" in faults(corpus, Pipeline(Recipe.model_validate(changed)))


@pytest.mark.parametrize("text", ["", "{}", "not JSON"])
def test_the_list_of_tars_that_was_emptied(corpus: Store, pipeline: Pipeline, text: str) -> None:
    corpus.write("shards/pre/wids.json", text.encode())
    assert "shards/pre/wids.json" in faults(corpus, pipeline)


def test_the_index_rows_of_a_tar_that_are_gone(corpus: Store, pipeline: Pipeline) -> None:
    corpus.remove(rows_name(tars_of(corpus)[0]))
    assert rows_name(tars_of(corpus)[0]) in faults(corpus, pipeline)


def test_a_tar_that_is_not_of_the_plan(corpus: Store, pipeline: Pipeline) -> None:
    corpus.write("shards/pre/train-more-0-00000-00.tar", corpus.read(tars_of(corpus)[0]))
    assert "train-more-0-00000-00.tar is not a tar of the plan" in faults(corpus, pipeline)


def test_two_tars_swapped_are_found_when_they_are_opened(corpus: Store, pipeline: Pipeline) -> None:
    first, second = tars_of(corpus)[:2]
    one, other = corpus.read(first), corpus.read(second)
    corpus.write(first, other)
    corpus.write(second, one)
    found = faults(corpus, pipeline, deep=True)
    assert first in found and second in found


def flips(store: Store, tar: str) -> Iterator[tuple[int, str]]:
    """A byte of a header, of a JSON member, of ids, and of the end; and the message."""
    size = store.size(tar)
    yield from ((place, "its bytes differ from what was written") for place in (10, 520, size // 2))
    yield size - 5, "it does not end as a tar does"


def test_a_flipped_byte_is_found_when_the_tars_are_opened(corpus: Store, pipeline: Pipeline) -> None:
    name = tars_of(corpus)[0]
    whole = corpus.read(name)
    for place, message in flips(corpus, name):
        harmed = bytearray(whole)
        harmed[place] ^= 1
        corpus.write(name, bytes(harmed))
        assert faults(corpus, pipeline) == ""
        found = faults(corpus, pipeline, deep=True)
        assert found.startswith(f"{name} is damaged: ") and message in found and "\n" not in found


def test_index_and_rows_forged_alike_are_found_against_the_sample_itself(corpus: Store, pipeline: Pipeline) -> None:
    """The rows of a tar and the index agree; the sample's own JSON says otherwise."""
    tar = tars_of(corpus)[0]
    edit(corpus, rows_name(tar), without_loss)
    name = tar.rpartition("/")[2]

    def emptied(table: pa.Table) -> pa.Table:
        loss = [
            [] if shard == name else value
            for shard, value in zip(*(table[c].to_pylist() for c in ("shard", "loss")), strict=True)
        ]
        field = table.schema.field("loss")
        return table.set_column(table.schema.get_field_index("loss"), field, pa.array(loss, field.type))

    edit(corpus, index_name("pre"), emptied)
    assert faults(corpus, pipeline) == ""
    assert "its loss ranges are not the index's" in faults(corpus, pipeline, deep=True)


def test_a_stage_without_an_index_is_a_fault(corpus: Store, pipeline: Pipeline) -> None:
    corpus.remove(index_name("pre"))
    assert f"{index_name('pre')} is missing" in faults(corpus, pipeline)


@pytest.mark.parametrize("deep", [False, True])
def test_a_stream_of_another_version_of_weft_is_one_fault(corpus: Store, pipeline: Pipeline, deep: bool) -> None:
    work = IndexWork("pre", tuple(rows_name(name) for name in tars_of(corpus)))
    write_index(corpus, "pre", {**work.made_from(corpus), "version": "index-6"})
    assert audit(corpus, pipeline, deep).faults == (
        f"shards/pre was written by another version of weft (index-6, and this one writes {VERSION}); "
        f"{remedy(corpus.url, verify=False)} writes it anew",
    )


def test_a_leaf_that_waits_for_its_first_draw_does_not_stray(
    store: Store, composed: Any, training: Callable[..., Any]
) -> None:
    """Its share has flowed in for less than its next sample counts: one sample is that one."""
    for source, tokens in (("one", 2), ("two", 2), ("waits", 60)):
        composed.add("a", [[(tokens, 1.0)] * 40], source=source)
    stage = training(total=3, shares={"a": {"weight": 1, "by": [{"source": {"one": 1, "two": 1, "waits": 2}}]}})
    plan(store, composed.plan_request(stage), {})
    for tar in read_tars(store, "pre"):
        write_shard(store, "pre", tar)
    write_index(store, "pre", {})
    faults: list[str] = []
    shown = shares_of(StreamAudit(store, "pre", stage), faults)
    assert faults == [] and shown
    waiting = next(share for share in shown.shares if share.path == "a/waits")
    assert (waiting.samples, waiting.sample) == (0, 60.0) and waiting.worst == 2
