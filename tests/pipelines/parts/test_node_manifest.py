"""A manifest spares the footers of parts that have not changed, and never speaks for one that has."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from weft.pipelines.parts import node_manifest
from weft.pipelines.parts.node_manifest import Manifests, manifest_footer
from weft.pipelines.parts.tables import footer_of, part_name, write_part
from weft.pipelines.storage.file_facts import facts_in, folders_changed
from weft.pipelines.storage.footer import Footer
from weft.pipelines.storage.store import Store
from weft.schemas.ledger import HeldOutItem

NODE = "align/speech"
FILE = f"manifests/{NODE}.json"
PARTS = [part_name(NODE, number) for number in range(3)]
NOTES = {"companions": "{}", "rejected": "0", "made_from": '{"use": "adapted"}', "inputs": "{}"}


@pytest.fixture
def remote() -> Iterator[Store]:
    """A store whose files were written when `at` says so."""
    store = Store("memory://corpus-of-manifests")
    for name in PARTS:
        put(store, name, "one", 2020)
    yield store
    store.fs.rm(store.root, recursive=True)


def put(store: Store, name: str, key: str, year: int) -> None:
    write_part(store, name, [HeldOutItem(key, 1.0)], HeldOutItem, f"made of {key}", notes=NOTES)
    at(store, name, year)


def at(store: Store, name: str, year: int) -> None:
    store.fs.store[store.path(name)].created = datetime(year, 1, 1, tzinfo=UTC)


@pytest.fixture
def footers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parts whose footers were read."""
    read: list[str] = []

    def counted(store: Store, name: str) -> Footer | None:
        read.append(name)
        return footer_of(store, name)

    monkeypatch.setattr(node_manifest, "footer_of", counted)
    return read


def written(store: Store, year: int = 2021) -> None:
    """A build that asked all parts, and ended in that year."""
    Manifests(store).write(PARTS)
    at(store, FILE, year)


def test_a_second_build_reads_no_footer(remote: Store, footers: list[str]) -> None:
    written(remote)
    assert sorted(footers) == PARTS
    footers.clear()
    remote.manifests = Manifests(remote)
    stamps = [manifest_footer(remote, name) for name in PARTS]
    assert footers == [] and all(stamps)
    for name, stamp in zip(PARTS, stamps, strict=True):
        footer = footer_of(remote, name)
        assert stamp and footer and (stamp.fingerprint, stamp.digest) == (footer.fingerprint, footer.digest)
        assert stamp.notes == {"companions": "{}", "rejected": "0"}  # why a part was made is in its footer alone


def test_a_part_that_changed_is_read_though_it_is_as_long(remote: Store, footers: list[str]) -> None:
    written(remote)
    before = remote.size(PARTS[1])
    put(remote, PARTS[1], "two", 2022)
    footers.clear()
    stamp = Manifests(remote).footer_of(PARTS[1])
    assert remote.size(PARTS[1]) == before and footers == [PARTS[1]]
    assert stamp and stamp.fingerprint == "made of two"


def test_a_part_of_another_length_is_read_though_it_is_as_old(remote: Store, footers: list[str]) -> None:
    written(remote)
    put(remote, PARTS[1], "a longer key", 2020)
    footers.clear()
    stamp = Manifests(remote).footer_of(PARTS[1])
    assert footers == [PARTS[1]] and stamp and stamp.fingerprint == "made of a longer key"


def test_a_part_that_is_gone_or_broken_is_none(remote: Store) -> None:
    written(remote)
    remote.remove(PARTS[0])
    remote.write(PARTS[1], b"not a table")
    manifests = Manifests(remote)
    assert [manifests.footer_of(name) for name in PARTS[:2]] == [None, None] and manifests.size_of(PARTS[0]) == -1


def test_what_changed_as_the_manifest_was_written_is_not_believed(remote: Store, footers: list[str]) -> None:
    written(remote, 2020)
    footers.clear()
    Manifests(remote).footer_of(PARTS[0])
    assert footers == [PARTS[0]]


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"parts": {}}', b'{"parts": {"part-00000.parquet": 3}, "checksum": ""}']
)
def test_a_broken_manifest_costs_only_time(remote: Store, footers: list[str], data: bytes) -> None:
    written(remote)
    remote.write(FILE, data)
    footers.clear()
    assert Manifests(remote).footer_of(PARTS[0]) and footers == [PARTS[0]]


def test_an_edited_manifest_is_not_believed(remote: Store, footers: list[str]) -> None:
    written(remote)
    remote.write(FILE, remote.read(FILE).replace(b"made of one", b"made of two"))
    at(remote, FILE, 2021)
    stamp = Manifests(remote).footer_of(PARTS[0])
    assert stamp and stamp.fingerprint == "made of one"


def test_what_is_handed_out_is_never_looked_up_again(remote: Store) -> None:
    written(remote)
    manifests = Manifests(remote)
    assert manifests.footer_of(PARTS[0]) and manifests.size_of(PARTS[0]) == remote.size(PARTS[0])
    manifests.forget(PARTS[0])
    put(remote, PARTS[0], "a longer key", 2020)  # by a clock that is wrong
    stamp = manifests.footer_of(PARTS[0])
    assert (
        stamp and stamp.fingerprint == "made of a longer key" and manifests.size_of(PARTS[0]) == remote.size(PARTS[0])
    )
    manifests.write(PARTS)
    at(remote, FILE, 2023)
    assert Manifests(remote).footer_of(PARTS[0]) == stamp


def test_verifying_believes_no_manifest(remote: Store, footers: list[str]) -> None:
    written(remote)
    footers.clear()
    Manifests(remote, trusted=False).footer_of(PARTS[0])
    assert footers == [PARTS[0]]


def test_a_manifest_that_says_all_is_left_alone(remote: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    written(remote)
    before = remote.read(FILE)
    monkeypatch.setattr(remote, "write", None)
    Manifests(remote).write(PARTS)
    assert remote.read(FILE) == before


def test_the_same_parts_have_the_same_manifest_whenever_they_were_written(remote: Store) -> None:
    written(remote)
    before = remote.read(FILE)
    for name in PARTS:
        put(remote, name, "one", 2024)
    Manifests(remote).write(PARTS)
    assert remote.read(FILE) == before


def test_what_changes_while_a_build_runs_is_left_out(remote: Store) -> None:
    manifests = Manifests(remote)
    for name in PARTS:
        manifests.footer_of(name)
    put(remote, PARTS[2], "two", 2022)
    manifests.write(PARTS)
    at(remote, FILE, 2023)
    stamp = Manifests(remote).footer_of(PARTS[2])
    assert stamp and stamp.fingerprint == "made of two"


def test_the_manifest_of_a_node_that_went_is_removed(remote: Store) -> None:
    written(remote)
    remote.write("manifests/notes.json", b"a user's")
    Manifests(remote).write([])
    assert remote.names("manifests") == ["manifests/notes.json"]


def test_a_store_that_does_not_say_when_a_file_changed_gets_none(
    remote: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing: Any = remote.fs.ls

    def untimed(path: str, detail: bool = True) -> Any:
        return [{**entry, "created": None} for entry in listing(path)] if detail else listing(path, detail=False)

    monkeypatch.setattr(remote.fs, "ls", untimed)
    Manifests(remote).write(PARTS)
    assert not remote.exists(FILE)


def test_a_local_part_that_was_put_back_with_an_old_time_is_read(store: Store, footers: list[str]) -> None:
    write_part(store, PARTS[0], [HeldOutItem("one", 1.0)], HeldOutItem, "made of one", notes=NOTES)
    Manifests(store).write(PARTS[:1])
    write_part(store, PARTS[0], [HeldOutItem("two", 1.0)], HeldOutItem, "made of two", notes=NOTES)
    os.utime(store.path(PARTS[0]), (1000, 1000))
    stamp = Manifests(store).footer_of(PARTS[0])
    assert stamp and stamp.fingerprint == "made of two"


def test_a_folder_that_was_put_in_place_of_another_has_changed(store: Store) -> None:
    """Its files have not: moving a folder changes none of them."""
    store.write(PARTS[0], b"x")
    before = folders_changed(store, NODE)
    while folders_changed(store, NODE) == before:  # until the clock of the file system goes on
        os.rename(store.path("align"), store.path("away"))
        os.rename(store.path("away"), store.path("align"))
    assert facts_in(store, NODE)[PARTS[0]].changed < folders_changed(store, NODE)  # type: ignore[operator]


def test_a_manifest_older_than_the_folder_is_not_believed(
    store: Store, footers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_manifest, "SETTLED", 0.0)
    write_part(store, PARTS[0], [HeldOutItem("one", 1.0)], HeldOutItem, "made of one", notes=NOTES)
    Manifests(store).write(PARTS[:1])
    footers.clear()
    monkeypatch.setattr(node_manifest, "folders_changed", lambda store, node: 0.0)
    assert Manifests(store).footer_of(PARTS[0]) and footers == []
    monkeypatch.setattr(node_manifest, "folders_changed", lambda store, node: 1e12)
    assert Manifests(store).footer_of(PARTS[0]) and footers == [PARTS[0]]
