"""Results that are used again when a part is made anew because some of its items could not be read: these alone are read then.

    unfinished/ingest/speech/part-00003.parquet           records of a part of which some items could not be read
    unfinished/rejects/ingest/speech/part-00003.parquet   and its rejects
    ingest/speech/part-00003.parquet                      or a whole part, some items of which are rejects because they cannot be read

They count only for what they were made from; a part whose records carry audio keeps none.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from weft.pipelines.parts.tables import footer_of, read_part, write_part
from weft.pipelines.storage.damage import Damaged
from weft.pipelines.storage.store import Store
from weft.schemas.ledger import ASKED_AGAIN, Reject, Unread

Results = Mapping[str, Sequence[Any]]  # by the key of the input


@dataclass(frozen=True)
class EarlierResults:
    """The results of the part `makes` of records of the type `record`, whose input `parent` tells."""

    store: Store
    makes: str
    record: type
    parent: Callable[[Any], str]

    def of(self, fingerprint: str) -> Results:
        """Of every item that need not be read again."""
        return self._read("unfinished/", fingerprint) or self._read("", fingerprint)

    def _read(self, folder: str, fingerprint: str) -> Results:
        footer = footer_of(self.store, f"{folder}{self.makes}")
        if footer is None or footer.fingerprint != fingerprint or ".bin" in footer.notes.get("companions", ""):
            return {}
        try:
            records: list[Any] = read_part(self.store, f"{folder}{self.makes}", self.record)
            rejects = read_part(self.store, f"{folder}rejects/{self.makes}", Reject)
        except (FileNotFoundError, Damaged):
            return {}
        away = {reject.key for reject in rejects if reject.reason in ASKED_AGAIN}
        return {key: results for key, results in self._by_key([*records, *rejects]).items() if key not in away}

    def _by_key(self, results: Sequence[Any]) -> dict[str, list[Any]]:
        by_key: dict[str, list[Any]] = defaultdict(list)
        for result in results:
            by_key[result.key if isinstance(result, Reject | Unread) else self.parent(result)].append(result)
        return by_key

    def keep(self, results: Sequence[Any], fingerprint: str) -> None:
        """Keeps the results of all items but those that could not be read."""
        unread = {result.key for result in results if isinstance(result, Unread)}
        good = [r for key, of_key in self._by_key(results).items() if key not in unread for r in of_key]
        rejects = [r for r in good if isinstance(r, Reject)]
        records = [r for r in good if not isinstance(r, Reject)]
        write_part(self.store, f"unfinished/rejects/{self.makes}", rejects, record=Reject, fingerprint=fingerprint)
        write_part(self.store, f"unfinished/{self.makes}", records, record=self.record, fingerprint=fingerprint)

    def with_new(self, earlier: Results, new: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
        """Earlier and new results in the order of the inputs, as if all had been made now."""
        if not earlier:
            return list(new)
        everything = {**self._by_key(new), **earlier}
        return [result for key in dict.fromkeys(record.key for record in inputs) for result in everything.get(key, ())]

    def forget(self) -> None:
        self.store.remove(f"unfinished/{self.makes}")
        self.store.remove(f"unfinished/rejects/{self.makes}")
