"""Reads the items of a source: each becomes records, or a reject with a reason.

Item(path="a/clip.wav")  ->  Recording(seconds=62.4, …)   or   Reject(reason="truncated", …)
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import PrivateAttr, SerializeAsAny

from weft.pipelines.parts.splits import HoldOutNames, Splits
from weft.pipelines.sources.base import Source, refused
from weft.pipelines.sources.common.lists import check_item
from weft.pipelines.stage import Stage
from weft.pipelines.storage.retries import without_secrets
from weft.pipelines.storage.store import Store
from weft.schemas.item import Item
from weft.schemas.ledger import Reject, Unavailable, Unread, Unusable
from weft.schemas.text import Document

_LATER = {"split", "hold_out", "splits", "speakers"}


def _setting(name: str) -> str:
    """`setting splits.space` is of the setting `splits`."""
    kind, _, setting = name.partition(" ")
    return setting.split(".")[0].split(" ")[0] if kind == "setting" else ""


class Ingest(Stage):
    """Reads each item through its source; the second item of one key is a duplicate. What cannot be read comes as `Unread`.

    Documents get their split here; utterances where they are cut.
    """

    source: SerializeAsAny[Source]
    splits: Splits = Splits()
    makes_seconds: ClassVar[bool] = True
    one_by_one: ClassVar[bool] = True
    _store: Store = PrivateAttr()

    @property
    def makes(self) -> type:
        return self.source.makes

    def version(self) -> str:
        return "5"

    def is_decisive(self, name: str) -> bool:
        """Not the settings that decide the split of utterances, so that a changed share does not decode the audio again."""
        return self._is_text or _setting(name) not in _LATER

    @property
    def decisive_reading(self) -> tuple[str, ...]:
        """The size of a file beyond which it is a reject."""
        return ("largest",) if self.source.opens_files else ()

    @property
    def _is_text(self) -> bool:
        return self.makes is Document

    def setup(self, store: Store) -> None:
        self._store = store

    def parent(self, record: Any) -> str:
        return record.item

    def __call__(self, items: Iterable[Item]) -> Iterator[Any]:
        seen: set[str] = set()
        for item in items:
            if item.key in seen:
                yield refused(item, Unusable("duplicate", "the source lists it more than once"))
            else:
                seen.add(item.key)
                yield from self._outputs(item)

    def _outputs(self, item: Item) -> list[Any]:
        """All that an item gives; of one that breaks off because it cannot be read now, nothing but that."""
        outputs: list[Any] = []
        try:
            for output in self._read(item):
                outputs.append(output)
        except Unusable as fault:
            outputs.append(refused(item, fault))
        except Unavailable as fault:
            judged = self.source.judged(fault)
            return [refused(item, judged) if isinstance(judged, Unusable) else self._unread(item, judged)]
        return outputs

    def _unread(self, item: Item, fault: Unavailable) -> Unread:
        """With the file that cannot be read where it is another than the item's, such as its transcript."""
        own = {without_secrets(uri) for uri in (item.uri, self._store.located(item.uri))}
        reason = fault.reason if fault.what in own else f"{fault.what}: {fault.reason}"
        return Unread(
            key=item.key, source=item.source, path=item.path, reason=reason, absent=fault.absent,
            rejectable=self.source.on_missing == "fail" and not fault.of_machine,
        )  # fmt: skip

    def _read(self, item: Item) -> Iterator[Any]:
        check_item(item)
        for output in self.source.read(item, self._store):
            record = output if isinstance(output, Reject) else replace(output, item=item.key)
            if not isinstance(record, Document):
                yield record
                continue
            try:
                yield replace(record, split=self.splits.of(HoldOutNames(items=(record.text,), split=record.split)))
            except Unusable as fault:
                yield refused(item, fault)
