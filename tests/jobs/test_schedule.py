"""The scheduler over work that does nothing: each piece once, never before what it needs, and what dies is told."""

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.jobs.engine import End, Failed, Finished, Lost
from weft.jobs.failures import BuildError, Failure
from weft.jobs.schedule import TRIES, WorkEvent, run
from weft.pipelines.parts.work import BaseWork
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError
from weft.schemas.resources import Resources


@dataclass(frozen=True)
class Piece(BaseWork):
    """Work that is done from the start, or not at all."""

    makes: str
    needs: tuple[str, ...] = ()
    stands: bool = False
    resources: Resources = Resources()
    asked: list[str] = field(default_factory=list, compare=False)

    @property
    def node(self) -> str:
        return self.makes

    def done(self, store: Store) -> bool:
        self.asked.append(self.makes)
        return self.stands


GPU = Resources(gpus=1)


@dataclass
class Hands:
    """An engine that takes `room` pieces and ends the oldest first; `dies` says how often a piece kills its worker."""

    room: int = 2
    dies: dict[str, int] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    gpus: int = 1
    waits: set[str] = field(default_factory=set)
    began: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    flying: deque[Piece] = field(default_factory=deque)

    def check(self, resources: Resources) -> None:
        if resources.gpus > self.gpus:
            raise RecipeError("no node has a GPU")

    def accepts(self, resources: Resources) -> bool:
        if resources.gpus:
            return sum(w.resources.gpus for w in self.flying) + resources.gpus <= self.gpus
        return len(self.flying) < self.room

    def starved(self) -> list[Piece]:
        return [work for work in self.flying if work.makes in self.waits]

    def submit(self, work: Piece) -> None:
        assert all(need in self.ended or need.startswith("given") for need in work.needs)
        self.began.append(work.makes)
        self.flying.append(work)

    def finished(self, wait: bool = True) -> End | None:
        if not wait:
            return None
        work = self.flying.popleft()
        if work.makes in self.fails:
            return Failed(work, Failure(reason="ValueError: no such voice", place="pipelines/voices/espeak.py:88"))  # type: ignore[arg-type]
        if self.dies.get(work.makes, 0) > 0:
            self.dies[work.makes] -= 1
            return Lost(work, "killed")  # type: ignore[arg-type]
        self.ended.append(work.makes)
        return Finished(work=work, records=1, seconds=0.0)  # type: ignore[arg-type]

    def close(self) -> None: ...


def scheduled(works: list[Piece], hands: Hands, store: Store) -> list[WorkEvent]:
    events: list[WorkEvent] = []
    run(works, store, hands, events.append)  # type: ignore[arg-type]
    return events


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


@st.composite
def graphs(draw: st.DrawFn) -> list[Piece]:
    """Pieces that need some of those before them, given in any order."""
    count = draw(st.integers(0, 12))
    pieces = [Piece(f"w{n}", (*(f"w{m}" for m in range(n) if draw(st.booleans())), "given")) for n in range(count)]
    return draw(st.permutations(pieces))


@given(works=graphs(), room=st.integers(1, 4))
def test_each_piece_is_done_once_and_after_what_it_needs(works: list[Piece], room: int) -> None:
    hands = Hands(room)
    events = scheduled(works, hands, Store("/nowhere"))
    assert sorted(hands.ended) == sorted(w.makes for w in works)
    assert [e.node for e in events] == hands.ended and {e.what for e in events} <= {"done"}


def test_what_stands_is_kept_and_not_handed_out(store: Store) -> None:
    hands = Hands()
    events = scheduled([Piece("a", stands=True), Piece("b", ("given",))], hands, store)
    assert hands.began == ["b"]
    assert {(e.node, e.what) for e in events} == {("a", "kept"), ("b", "done")}


@dataclass(frozen=True)
class Made(Piece):
    """Work that knows what it was made from; `was` is empty where nothing stands."""

    was: str = ""
    frozen_note: str = ""

    def recorded(self, store: Store) -> dict[str, str] | None:
        return {"setting layer": self.was} if self.was else None

    def made_from(self, store: Store) -> dict[str, str]:
        return {"setting layer": "3"}

    def note(self, store: Store) -> str:
        return self.frozen_note


def test_what_is_done_again_says_why_and_what_is_new_does_not(store: Store) -> None:
    works = [
        Made("a", was="2"),
        Made("b"),
        Piece("c"),
        Made("d", stands=True, frozen_note="d: frozen"),
        Made("e", was="3"),
    ]
    events = {e.node: e for e in scheduled(works, Hands(dies={"a": 1}), store)}
    assert (events["a"].again, events["a"].why) == (True, ("setting `layer` was 2, is now 3",))
    assert not events["b"].again and not events["c"].again
    assert (events["d"].what, events["d"].why) == ("kept", ("d: frozen",))
    assert (events["e"].again, events["e"].why) == (True, ())  # it is not whole


def test_what_lies_furthest_down_the_line_goes_first(store: Store) -> None:
    hands = Hands(room=1)
    works = [Piece("ingest-0"), Piece("ingest-1"), Piece("align-0", ("ingest-0",)), Piece("align-1", ("ingest-1",))]
    scheduled(works, hands, store)
    assert hands.began == ["ingest-1", "align-1", "ingest-0", "align-0"]


def test_a_piece_whose_worker_died_is_handed_out_again(store: Store) -> None:
    hands = Hands(dies={"a": TRIES - 1})
    scheduled([Piece("a"), Piece("b", ("a",))], hands, store)
    assert hands.began.count("a") == TRIES and hands.ended == ["a", "b"]


def test_a_piece_that_kills_every_worker_fails_by_its_name(store: Store) -> None:
    hands = Hands(dies={"a": TRIES})
    with pytest.raises(BuildError, match=f"a: {TRIES} workers died on it"):
        scheduled([Piece("a"), Piece("b")], hands, store)
    assert hands.began.count("a") == TRIES and hands.ended == ["b"]


def test_a_piece_that_is_lost_again_waits_until_another_has_ended(store: Store) -> None:
    hands = Hands(room=3, dies={"a": 2})
    scheduled([Piece("c"), Piece("b"), Piece("a")], hands, store)
    assert hands.began == ["a", "b", "c", "a", "a"]
    assert hands.ended == ["b", "c", "a"]


def test_one_failed_piece_stops_only_what_needs_it_and_the_end_lists_all(store: Store) -> None:
    rows = [[Piece(f"ingest-{n}"), Piece(f"align-{n}", (f"ingest-{n}",))] for n in range(5)]
    last = Piece("plan", tuple(f"align-{n}" for n in range(5)))
    hands = Hands(fails={"ingest-1", "align-3"})
    with pytest.raises(BuildError) as caught:
        scheduled([*(piece for row in rows for piece in row), last], hands, store)
    assert sorted(hands.ended) == sorted([*(f"ingest-{n}" for n in (0, 2, 3, 4)), *(f"align-{n}" for n in (0, 2, 4))])
    assert str(caught.value).startswith("2 parts failed (2 more need them")
    for name in hands.fails:
        assert f"  {name}: ValueError: no such voice (pipelines/voices/espeak.py:88)" in str(caught.value)


def test_work_that_wants_a_gpu_does_not_hold_up_work_that_wants_none(store: Store) -> None:
    hands = Hands(room=2)
    works = [Piece("cpu-0"), Piece("cpu-1"), Piece("gpu-0", resources=GPU), Piece("gpu-1", resources=GPU)]
    scheduled(works, hands, store)
    assert hands.began[:2] == ["gpu-1", "cpu-1"]


def test_lower_work_does_not_pass_work_that_waits_for_a_cpu(store: Store) -> None:
    hands = Hands(room=9, waits={"wide"})
    scheduled([Piece("cpu"), Piece("wide", resources=Resources(cpus=2)), Piece("last", ("wide",))], hands, store)
    assert hands.ended == ["wide", "last", "cpu"]


def test_each_piece_is_asked_once_whether_it_is_done(store: Store) -> None:
    asked: list[str] = []
    works = [Piece(f"w{n}", asked=asked, resources=GPU if n % 2 else Resources()) for n in range(20)]
    scheduled([*works, Piece("stands", stands=True, asked=asked)], Hands(dies={"w3": 2}), store)
    assert sorted(asked) == sorted([*(f"w{n}" for n in range(20)), "stands"])


def test_what_fits_no_node_is_reported_before_anything_begins(store: Store) -> None:
    hands = Hands(gpus=0)
    with pytest.raises(RecipeError, match="no node has a GPU"):
        scheduled([Piece("cpu"), Piece("gpu", ("cpu",), resources=GPU)], hands, store)
    assert hands.began == []


def test_what_was_made_on_a_gpu_is_kept_where_there_is_none(store: Store) -> None:
    store.write("made-on-gpu", b"")
    events = scheduled([Piece("made-on-gpu", stands=True, resources=GPU)], Hands(gpus=0), store)
    assert [event.what for event in events] == ["kept"]


def test_what_the_user_has_to_change_ends_the_build_at_once(store: Store) -> None:
    class Faulty(Hands):
        def finished(self, wait: bool = True) -> End | None:
            raise RecipeError("no such voice")

    with pytest.raises(RecipeError, match="no such voice"):
        scheduled([Piece("a")], Faulty(), store)
