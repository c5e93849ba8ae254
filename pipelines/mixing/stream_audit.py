"""The audit of the files of one stage's stream: compares plan, tars, index and the list of tars.

audit = StreamAudit(store, "pretrain", stage)
audit.damaged()         ->  Damaged("…/corpus", "shards/pretrain/index.parquet", "row 17 is not draw 17 of the plan (…)"), …
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest

import pyarrow as pa

from weft.pipelines.mixing.drawn_rows import faults_of_draws
from weft.pipelines.mixing.index import ROWS, VERSION, index_rows, wids
from weft.pipelines.mixing.plan import held_by
from weft.pipelines.mixing.plan_files import plan_files, plan_name, read_leaves, read_summary, read_tars, read_tree
from weft.pipelines.mixing.plan_request import size_of
from weft.pipelines.mixing.shards import contents_of, index_name, rows_name, tar_name, wids_name
from weft.pipelines.mixing.tree import PlanError, tree_of
from weft.pipelines.models.folders import checksum_of
from weft.pipelines.parts.tables import footer_of, made_from_of, opened_part
from weft.pipelines.storage.checksums import KEY, content_of_file_matches
from weft.pipelines.storage.damage import Damaged, NotMade, remedy
from weft.pipelines.storage.own_names import is_made_by_weft
from weft.pipelines.storage.store import Store
from weft.schemas.counting import counted
from weft.schemas.plan import Tar
from weft.schemas.shard import IndexRow
from weft.schemas.table import arrow_schema
from weft.schemas.training import TrainingStage


@dataclass(frozen=True)
class StreamAudit:
    """The audit of one stage, or without `stage` of the held-out stream, which has no declared shares.

    `before` are the stages in whose data it goes on; `spaces` are those of the speakers' names by source (see speakers.py).
    """

    store: Store
    name: str
    stage: TrainingStage | None
    before: tuple[str, ...] = ()
    spaces: Mapping[str, str] = field(default_factory=dict)

    def damaged(self) -> Iterator[Damaged]:
        """Files that are missing or damaged. Where the plan is damaged, nothing else is compared with it."""
        plan = [*self.damaged_plan()]
        yield from plan
        if not plan:
            yield from self.misplaced_draws()
            yield from self.damaged_tars()
            yield from self.damaged_index()

    def other_version(self) -> str:
        """What to say of a stream that another version of weft wrote, with which nothing of it can be compared; "" for one of this."""
        was = (made_from_of(self.store, index_name(self.name)) or {}).get("version", VERSION)
        if was == VERSION:
            return ""
        return (
            f"shards/{self.name} was written by another version of weft ({was}, and this one writes {VERSION}); "
            f"{remedy(self.store.url, verify=False)} writes it anew"
        )

    def damaged_plan(self) -> Iterator[Damaged]:
        """Compares the files of the plan with their checksums, and its tree with the recipe and the counts of the orders."""
        faults = [
            *self._each([plan_name(self.name)], lambda _: "" if read_summary(self.store, self.name) else "is empty")
        ]
        if not faults:
            faults += self._each(list(read_summary(self.store, self.name).files), self._plan_file_fault)
        if not faults and self.stage:
            faults += self._each([plan_name(self.name)], self._tree_fault)
        yield from faults

    def misplaced_draws(self) -> Iterator[Damaged]:
        """Compares the rows that the plan draws with those that are next in turn behind the stages that it goes on from."""
        yield from self._each([plan_files(self.name).tars], lambda _: "; it ".join(self._faults_of_draws()))

    def damaged_tars(self) -> Iterator[Damaged]:
        """Compares the size and the rows of each tar with the plan."""
        for tar in read_tars(self.store, self.name):
            name = tar_name(self.name, tar)
            yield from self._each([name], partial(self._tar_fault, tar))
            yield from self._each([rows_name(name)], partial(self._rows_fault, tar))

    def damaged_index(self) -> Iterator[Damaged]:
        """Compares row n of the index with the next row of its leaf's tars, in every column; and the list of tars with the plan."""
        yield from self._each([index_name(self.name)], self._index_fault)
        yield from self._each([wids_name(self.name)], self._wids_fault)

    def unknown_tars(self) -> Iterator[str]:
        """Tars that are not in the plan. The next build removes them."""
        planned = {tar_name(self.name, tar) for tar in read_tars(self.store, self.name)}
        for name in self.store.names(f"shards/{self.name}", ".tar"):
            if name not in planned:
                remedy = "; build again to remove it" if is_made_by_weft(name) else ": move it away"
                yield f"{name} is not a tar of the plan{remedy}"

    def _each(self, names: list[str], fault: Callable[[str], str]) -> Iterator[Damaged]:
        """The fault of each file: that of `fault`, or that the file or one that it is compared with cannot be read."""
        for name in names:
            try:
                if not self.store.exists(name):
                    yield NotMade.missing(self.store.url, name)
                elif what := fault(name):
                    yield Damaged(self.store.url, name, what)
            except Damaged as damage:
                yield damage
            except FileNotFoundError as error:
                if error.filename is None:
                    raise
                yield NotMade.missing(self.store.url, self._relative(str(error.filename)))

    def _relative(self, path: str) -> str:
        return path.removeprefix(f"{self.store.root}/")

    def _faults_of_draws(self) -> Iterator[str]:
        return faults_of_draws(self.store, self.name, self.before)

    def _plan_file_fault(self, name: str) -> str:
        was = read_summary(self.store, self.name).files[name]
        return "" if checksum_of(self.store, name) == was else "is not as it was planned"

    def _tree_fault(self, name: str) -> str:
        """The fault of the tree: other shares than those of the recipe and the data."""
        assert self.stage
        nodes = dict.fromkeys((leaf.task, leaf.source) for leaf in read_leaves(self.store, self.name))
        try:
            wanted = tree_of(self.stage.mixture, held_by(self.store, nodes))
        except (PlanError, KeyError) as fault:
            return f"does not fit the recipe ({fault})"
        if wanted.nodes != read_tree(self.store, self.name).nodes:
            return "has other shares than the recipe and the data give"
        summary, unit = read_summary(self.store, self.name), self.stage.mixture.unit
        if summary.unit != unit:
            return f"is counted in {summary.unit}, the recipe in {unit}"
        size = size_of(self.stage)
        return "" if summary.size == size else f"is of {summary.size:,}, the recipe of {size:,}"

    def _tar_fault(self, tar: Tar, name: str) -> str:
        wanted, size = contents_of(self.store, self.name, tar).size, self.store.size(name)
        return (
            ""
            if size == wanted
            else f"holds {counted(size, 'byte')} where {wanted:,} {'was' if wanted == 1 else 'were'} written"
        )

    def _rows_fault(self, tar: Tar, name: str) -> str:
        footer = footer_of(self.store, name)
        if footer is None:
            return "is damaged"
        if footer.fingerprint != contents_of(self.store, self.name, tar).fingerprint:
            return "is of other samples than planned"
        return self._bytes_fault(name)

    def _bytes_fault(self, name: str) -> str:
        """The fault of the bytes before the footer; the footer is checked when a part is opened."""
        with opened_part(self.store, name) as part:
            checksums = part.metadata.metadata[KEY.encode()]
        with self.store.open(name) as file:
            return "" if content_of_file_matches(file, checksums) else "has other bytes than were written"

    def _index_fault(self, name: str) -> str:
        with opened_part(self.store, name) as index:
            draws, rows = read_summary(self.store, self.name).draws, index.metadata.num_rows
            if rows != draws:
                return f"has {counted(rows, 'row')} for {counted(draws, 'draw')}"
            first = 0
            for wanted, batch in zip_longest(index_rows(self.store, self.name), index.iter_batches(ROWS)):
                rows_found = pa.Table.from_batches([batch]).replace_schema_metadata(None) if batch is not None else None
                if rows_found is None or wanted is None or not rows_found.equals(wanted):
                    return _difference(first, rows_found, wanted)
                first += len(rows_found)
        return self._bytes_fault(name)

    def _wids_fault(self, name: str) -> str:
        return "" if self.store.read(name) == wids(self.store, self.name) else "does not list the tars as they are"


def _difference(first: int, actual: pa.Table | None, expected: pa.Table | None) -> str:
    """The first row that differs, and the columns that do."""
    if (
        actual is None
        or expected is None
        or len(actual) != len(expected)
        or actual.column_names != expected.column_names
    ):
        return f"holds other rows from draw {first:,} on than its tars"
    names = arrow_schema(IndexRow).names
    for n, (one, other) in enumerate(zip(actual.to_pylist(), expected.to_pylist(), strict=True)):
        if columns := [name for name in names if one[name] != other[name]]:
            return f"is wrong: row {first + n:,} is not draw {first + n:,} of the plan ({other['key']}): {', '.join(columns)} differ"
    return f"holds other types of columns from draw {first:,} on than its tars"
