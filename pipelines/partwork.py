"""Runs one part of one stage, and makes the promises hold: done once, accounted for, committed whole.

    PartWork("align/speech", stage, part=3, inputs=(Input("segment/speech", Utterance),)).run(store, stage)

Order of writing: audio, rejects, ledger, part. The part comes last, so it stands for the others; an old one goes first,
so that it never stands for what is not its own.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from weft.pipelines.parts import made_from_of, part_name, read_part, stamp_of, write_part
from weft.pipelines.stage import Stage
from weft.pipelines.store import Store
from weft.schemas.audio import Audio, Recording
from weft.schemas.fingerprint import digest
from weft.schemas.ledger import TOLERANCE, LedgerRow, Reject
from weft.schemas.resources import Resources
from weft.schemas.text import Dialogue


class Unaccounted(Exception):
    """A stage lost or invented items or seconds: a fault of the stage, never of the data."""


@dataclass(frozen=True)
class Input:
    """A node whose parts are read, and the record in them."""

    node: str
    record: type


@dataclass(frozen=True)
class PartWork:
    """One part of one node. `models` are folders the stage loads; their digests count as inputs too."""

    node: str
    stage: Stage
    part: int
    inputs: tuple[Input, ...]
    models: tuple[str, ...] = ()

    @property
    def resources(self) -> Resources:
        return self.stage.resources

    @property
    def makes(self) -> str:
        return part_name(self.node, self.part)

    @property
    def needs(self) -> tuple[str, ...]:
        return (*(part_name(i.node, self.part) for i in self.inputs), *(model_mark(m) for m in self.models))

    def made_from(self, store: Store) -> dict[str, str]:
        """By name. Raises FileNotFoundError while something is not made."""
        inputs = {f"input {i.node}": content_of(store, part_name(i.node, self.part)) for i in self.inputs}
        models = {f"model {m}": content_of(store, model_mark(m)) for m in self.models}
        return {**self.stage.made_from(), **inputs, **models}

    def fingerprint(self, store: Store) -> str:
        return digest(self.made_from(store))

    def recorded(self, store: Store) -> dict[str, str] | None:
        """What the part that stands was made from; None where there is none."""
        return made_from_of(store, self.makes)

    def done(self, store: Store) -> bool:
        stamp = stamp_of(store, self.makes)
        return stamp is not None and stamp.fingerprint == self.fingerprint(store)

    def run(self, store: Store, stage: Stage) -> int:
        """Runs the part with a stage that was set up; returns the number of records made."""
        inputs, absent = join([read_part(store, part_name(i.node, self.part), i.record) for i in self.inputs])
        results = list(stage(inputs))
        out = [r for r in results if not isinstance(r, Reject)]
        rejects = [r for r in results if isinstance(r, Reject)]
        row = account(self, stage, inputs, absent, out, rejects)
        out, blob = pack(out, f"{self.node}/part-{self.part:05d}.bin")
        store.remove(self.makes)
        if blob:
            store.write(f"{self.node}/part-{self.part:05d}.bin", blob)
        made_from = self.made_from(store)
        fingerprint = digest(made_from)
        write_part(store, part_name(f"rejects/{self.node}", self.part), rejects, Reject, fingerprint)
        write_part(store, part_name(f"ledger/{self.node}", self.part), [row], LedgerRow, fingerprint)
        write_part(store, self.makes, out, stage.makes, fingerprint, hashlib.sha256(blob).hexdigest(), made_from)
        return len(out)


def model_mark(folder: str) -> str:
    """The file whose presence says that a model folder is whole."""
    return f"{folder}/model.json"


def content_of(store: Store, name: str) -> str:
    """The digest of a part or a model. Raises FileNotFoundError while it is not made."""
    if not name.endswith(".parquet"):
        return hashlib.sha256(store.read(name)).hexdigest()
    stamp = stamp_of(store, name)
    if stamp is None:
        raise FileNotFoundError(name)
    return stamp.digest


def join(tables: Sequence[list[Any]]) -> tuple[list[Any], list[Any]]:
    """Records of one input, or tuples of records with one key; and those of the first input the others lack."""
    if len(tables) == 1:
        return tables[0], []
    others = [{r.key: r for r in table} for table in tables[1:]]
    rows = [(r, *(other[r.key] for other in others)) for r in tables[0] if all(r.key in o for o in others)]
    return rows, [r for r in tables[0] if any(r.key not in o for o in others)]


def account(
    job: PartWork, stage: Stage, inputs: list[Any], absent: list[Any], out: list[Any], rejects: list[Reject]
) -> LedgerRow:
    """The part's ledger row. Raises Unaccounted when an input has no descendant, or one has no input, or seconds differ."""
    firsts = [r[0] if isinstance(r, tuple) else r for r in inputs]
    pieces = Counter([stage.parent(r) for r in out] + [r.key for r in rejects])
    wanted = Counter(r.key for r in firsts)
    if lost := [key for key, n in wanted.items() if pieces[key] < n]:
        raise Unaccounted(f"{job.node} part {job.part}: {len(lost)} items vanished, the first is {lost[0]}")
    if strange := pieces.keys() - wanted.keys():
        raise Unaccounted(f"{job.node} part {job.part}: {len(strange)} items have no input, such as {min(strange)}")
    seconds_in, seconds_out, seconds_rejected = total(firsts), total(out), total(rejects)
    made = seconds_out + seconds_rejected - seconds_in if stage.makes_seconds else stage.doubled(out)
    row = LedgerRow(
        job.node, job.part, len(firsts), pieces.total() - len(firsts), len(out), len(rejects), len(absent),
        seconds_in, made, seconds_out, seconds_rejected, total(absent),
    )  # fmt: skip
    if fault := row.imbalance():
        raise Unaccounted(fault)
    return row


def total(records: Iterable[Any]) -> float:
    """Seconds of all the records, rounded to the ledger's tolerance."""
    return round(sum(r.seconds for r in records) / TOLERANCE) * TOLERANCE


def pack(records: list[Any], name: str) -> tuple[list[Any], bytes]:
    """Moves audio that records carry into one blob and leaves its place in them."""
    blob = bytearray()

    def place(audio: Audio) -> Audio:
        if not audio.data:
            return audio
        blob.extend(audio.data)
        return replace(audio, uri=name, offset=len(blob) - len(audio.data), length=len(audio.data), data=b"")

    def placed(record: Any) -> Any:
        if isinstance(record, Recording):
            return replace(record, audio=place(record.audio))
        if isinstance(record, Dialogue):
            return replace(record, turns=tuple(replace(t, audio=place(t.audio)) for t in record.turns))
        return record

    return [placed(r) for r in records], bytes(blob)
