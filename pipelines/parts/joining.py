"""Rows of several inputs of a stage as one: by key, or grouped under the record or the recording that they belong to.

utterances, alignments, codes                     ->  JoinedRow(utterance, alignment, codes={"hubert": …}), …            by key
dialogues, utterances, codes   by "dialogue"      ->  GroupedRow(record=Dialogue(…), rows=(JoinedRow(…), …)), …
utterances, codes              by "recording"     ->  GroupedRow(record=Passage(…), rows=(JoinedRow(…), …)), …
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from weft.schemas.audio import Alignment, Codes, Utterance
from weft.schemas.passage import Passage
from weft.schemas.text import Dialogue

RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class JoinedRow:
    """An utterance with what the other inputs have of it: its words in time, and its codes by the name of their tokenizer or stream."""

    utterance: Utterance
    alignment: Alignment | None = None
    codes: Mapping[str, Codes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupedRow:
    """A dialogue or a recording, and its utterances with what the other inputs have of them, in order."""

    record: Dialogue | Passage
    rows: tuple[JoinedRow, ...]


@dataclass(frozen=True, slots=True)
class InputTable:
    """The records of one part of an input; `name` is the tokenizer or the stream that codes are of."""

    name: str
    record: type
    records: Sequence[Any]


def join(tables: Sequence[InputTable]) -> tuple[list[Any], list[Any]]:
    """Records of one input, or joined rows of several; and the utterances of the first input that others lack."""
    if len(tables) == 1:
        return list(tables[0].records), []
    return _joined(tables)


def grouped(tables: Sequence[InputTable], by: str) -> tuple[list[GroupedRow], list[Any]]:
    """Records of the first input, each with the joined rows of the others whose utterance names it in the field `by`.

    A record without any row comes with none: whoever takes it says what it lacks. By `recording` the first input holds the utterances
    themselves; those that the other inputs lack come second.
    """
    if by == RECORDING:
        return _passages(tables)
    groups = _groups(_joined(tables[1:])[0], by)
    return [GroupedRow(record=record, rows=tuple(groups[record.key])) for record in tables[0].records], []


def first_of(row: Any) -> Any:
    """The record of the first input that a row holds."""
    return row.utterance if isinstance(row, JoinedRow) else row.record if isinstance(row, GroupedRow) else row


def records_in(rows: Sequence[Any]) -> int:
    """The number of records of the first input that the rows hold: all utterances of a passage."""
    firsts = map(first_of, rows)
    return sum(len(first.utterances) if isinstance(first, Passage) else 1 for first in firsts)


def _joined(tables: Sequence[InputTable]) -> tuple[list[JoinedRow], list[Utterance]]:
    """Rows of the utterances that all tables have, and the other utterances."""
    utterances = tables[0].records
    alignments = [{r.key: r for r in table.records} for table in tables[1:] if table.record is Alignment]
    codes = {table.name: {r.key: r for r in table.records} for table in tables[1:] if table.record is not Alignment}
    others = [*alignments, *codes.values()]
    rows = [
        JoinedRow(
            utterance=utterance,
            alignment=alignments[0][utterance.key] if alignments else None,
            codes={name: by_key[utterance.key] for name, by_key in codes.items()},
        )
        for utterance in utterances
        if all(utterance.key in by_key for by_key in others)
    ]
    return rows, [u for u in utterances if any(u.key not in by_key for by_key in others)]


def _passages(tables: Sequence[InputTable]) -> tuple[list[GroupedRow], list[Utterance]]:
    rows, absent = _joined(tables)
    groups = {key: sorted(group, key=_when) for key, group in _groups(rows, RECORDING).items()}
    passages = [
        GroupedRow(record=Passage(key=key, utterances=tuple(row.utterance for row in group)), rows=tuple(group))
        for key, group in groups.items()
    ]
    return passages, absent


def _groups(rows: Sequence[JoinedRow], by: str) -> dict[str, list[JoinedRow]]:
    groups: dict[str, list[JoinedRow]] = defaultdict(list)
    for row in rows:
        groups[getattr(row.utterance, by)].append(row)
    return groups


def _when(row: JoinedRow) -> tuple[float, int, str]:
    """Where an utterance comes in its recording; the turns of a dialogue all begin at 0 of their own audio."""
    return row.utterance.start, row.utterance.turn, row.utterance.key
