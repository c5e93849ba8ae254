"""What a user is shown of work that failed: all of it, each with its reason and place, and the tracebacks where asked."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from weft.jobs.engine import LocalEngine
from weft.jobs.failures import BuildError, FailedWork, Failure, build_error, failure_of
from weft.jobs.faults import explain
from weft.jobs.schedule import run
from weft.pipelines.parts.splits import SplitError
from weft.pipelines.parts.work import BaseWork
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.ledger import Unavailable, Unread, UnreadItems
from weft.schemas.resources import Resources


@dataclass(frozen=True)
class Piece(BaseWork):
    """Raises what it is given, or writes its file."""

    makes: str
    raises: BaseException | None = None
    resources: Resources = Resources()
    needs: tuple[str, ...] = ()

    @property
    def node(self) -> str:
        return self.makes.split("/")[0]

    def done(self, store: Store) -> bool:
        return False

    def run(self, store: Store) -> int:
        if self.raises:
            raise self.raises
        store.write(self.makes, b"")
        return 1


def ran(store: Store, *works: Piece) -> None:
    run(works, store, LocalEngine(store), lambda event: None)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def test_all_that_failed_is_listed_with_reason_and_place(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEFT_TRACEBACK", raising=False)
    failing = [Piece(f"align/part-0000{n}.parquet", RuntimeError("no such voice")) for n in range(3)]
    with pytest.raises(BuildError) as caught:
        ran(store, *failing, Piece("well"), Piece("full", OSError(28, "No space left on device")))
    message, code = explain(caught.value)
    assert code == 1 and store.exists("well")
    assert message.startswith("4 parts failed (all else is done and kept):\n")
    assert "  align, part-00002 and 2 more: RuntimeError: no such voice (tests/jobs/test_failures.py:" in message
    assert "  full: OSError: [Errno 28] No space left on device (tests/jobs/test_failures.py:" in message
    assert "Traceback" not in message and "--debug shows the tracebacks" in message
    monkeypatch.setenv("WEFT_TRACEBACK", "1")
    message, _ = explain(caught.value)
    assert message.count("Traceback (most recent call last)") == 2 and "raise self.raises" in message


def test_items_that_cannot_be_read_are_counted_by_source_each_once() -> None:
    def piece(node: str, source: str, *names: int) -> FailedWork:
        items = [
            Unread(key=f"k{n}", node=node, source=source, path=f"{n}.wav", reason="no answer in time", absent=False)
            for n in names
        ]
        return FailedWork(node=node, part="part-00000", failure=failure_of(UnreadItems(tuple(items))))

    message = str(
        build_error([piece("encode/x/a", "a", 1, 2), piece("align/a", "a", *range(7)), piece("b", "b", 3)], 0)
    )
    assert "  align/a, part-00000: some items cannot be read now\n" in message
    counted = message[message.index("source a") :].splitlines()
    assert counted[0] == "source a: 7 items cannot be read now; the same command reads them again:"
    assert counted[1:7] == [*(f"  {n}.wav: no answer in time" for n in range(5)), "  and 2 more"]
    assert counted[7] == "source b: 1 item cannot be read now; the same command reads it again:"


def test_a_long_list_is_cut_and_the_rest_counted() -> None:
    failed = [FailedWork(node=f"n{n}", part=f"n{n}", failure=Failure(reason="X")) for n in range(50)]
    lines = str(build_error(failed, 7)).splitlines()
    assert lines[0] == "50 parts failed (7 more need them and were not begun; all else is done and kept):"
    assert len(lines) == 22 and lines[-1] == "  and 30 lines more"


@pytest.mark.parametrize("fault", [Damaged("corpus", "a.parquet", "is damaged"), KeyboardInterrupt()])
def test_damage_and_an_interrupt_end_the_build_at_once(store: Store, fault: BaseException) -> None:
    with pytest.raises(type(fault)):
        ran(store, Piece("later"), Piece("first", fault))
    assert not store.exists("later")


def test_any_other_fault_names_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEFT_TRACEBACK", raising=False)
    try:
        raise RuntimeError("odd")
    except RuntimeError as error:
        message, code = explain(error)
    assert code == 1 and message.startswith("failed: RuntimeError: odd (tests/jobs/test_failures.py:")


def test_what_cannot_be_read_is_no_fault_of_the_code() -> None:
    assert explain(Unavailable("a.wav", "no answer in time")) == ("failed: a.wav: no answer in time", 1)


def test_debug_asks_for_tracebacks(weft: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_TRACEBACK", "")
    _, _, errors = weft("build", "no-such-recipe.yaml", "--out", "corpus", "--debug")
    assert "Traceback (most recent call last)" in errors


def test_a_share_of_nobody_is_a_wrong_recipe_whatever_work_finds_it() -> None:
    fault = SplitError("hold_out.items 0.1 of source b selects 0 of its 2 items")
    fault.add_note("splits/b.json")
    assert explain(fault) == (str(fault), 2)
