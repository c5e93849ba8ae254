"""Words in WhisperX's JSON, with phones added; MFA's JSON is read too.

{"seconds": 11.0, "segments": [{"speaker": "", "start": 0.3, "end": 1.1, "text": "and so",
  "words": [{"word": "and", "start": 0.3, "end": 0.5, "score": -1.2}, …], "phones": [{"phone": "AE", …}, …]}]}
"""

import json
from typing import Any

from weft.pipelines.timings.base import RUN_GAP, BadTiming, Timing, by_time, moved, runs, supervision_of, whole
from weft.schemas.audio import Supervision, Word, text_of
from weft.schemas.fields import Fields, WrongField, parsed, shown

ENDING = ".words.json"


def read(data: bytes, name: str = "") -> Timing:
    """Raises BadTiming."""
    try:
        fields = Fields.of(parsed(data))
        timing = _from_tiers(fields) if "tiers" in fields.values else _from_segments(fields)
    except WrongField as fault:
        raise BadTiming(f"no word JSON: {fault}") from None
    if not timing.supervisions:
        raise BadTiming("the JSON has no timed segments")
    return timing


def _from_segments(data: Fields) -> Timing:
    if data.values.get("segments") is None:
        raise data.wrong("segments", "a list")
    segments = [_from_segment(segment) for segment in data.objects("segments", "segment")]
    return Timing(data.number("seconds", 0.0), by_time(segments))


def _from_segment(segment: Fields) -> Supervision:
    """WhisperX leaves out the times of words that it could not align: then the segment has a text without word times."""
    start, end = segment.number("start"), segment.number("end")
    rows = list(segment.objects("words", "word"))
    timed = [_word(row, "word", start) for row in rows if "start" in row.values and "end" in row.values]
    words = tuple(timed) if len(timed) == len(rows) else ()
    phones = tuple(_word(row, "phone", start) for row in segment.objects("phones", "phone")) if words else ()
    text, speaker = " ".join(segment.text("text").split()) or text_of(words), segment.label("speaker")
    if not text and (rows or segment.values.get("text") is None):
        raise segment.wrong("text", "a text, unless all of its words have times")
    return Supervision(start=start, end=end, text=text, words=words, phones=phones, speaker=speaker)


def _word(row: Fields, name: str, start: float) -> Word:
    if row.values.get(name) is None:
        raise row.wrong(name, "a text")
    word = Word(text=row.label(name), start=row.number("start"), end=row.number("end"), score=row.number("score", 0.0))
    return moved(word, -start)


def _from_tiers(data: Fields) -> Timing:
    """MFA: {"end": 1.3, "tiers": {"s1 - words": {"type": "interval", "entries": [[0.0, 0.5, "and"], …]}, …}}."""
    named = data.object("tiers").values
    tiers = {name: _entries(Fields.of(tier, f"the tier {name!r}")) for name, tier in named.items()}
    befores = [name.removesuffix("words") for name in tiers if name.endswith("words") and tiers[name]]
    spoken = [(tiers[f"{b}words"], tiers.get(f"{b}phones", ()), b.removesuffix(" - ")) for b in befores]
    seconds = data.number("end", 0.0)
    if len(spoken) == 1:
        return whole(seconds, *spoken[0])
    return Timing(seconds, by_time([supervision_of(r, p, who) for w, p, who in spoken for r in runs(w, RUN_GAP)]))


def _entries(tier: Fields) -> tuple[Word, ...]:
    words = (_entry(row) for row in tier.entries("entries"))
    return tuple(word for word in words if word.text.strip())


def _entry(row: Any) -> Word:
    if not isinstance(row, list) or len(row) != 3:
        raise WrongField(f"an entry of a tier is {shown(row)}, and must be its start and end in seconds and a label")
    one = Fields(values=dict(zip(("start", "end", "label"), row, strict=True)), what="an entry of a tier")
    return Word(one.label("label"), one.number("start"), one.number("end"))


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
