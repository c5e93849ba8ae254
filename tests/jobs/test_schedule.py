"""The scheduler over work that does nothing: each piece once, never before what it needs, and what dies is told."""

from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.jobs.engine import Finished, Lost
from weft.jobs.schedule import TRIES, BuildError, Event, run
from weft.pipelines.store import Store
from weft.schemas.resources import Resources


@dataclass(frozen=True)
class Piece:
    """Work that is done from the start, or not at all."""

    makes: str
    needs: tuple[str, ...] = ()
    stands: bool = False
    resources: Resources = Resources()

    @property
    def node(self) -> str:
        return self.makes

    def done(self, store: Store) -> bool:
        return self.stands


@dataclass
class Hands:
    """An engine that takes `room` pieces and ends the oldest first; `dies` says how often a piece kills its worker."""

    room: int = 2
    dies: dict[str, int] = field(default_factory=dict)
    began: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    flying: deque[Piece] = field(default_factory=deque)

    def accepts(self, resources: Resources) -> bool:
        return len(self.flying) < self.room

    def submit(self, work: Piece) -> None:
        assert all(need in self.ended or need.startswith("given") for need in work.needs)
        self.began.append(work.makes)
        self.flying.append(work)

    def finished(self) -> Finished | Lost:
        work = self.flying.popleft()
        if self.dies.get(work.makes, 0) > 0:
            self.dies[work.makes] -= 1
            return Lost(work, "killed")  # type: ignore[arg-type]
        self.ended.append(work.makes)
        return Finished(work, 1, 0.0)  # type: ignore[arg-type]

    def close(self) -> None: ...


def scheduled(works: list[Piece], hands: Hands, store: Store) -> list[Event]:
    events: list[Event] = []
    run(works, store, hands, events.append)  # type: ignore[arg-type]
    return events


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(str(tmp_path_factory.getbasetemp()))


@st.composite
def graphs(draw: st.DrawFn) -> list[Piece]:
    """Pieces that need some of those before them, told in any order."""
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
    told: str = ""

    def recorded(self, store: Store) -> dict[str, str] | None:
        return {"setting layer": self.was} if self.was else None

    def made_from(self, store: Store) -> dict[str, str]:
        return {"setting layer": "3"}

    def note(self, store: Store) -> str:
        return self.told


def test_what_is_done_again_says_why_and_what_is_new_does_not(store: Store) -> None:
    works = [Made("a", was="2"), Made("b"), Piece("c"), Made("d", stands=True, told="d: frozen"), Made("e", was="3")]
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


def test_a_piece_that_kills_every_worker_ends_the_build_by_its_name(store: Store) -> None:
    with pytest.raises(BuildError, match=f"a: {TRIES} workers died over it"):
        scheduled([Piece("a")], Hands(dies={"a": TRIES}), store)


def test_a_fault_of_the_work_itself_ends_the_build(store: Store) -> None:
    class Faulty(Hands):
        def finished(self) -> Finished | Lost:
            raise ValueError("no such voice")

    with pytest.raises(ValueError, match="no such voice"):
        scheduled([Piece("a")], Faulty(), store)
