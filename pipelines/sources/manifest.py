"""A JSONL manifest, ours or NeMo's: one line per file, or per stretch of a file.

    {"audio": "a/clip.wav", "text": "and then", "speaker": "s1", "licence": "CC0", "emotion": "happy", "split": "train"}
    {"audio_filepath": "day.wav", "offset": 12.1, "duration": 5.8, "text": "and then"}

Paths are relative to the manifest. Lines with an `offset` are gathered by file, which is decoded once. A line may carry
`words`: [["and", 0.31, 0.52], …] in seconds from where its speech starts, which are then taken instead of an alignment; where it has
no `text`, they are its text. It may carry the named texts of docs/data.md, such as `question` and `answer`, which belong to the
stretch or the whole file.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Any

from weft.pipelines.parts.splits import HoldOutNames, Splits
from weft.pipelines.sources.base import folder_of, refused
from weft.pipelines.sources.common.files import clean, local_file, stamp
from weft.pipelines.sources.common.lists import numbered_lines, wrong_item
from weft.pipelines.sources.common.named_texts import named_texts
from weft.pipelines.sources.common.speech import Labels, SpeechSource
from weft.pipelines.sources.common.wrong_run import WrongRun
from weft.pipelines.storage.paths import absolute
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Recording, Supervision, Word, text_of
from weft.schemas.facts import Facts, facts_of_labels
from weft.schemas.fields import Fields, WrongField, parsed, shown
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.limits import SpeechLimits
from weft.schemas.settings import NOT_IN_FINGERPRINT


class Source(SpeechSource):
    """`path` is the manifest."""

    path: Annotated[str, NOT_IN_FINGERPRINT]

    def version(self) -> str:
        return "2"

    def location(self) -> str:
        return folder_of(self.path)

    def items(self, name: str) -> Iterator[Item]:
        yield from items(name, absolute(self.path), self.limits)

    @property
    def names_splits(self) -> bool:
        return True

    def named(self, item: Item, splits: Splits) -> Sequence[HoldOutNames]:
        return named(self, item)

    @property
    def lists_facts(self) -> bool:
        return True

    def facts_of(self, item: Item, store: Store) -> Iterator[Facts]:
        yield from facts_of(item)

    def read(self, item: Item, store: Store) -> Iterator[Recording | Reject]:
        yield from read(self, item, store)


def items(name: str, manifest: str, limits: SpeechLimits) -> Iterator[Item]:
    """One item per line; lines with an offset are one item per file."""
    folder = os.path.dirname(manifest)
    stretches: dict[str, list[str]] = {}
    wrong = WrongRun(os.path.basename(manifest), limits.faults_in_a_row)
    for number, line in numbered_lines(manifest, limits.line):
        path = ""
        if isinstance(line, Unusable):
            yield wrong_item(name, f"line {number}", line)
        else:
            text = line.strip().encode("utf-8", "backslashreplace").decode()
            path, is_stretch = _place(text)
            if is_stretch:
                stretches.setdefault(path, []).append(text)
            else:
                yield _item(name, folder, path or f"line {number}", payload=text, is_named=bool(path))
        if wrong.is_over(usable=bool(path)):
            yield wrong_item(name, f"line {number + 1}", wrong.fault)
            break
    for path, texts in stretches.items():
        yield _item(name, folder, path, payload=f"[{','.join(texts)}]", is_named=True)


def _place(line: str) -> tuple[str, bool]:
    """The audio that a line names (none where it is wrong), and whether it is of a stretch."""
    try:
        fields = Fields.of(parsed(line))
        path = clean(fields.text("audio") or fields.text("audio_filepath"))
        return path, bool(path) and fields.values.get("offset") is not None
    except WrongField:
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


def named(source: SpeechSource, item: Item) -> list[HoldOutNames]:
    """The names in each line of an item; none where it will be rejected."""
    try:
        return [
            HoldOutNames(
                speakers=(clean(line.label("speaker")) or source.speaker,), recordings=(item.path,), items=(item.key,),
                split=clean(line.label("split")),
            )
            for line in (_lines(item) if item.uri else [])
        ]  # fmt: skip
    except WrongField:
        return []


def facts_of(item: Item) -> Iterator[Facts]:
    """What each line of an item says that will not be rejected."""
    try:
        lines = _lines(item) if item.uri else []
    except WrongField:
        return
    for line in lines:
        with suppress(WrongField, Unusable):
            is_stretch = item.payload.startswith("[")
            yield facts_of_labels(_stretch(line) if is_stretch else _fields(line), is_stretch)


def _lines(item: Item) -> list[Fields]:
    """Raises WrongField."""
    content = parsed(item.payload)
    return [Fields.of(line) for line in (content if isinstance(content, list) else [content])]


def read(source: SpeechSource, item: Item, store: Store) -> Iterator[Recording | Reject]:
    """The recording of an item, and a reject for each of its lines with impossible values. Raises Unusable."""
    try:
        lines = _lines(item)
        if not item.uri:
            raise lines[0].wrong("audio", "the path or url of a file")
        if not item.payload.startswith("["):
            yield from _whole(source, item, store, lines[0])
            return
        common = _common(lines)
    except WrongField as fault:
        raise Unusable("bad_manifest_line", str(fault)) from None
    good: list[Supervision] = []
    for line in lines:
        try:
            good.append(_stretch(line))
        except WrongField as fault:
            yield refused(item, Unusable("bad_manifest_line", f"{_place_of(line)}: {fault}"))
        except Unusable as fault:
            yield refused(item, Unusable(fault.reason, f"{_place_of(line)}: {fault.detail}"))
    if good:
        yield from source.recordings(item, store, Audio(item.uri), Labels(supervisions=tuple(good), **common))


def _whole(source: SpeechSource, item: Item, store: Store, line: Fields) -> Iterator[Recording | Reject]:
    """Raises Unusable, and WrongField."""
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
        fields=stretch.fields,
        **_common([line]),
    )
    for recording in source.recordings(item, store, Audio(item.uri), labels):
        if isinstance(recording, Recording) and line.values.get("duration") is not None:
            _same_length(_seconds(line, "duration"), recording.seconds, source.limits.slack)
        yield recording


def _place_of(line: Fields) -> str:
    """Which of the lines of one file it is."""
    return f"the line of `offset` {shown(line.values.get('offset'))}"


def _same_length(declared: float, seconds: float, slack: float) -> None:
    if abs(declared - seconds) > slack:
        detail = f"the manifest says {declared:.2f} s and no offset, the file holds {seconds:.2f} s"
        raise Unusable("wrong_duration", detail)


def _stretch(line: Fields) -> Supervision:
    """Raises WrongField, and Unusable."""
    start = _seconds(line, "offset")
    return _fields(line, start, start + _seconds(line, "duration"))


def _fields(line: Fields, start: float = 0.0, end: float = 0.0) -> Supervision:
    """Raises WrongField, and Unusable."""
    plain: dict[str, Any] = {field: clean(line.label(field)) for field in ("speaker", "language", "emotion", "split")}
    words = tuple(
        word for entry in line.entries("words") if (word := _word(entry)).text
    )  # one that is empty is a silence
    text = clean(line.text("text")) or text_of(words) or None
    return Supervision(start=start, end=end, text=text, words=words, fields=named_texts(line), **plain)


def _word(entry: Any) -> Word:
    """Raises WrongField."""
    if isinstance(entry, list) and len(entry) == 3 and isinstance(entry[0], str):
        one = Fields(values={"start": entry[1], "end": entry[2]}, what=f"the word {shown(entry[0])}")
        return Word(clean(entry[0]), one.number("start"), one.number("end"))
    raise WrongField(f"an entry of `words` is {shown(entry)}, and must be a word, its start and its end in seconds")


def _seconds(line: Fields, field: str) -> float:
    """Raises WrongField."""
    seconds = line.number(field)
    if seconds < 0:
        raise line.wrong(field, "seconds, 0 or more")
    return seconds


def _common(lines: list[Fields]) -> dict[str, Any]:
    """The licence, of the first line that names one. Raises WrongField."""
    licences = (line.label(name) for line in lines for name in ("licence", "license"))
    return {"licence": clean(next(filter(None, licences), ""))}
