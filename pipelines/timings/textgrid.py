"""Praat TextGrids, read in any of Praat's formats and written in its long format.

Tiers called `words` and `phones` (or `s1 - words`, as MFA names them) hold words and phones. Without such tiers, each interval tier
is a speaker and its intervals are utterances.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise

from praatio import textgrid
from praatio.utilities.errors import PraatioException

from weft.pipelines.timings.base import RUN_GAP, BadTiming, Timing, by_time, runs, supervision_of, whole
from weft.schemas.audio import Supervision, Word

ENDING = ".TextGrid"
_WORDS = ("words", "word", "ort")
_PHONES = ("phones", "phone", "phonetic", "phoneme", "phonemes", "segments", "mau")
# praatio raises any of these for malformed files, beside its own; it reads JSON too
_PARSING = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)
_PLACES = 6  # decimals of a second


def read(data: bytes, name: str = "") -> Timing:
    """Raises BadTiming."""
    try:
        grid = _parsed(data)
        tiers = {n: _intervals(grid.getTier(n)) for n in grid.tierNames if _is_intervals(grid.getTier(n))}
    except PraatioException as error:
        raise BadTiming(f"no TextGrid that praatio reads ({' '.join(str(error).split())[:80]!r})") from None
    except _PARSING:
        raise BadTiming("no TextGrid that praatio reads: it is not laid out as one") from None
    seconds, spoken = float(grid.maxTimestamp), _spoken(tiers)
    if len(spoken) == 1:
        return whole(seconds, *spoken[0])
    supervisions = [supervision_of(run, phones, who) for words, phones, who in spoken for run in runs(words, RUN_GAP)]
    if not spoken:
        supervisions = [Supervision(i.start, i.end, i.text, speaker=name) for name, tier in tiers.items() for i in tier]
    if not supervisions:
        raise BadTiming("the TextGrid has no labels")
    return Timing(seconds, by_time(supervisions))


def _parsed(data: bytes) -> textgrid.Textgrid:
    with tempfile.TemporaryDirectory() as folder:  # praatio reads files only
        path = os.path.join(folder, "read.TextGrid")
        with open(path, "wb") as file:
            file.write(data)
        return textgrid.openTextgrid(
            path, includeEmptyIntervals=False, reportingMode="silence", duplicateNamesMode="rename"
        )


def _is_intervals(tier: object) -> bool:
    return isinstance(tier, textgrid.IntervalTier)


def _intervals(tier: textgrid.IntervalTier) -> tuple[Word, ...]:
    words = (Word(" ".join(i.label.split()), float(i.start), float(i.end)) for i in tier.entries)
    return tuple(word for word in words if word.text)


def _spoken(tiers: dict[str, tuple[Word, ...]]) -> list[tuple[tuple[Word, ...], tuple[Word, ...], str]]:
    """Words, phones and speaker of each tier of words that is not empty."""
    named = {_speaker_and_kind(name): intervals for name, intervals in tiers.items()}
    speakers = dict.fromkeys(speaker for speaker, kind in named if kind in _WORDS)
    rows = [(_written(named, s), _first(named, s, _PHONES), s) for s in speakers]
    return [row for row in rows if row[0]]


def _written(named: dict[tuple[str, str], tuple[Word, ...]], speaker: str) -> tuple[Word, ...]:
    """The tier of words; or the tier `Text` where it has the same bounds, as EMU exports (canonical words and their spelling)."""
    words, text = _first(named, speaker, _WORDS), named.get((speaker, "text"), ())
    same = [(w.start, w.end) for w in words] == [(t.start, t.end) for t in text]
    return text if same else words


def _first(named: dict[tuple[str, str], tuple[Word, ...]], speaker: str, kinds: Sequence[str]) -> tuple[Word, ...]:
    return next((named[speaker, kind] for kind in kinds if (speaker, kind) in named), ())


def _speaker_and_kind(name: str) -> tuple[str, str]:
    speaker, dash, kind = name.rpartition(" - ")
    return (speaker if dash else "", kind.strip().lower())


def write(timing: Timing) -> bytes:
    """The long format. A word of length 0, such as a dash, is appended to the label on its left."""
    grid = textgrid.Textgrid(0.0, round(timing.seconds, _PLACES))
    for name, intervals in _tiers(timing):
        entries = list(_entries(intervals, round(timing.seconds, _PLACES)))
        grid.addTier(textgrid.IntervalTier(name, entries, 0.0, round(timing.seconds, _PLACES)))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "written.TextGrid")
        grid.save(path, format="long_textgrid", includeBlankSpaces=True, reportingMode="error")
        with open(path, "rb") as file:
            return file.read()


def _tiers(timing: Timing) -> Iterator[tuple[str, list[Word]]]:
    for speaker in timing.speakers:
        before = f"{speaker} - " if len(timing.speakers) > 1 else ""
        yield f"{before}words", timing.words(speaker)
        if phones := timing.phones(speaker):
            yield f"{before}phones", phones


def _entries(words: Sequence[Word], seconds: float) -> Iterator[tuple[float, float, str]]:
    """Intervals in order without overlap, each at least a microsecond long."""
    bounds = [(min(round(w.start, _PLACES), seconds), min(round(w.end, _PLACES), seconds), w.text) for w in words]
    joined: list[tuple[float, float, str]] = []
    for start, end, text in bounds:
        start = max(start, joined[-1][1]) if joined else start
        if end > start:
            joined.append((start, end, text))
        elif joined:
            joined[-1] = (*joined[-1][:2], f"{joined[-1][2]} {text}")
    assert all(a[1] <= b[0] for a, b in pairwise(joined))
    yield from joined
