"""RTTM: who speaks when, without words.

SPEAKER clip-1 1 6.69 0.43 <NA> <NA> speaker90 <NA> <NA>
"""

import math

from weft.pipelines.timings.base import BadTiming, Timing, by_time, only, rows_of
from weft.schemas.audio import Supervision

ENDING = ".rttm"


def read(data: bytes, name: str = "") -> Timing:
    """The turns of recording `name`, or of the only recording in the file. Raises BadTiming."""
    try:
        rows = [row for row in rows_of(data) if row[0] == "SPEAKER"]
        turns = [_turn(row) for row in only(rows, 1, name)]
    except (ValueError, IndexError, UnicodeError) as error:
        raise BadTiming(f"no RTTM: {str(error)[:80]!r}") from None
    return Timing(0.0, by_time(turns))


def _turn(row: list[str]) -> Supervision:
    start, length = float(row[3]), float(row[4])
    if not (math.isfinite(start) and math.isfinite(length) and length >= 0):
        raise ValueError(" ".join(row))
    return Supervision(start, start + length, speaker=row[7])
