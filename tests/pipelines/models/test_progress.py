"""The steps of a model that learns, in a file beside the corpus."""

from pathlib import Path

import pytest

from weft.pipelines.models.progress import Pace, pace_of, steps_in_file
from weft.pipelines.storage.store import Store
from weft.schemas.learning import report_step


class Clock:
    """Seconds that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path) if request.param == "disk" else f"memory://learning-{tmp_path.name}")


def test_steps_are_read_elsewhere_with_rate_and_time_left(store: Store) -> None:
    clock = Clock()
    with steps_in_file(store, "models/hubert", clock):
        report_step("training", 50, 350)  # one that was broken off goes on
        clock.now += 20
        report_step("training", 90, 350)
        pace = pace_of(store, "models/hubert")
        assert pace == Pace(phase="training", done=90, of=350, steps=40, seconds=20.0)
        assert (pace.rate, pace.left) == (2.0, 130.0)
    assert pace_of(store, "models/hubert") is None and not store.names("unfinished")


def test_a_new_phase_and_a_last_step_are_reported_at_once_and_others_seldom(tmp_path: Path) -> None:
    store, clock = Store(str(tmp_path)), Clock()
    with steps_in_file(store, "aligner", clock):
        for done in range(1, 10):
            report_step("clips", done, 10)
        assert (pace_of(store, "aligner") or Pace(phase="", done=0, of=0, steps=0, seconds=0)).done == 1
        report_step("clips", 10, 10)
        assert (pace_of(store, "aligner") or Pace(phase="", done=0, of=0, steps=0, seconds=0)).done == 10
        report_step("k-means")
        assert pace_of(store, "aligner") == Pace(phase="k-means", done=0, of=0, steps=0, seconds=0.0)


def test_nothing_is_left_of_what_fails(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    with pytest.raises(ValueError, match="no"), steps_in_file(store, "aligner"):
        report_step("clips", 1, 2)
        raise ValueError("no")
    assert not store.names("unfinished")


def test_who_cannot_write_it_learns_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, data: bytes) -> None:
        raise OSError(28, "no space left")

    store = Store(str(tmp_path))
    monkeypatch.setattr(store, "write", full)
    with steps_in_file(store, "aligner"):
        report_step("clips", 1, 2)
    assert pace_of(store, "aligner") is None


def test_a_report_that_nobody_watches_is_nothing() -> None:
    report_step("training", 1, 2)
