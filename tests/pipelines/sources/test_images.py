"""Images of records: where they lie, and what is asked of a place that does not answer."""

from pathlib import Path

import pytest

from weft.pipelines.sources.common.images import ImageReader
from weft.pipelines.storage.retries import reading_as
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Field
from weft.schemas.ledger import Unavailable, Unusable
from weft.schemas.reading import ReadSettings


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/one.png").write_bytes(b"PNG")
    store = Store(str(tmp_path / "corpus"))
    store.locate("pictures", str(tmp_path / "pictures"))
    return store


def read(store: Store, name: str, missing: str = "fail") -> bytes:
    return ImageReader(store, missing).read("pictures", (Field("image", name),))  # type: ignore[arg-type]


def test_names_are_relative_to_the_source_or_absolute(store: Store, tmp_path: Path) -> None:
    places = ("one.png", f"{tmp_path}/pictures/one.png", f"file://{tmp_path}/pictures/one.png")
    assert {read(store, name) for name in places} == {b"PNG"}


@pytest.mark.parametrize("name", ["one.png/{n}.png", "http://127.0.0.1:9/{n}.png"])
def test_a_place_that_does_not_answer_is_given_up(store: Store, name: str) -> None:
    with reading_as(ReadSettings(wait=0.001)):
        for n in range(12):
            with pytest.raises(Unavailable) as caught:
                read(store, name.format(n=n))
    assert "not tried: 8 reads in a row" in caught.value.reason


def test_an_archive_that_is_none_is_a_reject(store: Store, tmp_path: Path) -> None:
    for scheme in ("zip", "tar"):
        with pytest.raises(Unusable, match="the archive that it lies in cannot be read"):
            read(store, f"{scheme}://a.png::{tmp_path}/pictures/one.png")


def test_the_query_of_a_source_is_not_shown(store: Store) -> None:
    store.locate("pictures", "memory://pictures")
    with pytest.raises(Unusable) as caught, reading_as(ReadSettings(wait=0.001)):
        read(store, "gone.png?sig=SECRET", "reject")
    assert (
        caught.value.reason == "missing" and "gone.png" in caught.value.detail and "SECRET" not in caught.value.detail
    )
