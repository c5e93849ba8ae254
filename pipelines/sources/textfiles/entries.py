"""Reads the text and the labels of a raw document.

{"id": "b7", "text": "Once upon a time …", "language": "en", "licence": "CC0-1.0", "split": "train"}
"""

import json
from dataclasses import dataclass
from typing import Any

from weft.pipelines.sources.common.files import clean
from weft.pipelines.sources.textfiles.stretches import RawDocument
from weft.schemas.ledger import Unusable


@dataclass(frozen=True, slots=True)
class Entry:
    """The text as it was written, and its labels; empty where the document has none."""

    text: str
    id: str = ""
    language: str = ""
    licence: str = ""
    split: str = ""


def plain_entry(raw: RawDocument) -> Entry:
    """Raises Unusable: not_utf8, with the byte."""
    return Entry(text=_decoded(raw))


def json_entry(raw: RawDocument, field: str) -> Entry:
    """An object on a line, its text under `field`. Raises Unusable: too_long, not_utf8, bad_line, no_text."""
    where = f"the line at byte {raw.position:,}"
    if not raw.is_whole:
        raise Unusable("too_long", f"{where} is part of a longer one; put a document on each line")
    try:
        line = json.loads(_decoded(raw))
    except (ValueError, RecursionError) as error:
        raise Unusable("bad_line", f"{where}: {error}"[:200]) from None
    if not isinstance(line, dict) or not isinstance(line.get(field), str):
        raise Unusable("bad_line", f"{where} is no object with a text under {field!r}"[:200])
    if not line[field].strip():
        raise Unusable("no_text", f"{where}: its {field!r} is empty"[:200])
    return Entry(
        text=line[field],
        id=_said(line, "id"),
        language=_said(line, "language", "lang"),
        licence=_said(line, "licence", "license"),
        split=_said(line, "split"),
    )


def _decoded(raw: RawDocument) -> str:
    try:
        return raw.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mark = len(raw.data) - len(error.object)  # a byte-order mark is not counted
        bad_bytes = error.object[error.start : error.start + 8]
        raise Unusable("not_utf8", f"byte {raw.position + mark + error.start:,}: {bad_bytes!r}") from None


def _said(line: dict[str, Any], *names: str) -> str:
    return next((clean(str(line[name])) for name in names if line.get(name) is not None), "")
