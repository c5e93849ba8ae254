"""Words in JSON, as WhisperX writes them, with phones beside; MFA's JSON is read too.

{"seconds": 11.0, "segments": [{"speaker": "", "start": 0.3, "end": 1.1, "text": "and so",
  "words": [{"word": "and", "start": 0.3, "end": 0.5, "score": -1.2}, …], "phones": [{"phone": "AE", …}, …]}]}
"""

import json
from collections.abc import Sequence
from typing import Any

from weft.pipelines.timings.base import RUN_GAP, BadTiming, Timing, by_time, moved, runs, supervision, whole
from weft.schemas.audio import Supervision, Word

ENDING = ".json"


def read(data: bytes, name: str = "") -> Timing:
    """Raises BadTiming."""
    try:
        said = json.loads(data.decode("utf-8-sig"))
        timing = _from_tiers(said) if "tiers" in said else _from_segments(said)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadTiming(f"no word JSON: {str(error)[:80]!r}") from None
    if not timing.supervisions:
        raise BadTiming("the JSON times nothing")
    return timing


def _from_segments(said: dict[str, Any]) -> Timing:
    return Timing(float(said.get("seconds") or 0.0), by_time([_from_segment(s) for s in said["segments"]]))


def _from_segment(said: dict[str, Any]) -> Supervision:
    """WhisperX leaves out the times of words that it could not align: then the segment counts as a whole."""
    start, end = float(said["start"]), float(said["end"])
    timed = [_word(w, "word", start) for w in said.get("words") or () if "start" in w and "end" in w]
    words = tuple(timed) if len(timed) == len(said.get("words") or ()) else ()
    phones = tuple(_word(p, "phone", start) for p in said.get("phones") or ()) if words else ()
    return Supervision(start, end, " ".join(str(said["text"]).split()), words, phones, str(said.get("speaker") or ""))


def _word(said: dict[str, Any], name: str, start: float) -> Word:
    placed = Word(str(said[name]), float(said["start"]), float(said["end"]), float(said.get("score") or 0.0))
    return moved(placed, -start)


def _from_tiers(said: dict[str, Any]) -> Timing:
    """MFA: {"end": 1.3, "tiers": {"s1 - words": {"type": "interval", "entries": [[0.0, 0.5, "and"], …]}, …}}."""
    tiers = {name: _entries(tier["entries"]) for name, tier in said["tiers"].items()}
    befores = [name.removesuffix("words") for name in tiers if name.endswith("words") and tiers[name]]
    spoken = [(tiers[f"{b}words"], tiers.get(f"{b}phones", ()), b.removesuffix(" - ")) for b in befores]
    seconds = float(said.get("end") or 0.0)
    if len(spoken) == 1:
        return whole(seconds, *spoken[0])
    return Timing(seconds, by_time([supervision(r, p, who) for w, p, who in spoken for r in runs(w, RUN_GAP)]))


def _entries(rows: Sequence[Sequence[Any]]) -> tuple[Word, ...]:
    return tuple(Word(str(label), float(start), float(end)) for start, end, label in rows if str(label).strip())


def write(timing: Timing) -> bytes:
    """A segment for each utterance."""
    said = {"seconds": round(timing.seconds, 6), "segments": [_segment(s) for s in timing.supervisions]}
    return (json.dumps(said, ensure_ascii=False, indent=1) + "\n").encode()


def _segment(said: Supervision) -> dict[str, Any]:
    return {
        "speaker": said.speaker,
        "start": round(said.start, 6),
        "end": round(said.end, 6),
        "text": said.text or "",
        "words": [_placed(w, "word", said.start) for w in said.words],
        "phones": [_placed(p, "phone", said.start) for p in said.phones],
    }


def _placed(word: Word, name: str, start: float) -> dict[str, Any]:
    at = moved(word, start)
    return {name: at.text, "start": round(at.start, 6), "end": round(at.end, 6), "score": round(at.score, 4)}
