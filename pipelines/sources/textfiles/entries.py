"""Reads the text and the labels of a raw document.

{"id": "b7", "text": "Once upon a time …", "language": "en", "licence": "CC0-1.0", "split": "train", "answer": "42"}
"""

from dataclasses import dataclass

from weft.pipelines.sources.common.files import clean
from weft.pipelines.sources.common.named_texts import named_texts
from weft.pipelines.sources.textfiles.stretches import RawDocument
from weft.schemas.audio import Field
from weft.schemas.fields import Fields, WrongField, parsed
from weft.schemas.ledger import Unusable


@dataclass(frozen=True, slots=True)
class TextEntry:
    """The text as it was written, and its labels; empty where the document has none."""

    text: str
    id: str = ""
    language: str = ""
    licence: str = ""
    split: str = ""
    fields: tuple[Field, ...] = ()


def plain_entry(raw: RawDocument) -> TextEntry:
    """Raises Unusable: not_utf8, with the byte."""
    return TextEntry(text=_decoded(raw))


def json_entry(raw: RawDocument, field: str) -> TextEntry:
    """An object on a line, its text under `field`. Raises Unusable: too_long, not_utf8, bad_line, no_text, equal_answers."""
    where = f"the line at byte {raw.position:,}"
    if not raw.is_whole:
        raise Unusable("too_long", f"{where} is part of a longer one; put a document on each line")
    try:
        line = Fields.of(parsed(_decoded(raw)))
        if line.values.get(field) is None:
            raise line.wrong(field, "a text")
        entry = TextEntry(
            text=line.text(field),
            id=clean(str(line.values.get("id") or "")),  # whatever it is: it only names the place
            language=_label(line, "language", "lang"),
            licence=_label(line, "licence", "license"),
            split=_label(line, "split"),
            fields=named_texts(line),
        )
    except WrongField as fault:
        raise Unusable("bad_line", f"{where}: {fault}"[:200]) from None
    except Unusable as fault:
        raise Unusable(fault.reason, f"{where}: {fault.detail}") from None
    if not entry.text.strip():
        raise Unusable("no_text", f"{where}: its {field!r} is empty"[:200])
    return entry


def _decoded(raw: RawDocument) -> str:
    try:
        return raw.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mark = len(raw.data) - len(error.object)  # a byte-order mark is not counted
        bad_bytes = error.object[error.start : error.start + 8]
        raise Unusable("not_utf8", f"byte {raw.position + mark + error.start:,}: {bad_bytes!r}") from None


def _label(line: Fields, *names: str) -> str:
    """Under the first of these names that is there. Raises WrongField."""
    return next((clean(line.label(name)) for name in names if line.values.get(name) is not None), "")
