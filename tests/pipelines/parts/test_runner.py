"""Stages that were set up are kept, but never for one that reads elsewhere."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import pytest
from pydantic import PrivateAttr

from weft.pipelines.parts.runner import Runner
from weft.pipelines.parts.stage_work import Input, PartWork
from weft.pipelines.parts.tables import part_name, read_part, write_part
from weft.pipelines.stage import Stage
from weft.pipelines.storage.store import Store
from weft.schemas.settings import NOT_IN_FINGERPRINT
from weft.schemas.text import Document


class Reader(Stage):
    """Gives each document the text that lies where it was set up to read."""

    path: Annotated[str, NOT_IN_FINGERPRINT]
    _set_up: str = PrivateAttr("")

    @property
    def makes(self) -> type:
        return Document

    def setup(self, store: Store) -> None:
        self._set_up = self.path

    def __call__(self, records: Iterable[Any]) -> Iterator[Any]:
        return (Document(r.key, r.source, self._set_up) for r in records)


@pytest.mark.parametrize("paths", [("/a", "/b"), ("/a", "/a")])
def test_each_place_has_a_stage_of_its_own(store: Store, paths: tuple[str, str]) -> None:
    write_part(store, part_name("list/books", 0), [Document("d", "books", "")], Document, "one")
    runner = Runner(store)
    for node, path in zip(("one", "two"), paths, strict=True):
        runner.run(PartWork(node=node, stage=Reader(path=path), part=0, inputs=(Input("list/books", Document),)))
        assert read_part(store, part_name(node, 0), Document)[0].text == path


@pytest.mark.parametrize(("kept", "set_up"), [(2, ["/a", "/b"]), (1, ["/a", "/b", "/a"])])
def test_so_many_stages_stay_in_memory(
    store: Store, kept: int, set_up: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_part(store, part_name("list/books", 0), [Document("d", "books", "")], Document, "one")
    places: list[str] = []
    monkeypatch.setattr(Reader, "setup", lambda self, store: places.append(self.path))
    runner = Runner(store)
    for path in ("/a", "/b", "/a"):
        inputs = (Input("list/books", Document),)
        runner.run(PartWork(node="one", stage=Reader(path=path), part=0, inputs=inputs, stages_in_memory=kept))
    assert places == set_up
