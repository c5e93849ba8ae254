"""Tasks with an answer that can be checked (arithmetic and recall), as documents: the prompt is the text, the field `answer` is there.

sums: {use: checkable, count: 200}
Document(text="What is 12 plus 30?", fields=(Field("answer", "42"), Field("kind", "arithmetic")))
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import ClassVar

from pydantic import Field as Setting

from weft.pipelines.sources import base
from weft.pipelines.sources.common.written import written_item
from weft.pipelines.storage.store import Store
from weft.pipelines.writers.checkable import VERSION, checkable
from weft.schemas.audio import Field
from weft.schemas.item import Item
from weft.schemas.splits import Kind
from weft.schemas.text import Document


class Source(base.Source):
    """`count` tasks; the i-th depends on `seed` and i alone."""

    can_hold_out: ClassVar[tuple[Kind, ...]] = ("items",)

    count: int = Setting(default=20, ge=1)
    seed: int = 1

    @property
    def makes(self) -> type:
        return Document

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset({"answer", "kind"})

    def version(self) -> str:
        return f"1, checkable {VERSION}"

    def items(self, name: str) -> Iterator[Item]:
        for key, task in checkable(self.count, self.seed):
            yield written_item(name, key, json.dumps(asdict(task)))

    def named(self, item: Item, splits: object) -> None:
        """Only reading shows the text, by which documents are held out."""

    def read(self, item: Item, store: Store) -> Iterator[Document]:
        task = json.loads(item.payload)
        yield Document(
            key=item.key, source=item.source, text=task["prompt"], language=self.language, licence=self.licence,
            path=item.path, fields=(Field("answer", task["answer"]), Field("kind", task["kind"])),
        )  # fmt: skip
