"""A JSONL manifest, ours or NeMo's: one line per file, or per stretch of a file.

    {"audio": "a/clip.wav", "text": "and then", "speaker": "s1", "licence": "CC0", "emotion": "happy", "split": "train"}
    {"audio_filepath": "day.wav", "offset": 12.1, "duration": 5.8, "text": "and then"}

Paths are relative to the manifest. Lines with an `offset` are gathered by file, which is decoded once. A line may carry
`words`: [["and", 0.31, 0.52], …] in seconds from where its speech starts, which are then taken instead of an alignment.
"""

import json
import math
import os
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from weft.pipelines.parts.splits import Named, Splits
from weft.pipelines.sources.base import folder_of, refused
from weft.pipelines.sources.common.files import clean, local_file, stamp
from weft.pipelines.sources.common.lists import numbered_lines, wrong_item
from weft.pipelines.sources.common.speech import Labels, SpeechSource
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Recording, Supervision, Word
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.settings import NOT_IN_FINGERPRINT

SLACK = 0.1  # seconds by which a declared duration may differ from what is there


class Source(SpeechSource):
    """`path` is the manifest."""

    path: Annotated[str, NOT_IN_FINGERPRINT]

    def location(self) -> str:
        return folder_of(self.path)

    def items(self, name: str) -> Iterator[Item]:
        yield from items(name, os.path.abspath(self.path))

    @property
    def names_splits(self) -> bool:
        return True

    def named(self, item: Item, splits: Splits) -> Sequence[Named]:
        return named(self, item)

    def read(self, item: Item, store: Store) -> Iterator[Recording | Reject]:
        yield from read(self, item, store)


def items(name: str, manifest: str) -> Iterator[Item]:
    """One item per line; lines with an offset are one item per file."""
    folder = os.path.dirname(manifest)
    stretches: dict[str, list[str]] = {}
    for number, line in numbered_lines(manifest):
        if isinstance(line, Unusable):
            yield wrong_item(name, f"line {number}", line)
            continue
        text = line.strip().encode("utf-8", "backslashreplace").decode()
        path, is_stretch = _place(text)
        if is_stretch:
            stretches.setdefault(path, []).append(text)
        else:
            yield _item(name, folder, path or f"line {number}", text, bool(path))
    for path, texts in stretches.items():
        yield _item(name, folder, path, f"[{','.join(texts)}]", True)


def _place(line: str) -> tuple[str, bool]:
    """The audio that a line names (none where it is wrong), and whether it is of a stretch."""
    try:
        fields = json.loads(line)
        return clean(str(fields.get("audio") or fields.get("audio_filepath") or "")), fields.get("offset") is not None
    except (ValueError, AttributeError, RecursionError):
        return "", False


def _item(name: str, folder: str, path: str, payload: str, is_named: bool) -> Item:
    if not is_named:
        return Item(key=key_for(name, path), source=name, path=path, uri="", stamp="", payload=payload)
    uri = path if "://" in path else os.path.join(folder, path)
    return Item(
        key=key_for(name, path),
        source=name,
        path=local_file(uri, path).path,
        uri=uri,
        stamp=stamp(uri),
        payload=payload,
    )


def named(source: SpeechSource, item: Item) -> list[Named]:
    """The names in each line of an item; none where it will be rejected."""
    try:
        parsed = json.loads(item.payload) if item.uri else []
    except (ValueError, RecursionError):
        return []
    lines = [line for line in (parsed if isinstance(parsed, list) else [parsed]) if isinstance(line, dict)]
    return [
        Named(
            speakers=(_word(line, "speaker") or source.speaker,), recordings=(item.path,), items=(item.key,),
            split=_word(line, "split"),
        )
        for line in lines
    ]  # fmt: skip


def read(source: SpeechSource, item: Item, store: Store) -> Iterator[Recording | Reject]:
    """The recording of an item, and a reject for each of its lines with impossible values. Raises Unusable."""
    lines = json.loads(item.payload) if item.uri else None
    if not isinstance(lines, list):
        yield from _whole(source, item, store)
        return
    good: list[Supervision] = []
    for line in lines:
        try:
            good.append(_stretch(line))
        except Unusable as fault:
            yield refused(item, fault)
    if good:
        yield from source.recordings(item, store, Audio(item.uri), Labels(supervisions=tuple(good), **_common(lines)))


def _whole(source: SpeechSource, item: Item, store: Store) -> Iterator[Recording | Reject]:
    line = _line(item)
    stretch = _fields(line)
    words = stretch.words
    labels = Labels(
        text=stretch.text,
        words=words,
        phones=(),
        speaker=stretch.speaker,
        language=stretch.language,
        emotion=stretch.emotion,
        split=stretch.split,
        **_common([line]),
    )
    for recording in source.recordings(item, store, Audio(item.uri), labels):
        if isinstance(recording, Recording) and line.get("duration") is not None:
            _same_length(_seconds(line, "duration"), recording.seconds)
        yield recording


def _same_length(declared: float, seconds: float) -> None:
    if abs(declared - seconds) > SLACK:
        detail = f"the manifest says {declared:.2f} s and no offset, the file holds {seconds:.2f} s"
        raise Unusable("wrong_duration", detail)


def _line(item: Item) -> dict[str, Any]:
    try:
        fields = json.loads(item.payload)
        if not isinstance(fields, dict) or not item.uri:
            raise ValueError("it names no `audio`")
        return fields
    except (ValueError, RecursionError) as error:
        raise Unusable("bad_manifest_line", str(error)) from None


def _stretch(line: dict[str, Any]) -> Supervision:
    """Raises Unusable."""
    start = _seconds(line, "offset")
    if line.get("duration") is None:
        raise Unusable("bad_manifest_line", "an offset without a duration")
    return _fields(line, start, start + _seconds(line, "duration"))


def _fields(line: dict[str, Any], start: float = 0.0, end: float = 0.0) -> Supervision:
    try:
        plain: dict[str, Any] = {field: _word(line, field) for field in ("speaker", "language", "emotion", "split")}
        words = tuple(Word(clean(str(t)), float(s), float(e)) for t, s, e in line.get("words") or ())
        return Supervision(start=start, end=end, text=clean(str(line.get("text") or "")) or None, words=words, **plain)
    except (ValueError, TypeError) as error:
        raise Unusable("bad_manifest_line", str(error)) from None


def _word(line: dict[str, Any], field: str) -> str:
    return clean(str(line.get(field) or ""))


def _seconds(line: dict[str, Any], field: str) -> float:
    try:
        seconds = float(line[field])
    except (ValueError, TypeError):
        seconds = math.nan
    if not seconds >= 0 or math.isinf(seconds):
        raise Unusable("bad_manifest_line", f"{field} is {line[field]!r}, not seconds")
    return seconds


def _common(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The licence, of the first line that names one."""
    licence = next((line[k] for line in lines for k in ("licence", "license") if line.get(k)), "")
    return {"licence": clean(str(licence))}
