"""Words in WhisperX's JSON, with phones added; MFA's JSON is read too.

{"seconds": 11.0, "segments": [{"speaker": "", "start": 0.3, "end": 1.1, "text": "and so",
  "words": [{"word": "and", "start": 0.3, "end": 0.5, "score": -1.2}, …], "phones": [{"phone": "AE", …}, …]}]}
"""

import json
from collections.abc import Sequence
from typing import Any

from weft.pipelines.timings.base import RUN_GAP, BadTiming, Timing, by_time, moved, runs, supervision_of, whole
from weft.schemas.audio import Supervision, Word

ENDING = ".json"


def read(data: bytes, name: str = "") -> Timing:
    """Raises BadTiming."""
    try:
        parsed = json.loads(data.decode("utf-8-sig"))
        timing = _from_tiers(parsed) if "tiers" in parsed else _from_segments(parsed)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadTiming(f"no word JSON: {str(error)[:80]!r}") from None
    if not timing.supervisions:
        raise BadTiming("the JSON has no timed segments")
    return timing


def _from_segments(data: dict[str, Any]) -> Timing:
    return Timing(float(data.get("seconds") or 0.0), by_time([_from_segment(s) for s in data["segments"]]))


def _from_segment(segment: dict[str, Any]) -> Supervision:
    """WhisperX leaves out the times of words that it could not align: then the segment has a text without word times."""
    start, end = float(segment["start"]), float(segment["end"])
    timed = [_word(w, "word", start) for w in segment.get("words") or () if "start" in w and "end" in w]
    words = tuple(timed) if len(timed) == len(segment.get("words") or ()) else ()
    phones = tuple(_word(p, "phone", start) for p in segment.get("phones") or ()) if words else ()
    text, speaker = " ".join(str(segment["text"]).split()), str(segment.get("speaker") or "")
    return Supervision(start=start, end=end, text=text, words=words, phones=phones, speaker=speaker)


def _word(row: dict[str, Any], name: str, start: float) -> Word:
    score = float(row.get("score") or 0.0)
    word = Word(text=str(row[name]), start=float(row["start"]), end=float(row["end"]), score=score)
    return moved(word, -start)


def _from_tiers(data: dict[str, Any]) -> Timing:
    """MFA: {"end": 1.3, "tiers": {"s1 - words": {"type": "interval", "entries": [[0.0, 0.5, "and"], …]}, …}}."""
    tiers = {name: _entries(tier["entries"]) for name, tier in data["tiers"].items()}
    befores = [name.removesuffix("words") for name in tiers if name.endswith("words") and tiers[name]]
    spoken = [(tiers[f"{b}words"], tiers.get(f"{b}phones", ()), b.removesuffix(" - ")) for b in befores]
    seconds = float(data.get("end") or 0.0)
    if len(spoken) == 1:
        return whole(seconds, *spoken[0])
    return Timing(seconds, by_time([supervision_of(r, p, who) for w, p, who in spoken for r in runs(w, RUN_GAP)]))


def _entries(rows: Sequence[Sequence[Any]]) -> tuple[Word, ...]:
    return tuple(Word(str(label), float(start), float(end)) for start, end, label in rows if str(label).strip())


def write(timing: Timing) -> bytes:
    """One segment per utterance."""
    document = {"seconds": round(timing.seconds, 6), "segments": [_segment(s) for s in timing.supervisions]}
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _segment(supervision: Supervision) -> dict[str, Any]:
    return {
        "speaker": supervision.speaker,
        "start": round(supervision.start, 6),
        "end": round(supervision.end, 6),
        "text": supervision.text or "",
        "words": [_placed(w, "word", supervision.start) for w in supervision.words],
        "phones": [_placed(p, "phone", supervision.start) for p in supervision.phones],
    }


def _placed(word: Word, name: str, start: float) -> dict[str, Any]:
    at = moved(word, start)
    return {name: at.text, "start": round(at.start, 6), "end": round(at.end, 6), "score": round(at.score, 4)}
