"""The formats by name and by the ending of their files.

WRITERS["textgrid"](timing, "clip-1")  ->  bytes        READERS[".ctm"](bytes, "clip-1")  ->  Timing
"""

from collections.abc import Callable

from weft.pipelines.timings import ctm, rttm, textgrid, wordjson
from weft.pipelines.timings.base import Timing

ENDINGS = {"textgrid": textgrid.ENDING, "json": wordjson.ENDING, "ctm": ctm.ENDING}
READERS: dict[str, Callable[[bytes, str], Timing]] = {
    textgrid.ENDING.lower(): textgrid.read,
    wordjson.ENDING: wordjson.read,
    ctm.ENDING: ctm.read,
    rttm.ENDING: rttm.read,
}
WRITERS: dict[str, Callable[[Timing, str], bytes]] = {
    "textgrid": lambda timing, _: textgrid.write(timing),
    "json": lambda timing, _: wordjson.write(timing),
    "ctm": ctm.write,
}
