"""Rows of several inputs of a stage as one: by key, or grouped under the record or the recording that they belong to.

utterances, alignments, codes                     ->  (Utterance, Alignment, Codes), …                               by key
dialogues, utterances, codes   by "dialogue"      ->  (Dialogue, ((Utterance, Codes), (Utterance, Codes), …)), …
utterances, codes              by "recording"     ->  (Passage, ((Utterance, Codes), (Utterance, Codes), …)), …
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from weft.schemas.passage import Passage

RECORDING = "recording"


def join(tables: Sequence[list[Any]]) -> tuple[list[Any], list[Any]]:
    """Records of one input, or tuples of records with one key; and those of the first input the others lack."""
    if len(tables) == 1:
        return tables[0], []
    others = [{r.key: r for r in table} for table in tables[1:]]
    rows = [(r, *(other[r.key] for other in others)) for r in tables[0] if all(r.key in o for o in others)]
    return rows, [r for r in tables[0] if any(r.key not in o for o in others)]


def grouped(tables: Sequence[list[Any]], by: str) -> tuple[list[Any], list[Any]]:
    """Records of the first input, each with the joined rows of the others whose utterance names it in the field `by`.

    A record without any row comes with none: whoever takes it says what it lacks. By `recording` the first input holds the utterances
    themselves; those that the other inputs lack come second.
    """
    if by == RECORDING:
        return _passages(tables)
    groups = _groups(join(tables[1:])[0], by)
    return [(record, tuple(groups[record.key])) for record in tables[0]], []


def records_in(rows: Sequence[Any]) -> int:
    """The number of records of the first input that the rows hold: all utterances of a passage."""
    firsts = [row[0] if isinstance(row, tuple) else row for row in rows]
    return sum(len(first.utterances) if isinstance(first, Passage) else 1 for first in firsts)


def _passages(tables: Sequence[list[Any]]) -> tuple[list[Any], list[Any]]:
    rows, absent = join(tables)
    groups = {key: sorted(group, key=_when) for key, group in _groups(rows, RECORDING).items()}
    return [(Passage(key, tuple(row[0] for row in group)), tuple(group)) for key, group in groups.items()], absent


def _groups(rows: Sequence[Any], by: str) -> dict[str, list[tuple[Any, ...]]]:
    groups: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        whole = row if isinstance(row, tuple) else (row,)
        groups[getattr(whole[0], by)].append(whole)
    return groups


def _when(row: tuple[Any, ...]) -> tuple[float, int, str]:
    """Where an utterance comes in its recording; the turns of a dialogue all begin at 0 of their own audio."""
    return row[0].start, row[0].turn, row[0].key
