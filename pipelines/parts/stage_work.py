"""Runs one part of one stage, and keeps the guarantees: run once, all items accounted for, committed completely or not at all.

    PartWork("align/speech", stage, part=3, inputs=(Input("segment/speech", Utterance),)).run(store)

Order of writing: audio, rejects, ledger, part. The part is written last: its presence means that the others are there.
An old part is removed first, so that it is never mistaken for the new one. Its footer holds what was committed with it
and what it was made from:

  weft.companions   {"rejects/align/speech/part-00003.parquet": [5120, ""], "ingest/….bin": [81233, "9f…"]}   bytes, SHA-256
  weft.inputs       {"segment/speech/part-00003.parquet": "71c2…", "aligner/model.json": "03ab…"}
  weft.rejected     "12": rows of its rejects, so that those without any need not be opened
  weft.again        "3": so many items could not be read, so every build asks for them again
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from weft.pipelines.parts.accounting import account
from weft.pipelines.parts.audio_blob import pack_audio
from weft.pipelines.parts.committed import NOTHING, companions_of, digest_of, listed_size, model_manifest
from weft.pipelines.parts.earlier_results import EarlierResults
from weft.pipelines.parts.joining import InputTable, grouped, join
from weft.pipelines.parts.node_manifest import manifest_footer
from weft.pipelines.parts.slices import SLICE, PartWriter
from weft.pipelines.parts.tables import footer_of, part_name, read_part, write_part
from weft.pipelines.parts.unread import all_unread
from weft.pipelines.parts.work import BaseWork
from weft.pipelines.stage import Stage
from weft.pipelines.storage.store import Store
from weft.schemas.fingerprint import digest
from weft.schemas.ledger import (
    ASKED_AGAIN,
    MISSING,
    HeldOutItem,
    LedgerRow,
    Reject,
    Unavailable,
    Unread,
    UnreadItems,
)
from weft.schemas.reading import ReadSettings
from weft.schemas.resources import Resources

AGAIN = "again"  # footer note: every build asks again for these rejects
REJECTED = "rejected"  # footer note: number of reject rows
_LEDGER = 2  # version of the ledger's columns, which lies beside each part


@dataclass(frozen=True)
class Input:
    """A node whose parts are read, and the record in them."""

    node: str
    record: type

    def table(self, store: Store, part: int) -> InputTable:
        """One part; that of `encode/hubert/speech` has the name `hubert`."""
        records: list[Any] = read_part(store, part_name(self.node, part), self.record)
        return InputTable(name=PurePosixPath(self.node).parent.name, record=self.record, records=records)


@dataclass(frozen=True)
class PartWork(BaseWork):
    """One part of one node. `models` are folders the stage loads; their digests count as inputs too.

    With `group_by` the rows of the other inputs are grouped under the records of the first, by that field of their utterances; by
    `recording`, all rows under their recordings.
    """

    node: str
    stage: Stage
    part: int
    inputs: tuple[Input, ...]
    models: tuple[str, ...] = ()
    reading: ReadSettings = ReadSettings()
    stages_in_memory: int = 6
    group_by: str = ""

    @property
    def resources(self) -> Resources:
        return self.stage.resources

    @property
    def makes(self) -> str:
        return part_name(self.node, self.part)

    @property
    def needs(self) -> tuple[str, ...]:
        return (*(part_name(i.node, self.part) for i in self.inputs), *(model_manifest(m) for m in self.models))

    def made_from(self, store: Store) -> dict[str, str]:
        inputs = {f"input {i.node}": digest_of(store, part_name(i.node, self.part)) for i in self.inputs}
        models = {f"model {m}": digest_of(store, model_manifest(m)) for m in self.models}
        reading = {
            f"setting reading.{name}": json.dumps(getattr(self.reading, name)) for name in self.stage.decisive_reading
        }
        return {"version ledger": str(_LEDGER), **self.stage.made_from(), **reading, **inputs, **models}

    def recorded(self, store: Store) -> dict[str, str] | None:
        """What the present part was made from, and how many items could not be read; None if there is no part."""
        if (footer := footer_of(store, self.makes)) is None:
            return None
        missing = {MISSING: footer.notes[AGAIN]} if AGAIN in footer.notes else {}
        return {**json.loads(footer.notes.get("made_from", "{}")), **missing}

    @property
    def rejects(self) -> str:
        return f"rejects/{self.makes}"

    @property
    def ledger(self) -> str:
        return f"ledger/{self.makes}"

    @property
    def audio(self) -> str:
        """Where the audio goes that the records carry, if they carry any."""
        return self.makes.removesuffix(".parquet") + ".bin"

    def done(self, store: Store) -> bool:
        """Whether the part was made from the present inputs, and all files committed with it are complete."""
        footer = manifest_footer(store, self.makes)
        if footer is None or footer.fingerprint != self.fingerprint(store):
            return False
        companions = companions_of(footer)
        return (
            AGAIN not in footer.notes
            and bool(companions)
            and all(listed_size(store, name) == size for name, (size, _) in companions.items())
        )

    def run(self, store: Store) -> int:
        """Runs the part. Its stage must have been set up."""
        tables = [one.table(store, self.part) for one in self.inputs]
        inputs, absent = grouped(tables, self.group_by) if self.group_by else join(tables)
        made_from = self.made_from(store)
        fingerprint = digest(made_from)
        with store.writing(self.makes) as file, PartWriter(file, self.stage.makes) as part:
            output = self._written(part, self._results(store, inputs, fingerprint))
            row = account(
                self, self.stage, inputs, absent, out=[*output.written, *output.rest],
                rejects=output.rejects, held=output.held_out,
            )  # fmt: skip
            rest, blob = pack_audio(output.rest, self.audio)
            assert not (output.written and blob), f"{self.node}: records in slices carry audio"
            store.remove(self.makes)
            store.remove(self.audio)
            if blob:
                store.write(self.audio, blob)
            write_part(store, self.rejects, output.rejects, record=Reject, fingerprint=fingerprint)
            write_part(store, self.ledger, [row], record=LedgerRow, fingerprint=fingerprint)
            if rest or not output.written:
                part.write(rest, hashlib.sha256(blob).hexdigest())
            part.close(self.makes, fingerprint, self._notes(store, blob, made_from, output.rejects))
        if self.stage.one_by_one:
            self._earlier(store).forget()
        return row.items_out

    def _written(self, part: PartWriter, results: Iterable[Any]) -> "_StageOutput":
        """Writes slices into the part as their records come, all but the last. Raises UnreadItems."""
        output, size = _StageOutput(), 0
        for result in results:
            output.add(result)
            if output.unread:
                output.rest, size = [], 0  # nothing will be committed
            elif not isinstance(result, Reject | HeldOutItem):
                size += self.stage.size(result)
            if size >= SLICE:
                part.write(output.rest, NOTHING)
                output.written += map(self.stage.counted, output.rest)
                output.rest, size = [], 0
        if output.unread:
            raise self._unread(output.unread)
        return output

    def _earlier(self, store: Store) -> EarlierResults:
        return EarlierResults(store=store, makes=self.makes, record=self.stage.makes, parent=self.stage.parent)

    def _results(self, store: Store, inputs: list[Any], fingerprint: str) -> Iterator[Any]:
        """What the stage makes of the inputs. Raises UnreadItems, with all that cannot be read now."""
        try:
            yield from self._one_by_one(store, inputs, fingerprint) if self.stage.one_by_one else self.stage(inputs)
        except Unavailable as fault:
            raise UnreadItems(all_unread(store, self.node, inputs, fault)) from None

    def _unread(self, items: Iterable[Unread]) -> UnreadItems:
        return UnreadItems(tuple(replace(item, node=self.node) for item in items))

    def _one_by_one(self, store: Store, inputs: list[Any], fingerprint: str) -> list[Any]:
        """The same, without what was read before. Raises UnreadItems, and Unavailable."""
        earlier = self._earlier(store)
        old = earlier.of(fingerprint)
        results = earlier.with_new(old, list(self.stage([r for r in inputs if not old or r.key not in old])), inputs)
        if unread := tuple(r for r in results if isinstance(r, Unread)):
            if not pack_audio([r for r in results if not isinstance(r, Reject | Unread)], self.audio)[1]:
                earlier.keep(results, fingerprint)
            raise self._unread(unread)
        return results

    def _notes(
        self, store: Store, blob: bytes, made_from: dict[str, str], rejects: Sequence[Reject]
    ) -> dict[str, str]:  # fmt: skip
        companions = {name: (store.size(name), "") for name in (self.rejects, self.ledger)}
        companions |= {self.audio: (len(blob), hashlib.sha256(blob).hexdigest())} if blob else {}
        inputs = {name: digest_of(store, name) for name in self.needs}
        away = sum(reject.reason in ASKED_AGAIN for reject in rejects)
        return {
            "made_from": json.dumps(made_from, ensure_ascii=True),
            "companions": json.dumps(companions),
            "inputs": json.dumps(inputs),
            REJECTED: str(len(rejects)),
            **({AGAIN: str(away)} if away else {}),
        }


@dataclass
class _StageOutput:
    """What a stage made of a part so far: records in slices that are written, without what made them large, and the others."""

    written: list[Any] = field(default_factory=list)
    rest: list[Any] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    held_out: list[HeldOutItem] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    def add(self, result: Any) -> None:
        if isinstance(result, Reject):
            self.rejects.append(result)
        elif isinstance(result, HeldOutItem):
            self.held_out.append(result)
        elif isinstance(result, Unread):
            self.unread.append(result)
        else:
            self.rest.append(result)
