"""The work that orders the composed samples of one task, pass and source.

compose/words/pass-0/speech/part-*.parquet  ->  order/words/pass-0/speech.parquet, -held.parquet
"""

import json
from dataclasses import dataclass

from weft.pipelines.mixing import order
from weft.pipelines.parts.committed import digest_of
from weft.pipelines.parts.tables import part_name
from weft.pipelines.parts.work import BaseWork
from weft.pipelines.storage.store import Store
from weft.schemas.fingerprint import digest
from weft.schemas.plan import held_name, order_name


@dataclass(frozen=True)
class OrderWork(BaseWork):
    """Orders the composed samples of one task, pass and source (node `of`), for all training stages that draw them.

    `space` tells the source's speakers apart by name; "" where they are roles of dialogues. `tar_bytes`: the size of a tar.
    """

    of: str
    parts: int
    tar_bytes: float
    space: str = ""

    @property
    def node(self) -> str:
        return self.of.replace("compose/", "order/", 1)

    @property
    def makes(self) -> str:
        return held_name(self.of)

    @property
    def beside(self) -> tuple[str, ...]:
        return (order_name(self.of),)

    @property
    def needs(self) -> tuple[str, ...]:
        return tuple(part_name(self.of, part) for part in range(self.parts))

    def made_from(self, store: Store) -> dict[str, str]:
        samples = digest([digest_of(store, name) for name in self.needs])
        settings = {"setting shards.bytes": str(self.tar_bytes), "setting speakers": json.dumps(self.space)}
        return {"version": order.VERSION, **settings, f"input {self.of}": samples}

    def run(self, store: Store) -> int:
        return order.write_order(
            store, self.of, self.parts, tar_bytes=self.tar_bytes, made_from=self.made_from(store), space=self.space
        )
