"""Supervisions that can become utterances: those of the data, trimmed to their recording, and those of a recording's timed words.

fitted(segmenter, 9.0, Supervision(0.4, 9.05, "good morning"))   ->   Supervision(0.4, 9.0, "good morning")
"""

from collections.abc import Sequence
from dataclasses import replace

from weft.pipelines.segmenters.base import Segmenter
from weft.pipelines.timings.base import supervision_of
from weft.schemas.audio import Recording, Supervision, Word
from weft.schemas.ledger import Unusable


def fitted(segmenter: Segmenter, seconds: float, supervision: Supervision) -> Supervision:
    """The supervision, trimmed to its recording of so many seconds. Raises Unusable: outside_audio, too_short, long_transcript."""
    where = f"{supervision.start:.3f} to {supervision.end:.3f} s of {seconds:.3f} s"
    slack = segmenter.slack
    if not (-slack <= supervision.start < supervision.end <= seconds + slack):
        raise Unusable("outside_audio", where)
    within = replace(supervision, start=max(0.0, supervision.start), end=min(supervision.end, seconds))
    if within.end - within.start < segmenter.shortest:
        raise Unusable("too_short", f"{where} is less than {segmenter.shortest:g} s")
    longest = segmenter.longest_labelled
    if (supervision.text or supervision.fields) and within.end - within.start > longest:
        held = "one transcript" if supervision.text else "fields that belong to the whole of it"
        raise Unusable("long_transcript", f"{where} is more than {longest:g} s with {held}")
    return within


def at_pauses(segmenter: Segmenter, recording: Recording) -> list[Supervision]:
    """Runs of timed words: split at the longest pause until each run is short enough."""
    waiting, runs = [list(recording.words)], []
    while waiting:
        run = waiting.pop()
        if len(run) < 2 or run[-1].end - run[0].start <= min(segmenter.longest_merged, segmenter.longest):
            runs.append(run)
            continue
        at = _widest_pause(run)
        waiting += [run[:at], run[at:]]
    return [supervision_of(run, recording.phones, recording.speaker) for run in sorted(runs, key=lambda r: r[0].start)]


def _widest_pause(words: Sequence[Word]) -> int:
    """The index of the word after the longest pause. Of pauses that are equal to 10 ms, the one nearest to the middle counts."""
    middle = (words[0].start + words[-1].end) / 2
    return max(
        range(1, len(words)),
        key=lambda n: (round(words[n].start - words[n - 1].end, 2), -abs(words[n].start - middle)),
    )
