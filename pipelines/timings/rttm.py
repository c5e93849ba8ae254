"""RTTM: who speaks when, without words.

SPEAKER clip-1 1 6.69 0.43 <NA> <NA> speaker90 <NA> <NA>
"""

from weft.pipelines.timings.base import BadTiming, Timing, by_time, number, only, rows_of
from weft.schemas.audio import Supervision

ENDING = ".rttm"


def read(data: bytes, name: str = "") -> Timing:
    """The turns of recording `name`, or of the only recording in the file. Raises BadTiming."""
    rows = [row for row in rows_of(data) if row[0] == "SPEAKER"]
    turns = [_turn(row) for row in only(rows, 1, name)]
    return Timing(0.0, by_time(turns))


def _turn(row: list[str]) -> Supervision:
    """Raises BadTiming."""
    if len(row) < 8:
        raise BadTiming(f"no RTTM: {' '.join(row)[:80]!r} lacks recording, channel, start, duration or speaker")
    start, length = number(row[3], "a start"), number(row[4], "a duration", least=0.0)
    return Supervision(start, start + length, speaker=row[7])
