"""A Lhotse cut: where its audio lies, and who says what in it.

place_of(cut)            ("/data/day.flac", 0, "day")      the file, the channel and the recording
supervisions_of(cut)     Supervision(start=12.1, end=17.9, text="and then", speaker="s1"), …
"""

from collections.abc import Iterator
from typing import Any

from weft.pipelines.sources.common.files import clean
from weft.pipelines.sources.common.named_texts import named_texts
from weft.schemas.audio import Supervision, Word, text_of
from weft.schemas.fields import Fields, WrongField, shown
from weft.schemas.ledger import Unusable


def names_audio(cut: Fields) -> bool:
    try:
        return bool(place_of(cut)[0])
    except Unusable:
        return False


def place_of(cut: Fields) -> tuple[str, int, str]:
    """Path, channel and recording of a cut. Raises Unusable."""
    try:
        kind = cut.text("type") or "MonoCut"
        if kind not in ("MonoCut", "Cut"):
            raise Unusable("mixed_cut", f"a {kind} is made on the fly; cut it into MonoCuts")
        recording = cut.object("recording")
        source = next(recording.objects("sources", "source"), None)
        if source is None:
            raise recording.wrong("sources", "a list with a file or url")
        kind = source.text("type")
        if kind not in ("file", "url"):
            raise (
                Unusable("command", "its audio comes from a command")
                if kind == "command"
                else source.wrong("type", "file or url")
            )
        path = source.text("source")
        if not path:
            raise source.wrong("source", "a path or a url")
        return path, _channel(cut), clean(recording.label("id") or path)
    except WrongField as fault:
        raise Unusable("bad_cut", str(fault)) from None


def _channel(cut: Fields) -> int:
    """Raises WrongField."""
    channel = cut.number("channel", 0)
    if channel < 0 or channel != int(channel):
        raise cut.wrong("channel", "a whole number, 0 or more")
    return int(channel)


def supervisions_of(cut: Fields) -> Iterator[Supervision]:
    """Raises WrongField."""
    begin = cut.number("start", 0.0)
    end = begin + cut.number("duration", 0.0)
    covers = len(cut.entries("supervisions")) <= 1
    of_cut = named_texts(cut.object("custom")) if covers else ()
    for supervision in cut.objects("supervisions", "supervision"):
        start = begin + supervision.number("start")
        stop = min(end, start + supervision.number("duration"))
        words, phones = (_aligned(supervision, name) for name in ("word", "phone"))
        yield Supervision(
            start=max(begin, start),
            end=stop,
            text=clean(supervision.text("text")) or text_of(words) or None,
            words=words,
            phones=phones,
            speaker=clean(supervision.label("speaker")),
            language=clean(supervision.label("language")),
            split=_split(supervision) or _split(cut),
            fields=named_texts(supervision.object("custom")) or of_cut,
        )
    if not cut.values.get("supervisions") and end > begin:
        yield Supervision(begin, end, split=_split(cut), fields=of_cut)


def _split(record: Fields) -> str:
    """Lhotse has no field for splits, so they are read from `custom`."""
    return clean(record.object("custom").label("split"))


def _aligned(supervision: Fields, kind: str) -> tuple[Word, ...]:
    """`alignment: {"word": [[symbol, start, duration, score], …]}`, in seconds of the same axis as the supervision.

    A symbol that is empty is a silence, and left out.
    """
    base = supervision.number("start")
    symbols = (_symbol(row, base) for row in supervision.object("alignment").entries(kind))
    return tuple(symbol for symbol in symbols if symbol.text)


def _symbol(row: Any, base: float) -> Word:
    """Raises WrongField."""
    if not isinstance(row, list) or len(row) < 3 or not isinstance(row[0], str):
        raise WrongField(
            f"an entry of `alignment` is {shown(row)}, and must be a symbol, its start and its duration in seconds"
        )
    one = Fields(
        values=dict(zip(("start", "duration", "score"), row[1:], strict=False)), what=f"the symbol {shown(row[0])}"
    )
    start = one.number("start") - base
    return Word(text=clean(row[0]), start=start, end=start + one.number("duration"), score=one.number("score", 0.0))
