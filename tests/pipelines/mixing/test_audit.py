"""The audit of a small corpus of text: silent when all is well, and loud about each kind of harm."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weft.pipelines.graph import House
from weft.pipelines.listing import list_source
from weft.pipelines.mixing.audit import audit
from weft.pipelines.mixing.plan import plan_names
from weft.pipelines.mixing.shards import index_name, shards_of
from weft.pipelines.modelwork import TokenizerWork
from weft.pipelines.parts import read_part, write_part
from weft.pipelines.runner import Runner
from weft.pipelines.store import Store
from weft.pipelines.work import IndexWork, PlanWork, ShardWork
from weft.schemas.ledger import LedgerRow
from weft.schemas.plan import Block
from weft.schemas.recipe import Recipe

TAR = "shards/pre/train-000000.tar"


def recipe(root: Path) -> Recipe:
    stage = {
        "mixture": {"total": 5000, "shares": {"prose": 2, "verse": 1}, "exhausted": "repeat", "passes": 2},
        "context": 64, "model": {"base": "none"}, "optimiser": {"lr": 1.0, "batch_tokens": 64},
    }  # fmt: skip
    return Recipe.model_validate(
        {
            "name": "texts",
            "part_size": 2,
            "sources": {n: {"use": "text", "path": str(root / n), "stretch": 1024} for n in ("prose", "verse")},
            "text": {"use": "bpe", "size": 300},
            "tasks": {n: {"use": "text", "sources": [n]} for n in ("prose", "verse")},
            "shards": {"bytes": 40000},
            "training": {"pre": stage},
        }
    )


def build(root: Path) -> None:
    """What `jobs/` does, in order, without the tokenizer that no task uses."""
    house, store = House(recipe(root)), Store(str(root / "corpus"))
    runner = Runner(store)
    parts = {n: list_source(store, n, source, house.recipe.part_size) for n, source in house.sources.items()}
    works = [w for w in house.works(parts) if not isinstance(w, TokenizerWork)]
    works += [w for task in house.tasks for w in house.compose(task, 1, parts)]
    for work in works:
        runner.run(work)
    blocks = tuple(b for task in house.tasks for n in (0, 1) for b in house.blocks(task, n, parts))
    runner.run(PlanWork("pre", house.recipe.training["pre"], blocks, house.recipe.shards.bytes, house.recipe.seed))
    tars = [ShardWork(shard) for shard in shards_of("pre", read_part(store, plan_names("pre")[1], Block))]
    for tar in tars:
        runner.run(tar)
    runner.run(IndexWork("pre", tuple(t.makes for t in tars)))


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
    return root


@pytest.fixture
def house(built: Path) -> House:
    return House(recipe(built))


@pytest.fixture
def corpus(built: Path, tmp_path: Path) -> Store:
    """A copy to do harm to."""
    shutil.copytree(built / "corpus", tmp_path / "corpus")
    return Store(str(tmp_path / "corpus"))


@pytest.mark.parametrize("deep", [False, True])
def test_a_sound_corpus_has_no_faults(corpus: Store, house: House, deep: bool) -> None:
    found = audit(corpus, house, deep)
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


def test_rejects_are_counted_with_an_example(corpus: Store, house: House) -> None:
    found = audit(corpus, house)
    (reject,) = found.rejects
    assert (reject.stage, reject.reason, reject.items) == ("ingest", "not_utf8", 1)
    assert reject.example.startswith("bad.txt: ")
    ingest = next(n for n in found.nodes if n.node == "ingest/prose")
    assert (ingest.items_rejected, ingest.items_in + ingest.items_made) == (1, ingest.items_out + 1)


def full_part(store: Store) -> str:
    """An ingested part with rows in it."""
    names = store.names("ingest/prose")
    return next(n for n in names if pq.read_metadata(f"{store.root}/{n}").num_rows)


def faults(store: Store, house: House, deep: bool = False) -> str:
    return "\n".join(audit(store, house, deep).faults)


@pytest.mark.parametrize(
    "name",
    [
        "ingest/prose/part-00001.parquet", "compose/verse/pass-1/verse/part-00000.parquet",
        "rejects/ingest/prose/part-00000.parquet",
    ],
)  # fmt: skip
def test_a_part_that_is_gone(corpus: Store, house: House, name: str) -> None:
    corpus.remove(name)
    assert f"{name} is missing" in faults(corpus, house)


def test_a_part_that_was_cut_off(corpus: Store, house: House) -> None:
    name = full_part(corpus)
    corpus.write(name, corpus.read(name)[:-100])
    assert name in faults(corpus, house)


def test_a_part_with_a_row_too_few(corpus: Store, house: House) -> None:
    name = full_part(corpus)
    table = pq.read_table(f"{corpus.root}/{name}")
    pq.write_table(table.slice(1), f"{corpus.root}/{name}")
    assert f"{name} was not written by" in faults(corpus, house)


def test_a_ledger_that_is_gone(corpus: Store, house: House) -> None:
    corpus.remove(f"ledger/{full_part(corpus)}")
    assert "items left ingest/prose and" in faults(corpus, house)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"items_in": 1}, "ledger: ingest/prose part 0: 1 items vanished"),
        ({"seconds_out": 5.0}, "ledger: ingest/prose part 0: 5.000000 s appeared"),
        ({"items_out": 1, "items_made": 1}, "rows where the ledger says"),
        ({"items_rejected": 1, "items_made": 1}, "rejects/ingest/prose/part-00000.parquet holds"),
    ],
    ids=str,
)
def test_a_ledger_that_was_changed(corpus: Store, house: House, change: dict[str, float], said: str) -> None:
    name = "ledger/ingest/prose/part-00000.parquet"
    (row,) = read_part(corpus, name, LedgerRow)
    row = replace(row, **{field: getattr(row, field) + by for field, by in change.items()})
    write_part(corpus, name, [row], LedgerRow, "forged")
    assert said in faults(corpus, house)


def test_a_tar_that_is_gone_or_cut(corpus: Store, house: House) -> None:
    first, second = TAR, "shards/pre/train-000001.tar"
    corpus.remove(first)
    corpus.write(second, corpus.read(second)[:-1024])
    said = faults(corpus, house)
    assert f"{first} is missing" in said
    assert f"{second} holds {corpus.size(second)} bytes where {corpus.size(second) + 1024} were written" in said


def edit_index(store: Store, keep: Callable[[int, str], bool]) -> None:
    path = f"{store.root}/{index_name('pre')}"
    table = pq.read_table(path)
    mask = [keep(i, task) for i, task in enumerate(table["task"].to_pylist())]
    pq.write_table(table.filter(pa.array(mask)), path)


def test_a_stream_that_strays_from_its_mixture(corpus: Store, house: House) -> None:
    edit_index(corpus, lambda i, task: task == "prose" or i % 3 > 0)
    assert "pre: verse strays" in faults(corpus, house)


def test_a_stream_in_another_order_strays_though_its_sums_are_right(corpus: Store, house: House) -> None:
    path = f"{corpus.root}/{index_name('pre')}"
    pq.write_table(pq.read_table(path).sort_by("task"), path)
    assert "strays" in faults(corpus, house)


def test_a_stream_that_ends_early(corpus: Store, house: House) -> None:
    edit_index(corpus, lambda i, _: i < 100)
    assert "of 5,000 tokens" in faults(corpus, house)


def test_the_index_rows_of_a_tar_that_are_gone(corpus: Store, house: House) -> None:
    corpus.remove("shards/pre/.index/train-000000.parquet")
    assert "train-000000" in faults(corpus, house)


def flips(store: Store) -> Iterator[tuple[int, str]]:
    """A byte of a header, of a JSON member, of ids, and of the end; and what is said of it."""
    size = store.size(TAR)
    yield from ((place, "its bytes differ from what was written") for place in (10, 520, size // 2))
    yield size - 5, "it does not end as a tar does"


def test_a_flipped_byte_is_found_when_the_tars_are_opened(corpus: Store, house: House) -> None:
    name = TAR
    whole = corpus.read(name)
    for place, said in flips(corpus):
        harmed = bytearray(whole)
        harmed[place] ^= 1
        corpus.write(name, bytes(harmed))
        assert faults(corpus, house) == ""
        found = faults(corpus, house, deep=True)
        assert found.startswith(f"{name}: ") and found.endswith(said) and "\n" not in found


def test_a_stage_without_an_index_is_an_error(corpus: Store, house: House) -> None:
    corpus.remove(index_name("pre"))
    with pytest.raises(FileNotFoundError):
        audit(corpus, house)
