"""Rows of several inputs of a stage as one: by key, or grouped under the record that they belong to.

utterances, alignments, codes                     ->  (Utterance, Alignment, Codes), …                               by key
dialogues, utterances, codes   by "dialogue"      ->  (Dialogue, ((Utterance, Codes), (Utterance, Codes), …)), …
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any


def join(tables: Sequence[list[Any]]) -> tuple[list[Any], list[Any]]:
    """Records of one input, or tuples of records with one key; and those of the first input the others lack."""
    if len(tables) == 1:
        return tables[0], []
    others = [{r.key: r for r in table} for table in tables[1:]]
    rows = [(r, *(other[r.key] for other in others)) for r in tables[0] if all(r.key in o for o in others)]
    return rows, [r for r in tables[0] if any(r.key not in o for o in others)]


def grouped(tables: Sequence[list[Any]], by: str) -> tuple[list[Any], list[Any]]:
    """Records of the first input, each with the joined rows of the others whose utterance names it in the field `by`.

    A record without any row comes with none: whoever takes it says what it lacks.
    """
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in join(tables[1:])[0]:
        first = row[0] if isinstance(row, tuple) else row
        groups[getattr(first, by)].append(row if isinstance(row, tuple) else (row,))
    return [(record, tuple(groups[record.key])) for record in tables[0]], []
