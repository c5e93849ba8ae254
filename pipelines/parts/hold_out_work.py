"""Checks that a declared share holds somebody out and leaves somebody, from what was read.

    hold_out.speakers 0.02 of source read selects 0 of its 13 speakers, so nothing is held out; raise it, or …

2 % of 13 names select nobody three times of four. `corpus/hold_out.py` makes the same check earlier, over the listing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from weft.pipelines.parts.committed import digest_of
from weft.pipelines.parts.splits import Splits, Tally
from weft.pipelines.parts.tables import read_table
from weft.pipelines.parts.work import BaseWork
from weft.pipelines.storage.store import Store
from weft.schemas.changes import named_settings
from weft.schemas.fingerprint import digest
from weft.schemas.splits import HoldOut


@dataclass(frozen=True)
class Space:
    """Sources whose names are held out together: one, unless several share their speakers. All declare the same share."""

    splits: Mapping[str, Splits]

    @property
    def rule(self) -> Splits:
        """What all have in common: the share, and the space of the names."""
        return next(iter(self.splits.values()))

    @property
    def hold_out(self) -> HoldOut:
        assert self.rule.hold_out
        return self.rule.hold_out

    @property
    def where(self) -> str:
        names = ", ".join(self.splits)
        return f"speakers {self.rule.space} (sources {names})" if self.rule.shared else f"source {names}"


@dataclass(frozen=True)
class HoldOutWork(BaseWork):
    """The check over the utterances (or documents) that were read, before any model learns from them."""

    space: Space
    needs: tuple[str, ...]
    is_text: bool

    @property
    def node(self) -> str:
        return f"splits/{self.space.rule.space}"

    @property
    def makes(self) -> str:
        return f"{self.node}.json"

    def made_from(self, store: Store) -> dict[str, str]:
        """By name. Raises FileNotFoundError while something is not made."""
        rule = {"shared": self.space.rule.shared, "hold_out": self.space.hold_out.model_dump(mode="json")}
        nodes = dict.fromkeys(name.rpartition("/")[0] for name in self.needs)
        inputs = {
            f"input {node}": digest([digest_of(store, name) for name in self.needs if name.startswith(f"{node}/")])
            for node in nodes
        }
        return {"version": "hold-out-2", **named_settings(rule), **inputs}

    def recorded(self, store: Store) -> dict[str, str] | None:
        """None where there is no count, or it is not as it was written."""
        try:
            record = json.loads(store.read(self.makes))
            return dict(record["made_from"]) if record.pop("digest") == digest(record) else None
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def done(self, store: Store) -> bool:
        return self.recorded(store) == self.made_from(store)

    def run(self, store: Store) -> int:
        """Writes how many names there are and how many are held out. Raises SplitError."""
        tally, unknown = Tally(self.space.hold_out), 0
        for part in self.needs:
            for name, split in self._names(store, part):
                unknown += tally.add_placed(name, split, self.space.rule) and not name
        tally.check(self.space.where)
        counts = {
            "kind": self.space.hold_out.kind,
            "names": tally.total,
            "held_out": tally.held_out,
            "without_name": unknown,
        }
        record = {"made_from": self.made_from(store), **counts}
        store.write(self.makes, (json.dumps({**record, "digest": digest(record)}) + "\n").encode())
        return tally.held_out

    def _names(self, store: Store, part: str) -> Iterator[tuple[str, str]]:
        """Name and split of each record."""
        if self.is_text:
            columns = read_table(store, part, ["text", "split"])
            yield from zip(columns["text"].to_pylist(), columns["split"].to_pylist(), strict=True)
            return
        for row in read_table(store, part, ["item", "path", "dialogue", "speaker", "split"]).to_pylist():
            yield self._name(row), row["split"]

    def _name(self, row: dict[str, str]) -> str:
        if self.space.hold_out.kind != "speakers":
            return row["path"] if self.space.hold_out.kind == "recordings" else row["item"]
        return self.space.rule.speaker(row["speaker"], row["dialogue"])
