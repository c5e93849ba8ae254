"""Settings: which of them count in a fingerprint, at any depth."""

from typing import Annotated

from pydantic import SerializeAsAny

from weft.schemas.settings import CHECKPOINT, NOT_IN_FINGERPRINT, Settings, Versioned


class Inner(Settings):
    steps: int = 3
    jobs: Annotated[int, NOT_IN_FINGERPRINT] = 2


class Backend(Versioned):
    device: Annotated[str, NOT_IN_FINGERPRINT] = "cpu"
    model: Annotated[str, CHECKPOINT] = ""
    training: Inner = Inner()


class Leaf(Backend):
    beam: int = 5


class Stage(Settings):
    backend: SerializeAsAny[Backend]
    several: tuple[Inner, ...] = ()
    named: dict[str, Inner] = {}


def test_where_and_how_fast_do_not_count_in_a_fingerprint_at_any_depth() -> None:
    one = Stage(backend=Leaf(), several=(Inner(),), named={"a": Inner()})
    moved = Leaf(device="cuda:1", model="/models/m", training=Inner(jobs=9))
    other = Stage(backend=moved, several=(Inner(jobs=7),), named={"a": Inner(jobs=8)})
    assert one.fingerprint_settings() == other.fingerprint_settings()
    assert one.fingerprint_settings()["backend"] == {"training": {"steps": 3}, "beam": 5}
    slower = Stage(backend=Leaf(), several=(Inner(steps=4),), named={"a": Inner()})
    assert one.fingerprint_settings() != slower.fingerprint_settings()


def test_checkpoints_are_found_by_the_path_to_their_setting() -> None:
    assert list(Stage(backend=Leaf(model="/m")).checkpoint_settings()) == [("backend.model", "/m")]
    assert list(Stage(backend=Leaf()).checkpoint_settings()) == []


def test_a_backend_has_a_version_and_the_name_it_is_chosen_by() -> None:
    assert (Leaf().version(), Leaf().backend_name) == ("1", Leaf.__module__)  # it is not weft's own
