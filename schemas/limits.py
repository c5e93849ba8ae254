"""What of a source is too much or too little to become a record: the section `limits` of a source.

sources:
  calls: {use: folder, path: calls, limits: {lowest_rate: 6000, clipped: 0.3}}
  meetings: {use: folder, path: meetings, limits: {table: 1.0e+9}}
"""

from typing import Annotated

from pydantic import Field

from weft.schemas.settings import Settings

SILENCE = 1e-4  # peak below which nothing is audible (-80 dBFS)
Size = Annotated[int, Field(ge=1 << 10, le=1 << 34)]


class EntryLimits(Settings):
    """After `faults_in_a_row` entries that cannot be used a list is read no further, which is a reject (`too_many_faults`): it is no
    list of its kind, and a few kilobytes of gzip may hold millions of lines.
    """

    faults_in_a_row: int = Field(default=10_000, ge=1, le=1_000_000_000)


class ListLimits(EntryLimits):
    """`line` is the most characters of one line of a list; a longer line is a reject (`too_long`)."""

    line: Size = 1 << 24


class SpeechLimits(ListLimits):
    """What is beyond a limit is a reject, with the reason on the right.

    shortest     seconds of a recording, at least                                    too_short
    silence      its peak, at least; full scale is 1                                 silent
    clipped      share of its samples at full scale, at most                         clipped
    lowest_rate  Hz, at least                                                        low_rate
    slack        seconds between a manifest's duration and the file's, at most       wrong_duration
    transcript   bytes of a transcript, at most                                      bad_transcript
    table        bytes of a .ctm or .rttm, at most; they are in memory as a whole    bad_transcript
                 characters of a list that is one JSON value, at most                too_long
    line         characters of a line of a list, at most                             too_long
    faults_in_a_row   entries of a list that cannot be used, at most                 too_many_faults
    """

    shortest: float = Field(default=0.1, ge=0, le=3600)
    silence: float = Field(default=SILENCE, ge=0, lt=1)
    clipped: float = Field(default=0.1, ge=0, le=1)
    lowest_rate: int = Field(default=8000, ge=1000, le=3_072_000)
    slack: float = Field(default=0.1, ge=0, le=3600)
    transcript: Size = 1 << 24
    table: Size = 1 << 28
