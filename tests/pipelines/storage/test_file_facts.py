"""A file that changed never looks as old as it was: locally by its inode, elsewhere as the store says."""

import os
from datetime import UTC, datetime

import pytest

from weft.pipelines.storage.file_facts import facts_in, facts_of, written_at
from weft.pipelines.storage.store import Store


def test_a_file_put_back_with_an_old_time_has_changed_now(store: Store) -> None:
    store.write("align/speech/part-00000.parquet", b"12345")
    os.utime(store.path("align/speech/part-00000.parquet"), (1000, 1000))
    (facts,) = facts_in(store, "align/speech").values()
    assert facts.size == 5 and facts.changed and facts.changed > 1e9
    assert (
        written_at(store, "align/speech/part-00000.parquet") == 1000
    )  # a copy of a manifest counts as old as its original


def test_a_listing_and_a_file_say_the_same(store: Store) -> None:
    store.write("a/b", b"1")
    assert facts_in(store, "a") == {"a/b": facts_of(store, "a/b")}


def test_what_is_not_there_has_no_facts(store: Store) -> None:
    assert facts_in(store, "a") == {} and facts_of(store, "a/b") is None and written_at(store, "a/b") is None


@pytest.mark.parametrize(
    "modified", [datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 2), "2026-01-02T00:00:00.000Z", 1767312000]
)
@pytest.mark.parametrize("name", ["LastModified", "last_modified", "updated", "mtime", "created"])
def test_stores_say_it_in_their_own_ways(name: str, modified: object, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store("memory://facts-of-stores")
    monkeypatch.setattr(
        store.fs, "ls", lambda path, detail: [{"name": f"{path}/b", "type": "file", "size": 3, name: modified}]
    )
    assert facts_in(store, "a")["a/b"].changed == datetime(2026, 1, 2, tzinfo=UTC).timestamp()


def test_a_store_may_not_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store("memory://facts-of-stores")
    monkeypatch.setattr(store.fs, "ls", lambda path, detail: [{"name": f"{path}/b", "type": "file", "size": 3}])
    assert facts_in(store, "a")["a/b"].changed is None
