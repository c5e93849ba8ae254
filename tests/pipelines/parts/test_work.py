"""What all kinds of work share, and that each has the same methods."""

import inspect
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from weft.pipelines.mixing.order_work import OrderWork
from weft.pipelines.mixing.plan_work import PlanWork, ValidationPlanWork
from weft.pipelines.mixing.shard_work import IndexWork, ShardWork
from weft.pipelines.models.model_work import AlignerWork, CopyWork, TokenizerWork
from weft.pipelines.models.vocabulary_work import VocabularyWork
from weft.pipelines.parts.hold_out_work import HoldOutWork
from weft.pipelines.parts.stage_work import PartWork
from weft.pipelines.parts.tables import write_part
from weft.pipelines.parts.work import BaseWork, Work
from weft.pipelines.storage.store import Store
from weft.schemas.ledger import Reject
from weft.schemas.resources import Resources

KINDS = (
    AlignerWork,
    CopyWork,
    HoldOutWork,
    IndexWork,
    OrderWork,
    PartWork,
    PlanWork,
    ShardWork,
    TokenizerWork,
    ValidationPlanWork,
    VocabularyWork,
)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_work_is_run_in_the_same_way(kind: type) -> None:
    methods = [name for name, member in vars(Work).items() if inspect.isfunction(member) and not name.startswith("_")]
    assert "run" in methods
    for name in methods:
        assert [*inspect.signature(getattr(kind, name)).parameters] == ["self", "store"], name


@dataclass(frozen=True)
class Table(BaseWork):
    """Writes a part without rows and, where it `adds` one, a file beside it."""

    setting: str
    adds: bool = True

    node = "node"
    makes = "node/part-00000.parquet"
    needs = ()
    beside = ("node/list.json",)

    def made_from(self, store: Store) -> dict[str, str]:
        return {"version": "1", "setting size": self.setting}

    def run(self, store: Store) -> int:
        notes = {"made_from": json.dumps(self.made_from(store))}
        write_part(store, self.makes, [], Reject, self.fingerprint(store), notes=notes)
        if self.adds:
            store.write("node/list.json", b"[]")
        return 0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def test_work_is_done_once_its_file_is_made_from_the_present_settings(store: Store) -> None:
    work = Table("3")
    assert not work.done(store) and work.recorded(store) is None and work.why(store) is None
    work.run(store)
    assert work.done(store) and work.recorded(store) == work.made_from(store)
    other = Table("4")
    assert not other.done(store) and other.why(store) == ["setting `size` was 3, is now 4"]


def test_work_whose_other_file_is_missing_is_not_done(store: Store) -> None:
    work = Table("3", adds=False)
    work.run(store)
    assert not work.done(store)


def test_work_takes_one_cpu_and_reads_the_corpus_alone() -> None:
    work = Table("3")
    assert work.resources == Resources() and work.reading is None and not work.frozen
