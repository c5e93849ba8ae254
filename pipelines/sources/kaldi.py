"""A Kaldi data folder: wav.scp, and segments, text, utt2spk, utt2lang and spk2utt where there are.

    wav.scp    rec-1 /data/rec-1.flac        (or ark.wav:1234, a wav within an archive)
    segments   utt-1 rec-1 12.1 17.9
    text       utt-1 and then

A recording that wav.scp makes by a command (`sph2pipe … |`) is refused: nothing that data says is run.
"""

import json
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated

from weft.pipelines.parts.splits import HoldOutNames, Splits
from weft.pipelines.sources.base import folder_of, refused
from weft.pipelines.sources.common.files import clean, stamp
from weft.pipelines.sources.common.lists import numbered_lines, wrong_item
from weft.pipelines.sources.common.speech import Labels, SpeechSource
from weft.pipelines.sources.common.wrong_run import WrongRun
from weft.pipelines.storage.few_bytes import few_bytes
from weft.pipelines.storage.paths import absolute
from weft.pipelines.storage.retries import opened
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Recording, Supervision
from weft.schemas.facts import Facts, facts_of_labels
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.settings import NOT_IN_FINGERPRINT

KaldiRows = dict[str, str]
_NO_LABELS = [""] * 6  # utterance, start, end, text, speaker, language


class Source(SpeechSource):
    """`path` is the data folder; relative paths in wav.scp are relative to `root` (the working folder, unless given). A folder
    is one split: say which with `split`.
    """

    path: Annotated[str, NOT_IN_FINGERPRINT]
    root: Annotated[str, NOT_IN_FINGERPRINT] = ""

    def location(self) -> str:
        return folder_of(self.root or os.curdir)

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset()

    def items(self, name: str) -> Iterator[Item]:
        listed, tables = (
            list(_lines(f"{self.path}/wav.scp", self.limits.line)),
            _KaldiLabels(self.path, self.limits.line),
        )
        audio = dict(listed)
        wrong = WrongRun("wav.scp", self.limits.faults_in_a_row)
        for recording, place in listed:  # one that is named twice is a duplicate when it is read
            uri = place if "://" in place or place.endswith("|") else absolute(os.path.join(self.root, place))
            mark = f"{stamp(uri.rpartition(':')[0] if _in_archive(uri) else uri)}"
            payload = json.dumps(tables.of(recording), ensure_ascii=False)
            yield Item(key=key_for(name, recording), source=name, path=recording, uri=uri, stamp=mark, payload=payload)
            if wrong.is_over(usable=bool(place)):
                yield wrong_item(name, "wav.scp", wrong.fault)
                break
        wrong = WrongRun("segments", self.limits.faults_in_a_row)
        for recording in tables.segments:
            if recording not in audio:
                yield Item(key=key_for(name, recording), source=name, path=recording, uri="", stamp="", payload="[]")
            if wrong.is_over(usable=recording in audio):
                yield wrong_item(name, "segments", wrong.fault)
                return

    @property
    def lists_facts(self) -> bool:
        return True

    def facts_of(self, item: Item, store: Store) -> Iterator[Facts]:
        for row in _rows(item):
            with suppress(Unusable):  # which is rejected when it is read
                yield facts_of_labels(_supervision(row), is_stretch=bool(row[1]))

    def named(self, item: Item, splits: Splits) -> Sequence[HoldOutNames]:
        return [
            HoldOutNames(speakers=(r[4] or self.speaker,), recordings=(item.path,), items=(item.key,))
            for r in _rows(item)
        ]

    def read(self, item: Item, store: Store) -> Iterator[Recording | Reject]:
        """Raises Unusable."""
        if not item.uri:
            raise Unusable("no_audio", f"segments name {item.path!r}, wav.scp does not")
        if item.uri.endswith("|"):
            raise Unusable("command", "wav.scp makes it by a command, which is not run; write the audio out first")
        rows = json.loads(item.payload)
        good: list[Supervision] = []
        for row in rows:
            try:
                good.append(_supervision(row))
            except Unusable as fault:
                yield refused(item, fault, f"{item.path} {row[0]}")
        if rows and not good:
            return
        whole = good[0] if len(good) == 1 and rows[0][1] == "" else None
        alone = Labels(whole.text, speaker=whole.speaker, language=whole.language) if whole else None
        labels = alone or Labels(supervisions=tuple(good))
        yield from self.recordings(item, store, _audio(store, item.uri), labels)


class _KaldiLabels:
    """The tables beside wav.scp, of lines with at most `longest` characters. `twice`: which of them names an utterance twice."""

    def __init__(self, folder: str, longest: int) -> None:
        self.twice: dict[str, str] = {}
        names = ("text", "utt2spk", "utt2lang")
        self.text, self.speaker, self.language = (self._rows(f"{folder}/{name}", longest) for name in names)
        self.segments: dict[str, list[tuple[str, str, str]]] = {}
        self._is_cut = os.path.exists(f"{folder}/segments")
        for utterance, row in self._rows(f"{folder}/segments", longest).items():
            recording, _, times = row.partition(" ")
            start, _, end = times.strip().partition(" ")
            self.segments.setdefault(recording, []).append((utterance, start, end.strip()))

    def of(self, recording: str) -> list[list[str]]:
        """Utterance, start, end, text, speaker and language of each, and what is wrong with it where something is; without `segments`
        the recording is the utterance.
        """
        rows = self.segments.get(recording, []) if self._is_cut else [(recording, "", "")]
        tables = (self.text, self.speaker, self.language)
        return [
            [
                *row,
                *(table.get(row[0], "") for table in tables),
                *([self.twice[row[0]]] if row[0] in self.twice else []),
            ]
            for row in rows
        ]

    def _rows(self, path: str, longest: int) -> KaldiRows:
        """The first word of each line and the rest; none where there is no such file. Raises Unusable."""
        rows: KaldiRows = {}
        for key, rest in _lines(path, longest) if os.path.exists(path) else ():
            if rows.setdefault(key, rest) != rest:
                self.twice[key] = f"{os.path.basename(path)} names it twice, with {rows[key]!r} and {rest!r}"
        return rows


def _lines(path: str, longest: int) -> Iterator[tuple[str, str]]:
    """The first word of each line and the rest. Raises Unusable: a table is used whole or not at all."""
    for _, line in numbered_lines(path, longest):
        if isinstance(line, Unusable):
            raise line
        key, _, rest = line.replace("\t", " ").strip().partition(" ")
        yield key, clean(rest)


def _rows(item: Item) -> list[list[str]]:
    """What the tables say of an item: a recording that `segments` does not name has no labels; none of what is rejected."""
    return [] if not item.uri or item.uri.endswith("|") else json.loads(item.payload) or [_NO_LABELS]


def _supervision(row: list[str]) -> Supervision:
    utterance, start, end, text, speaker, language, *twice = row
    if twice:
        raise Unusable("duplicate", f"{utterance}: {twice[0]}")
    try:
        begins, ends = float(start or 0), float(end or 0)
    except ValueError:
        raise Unusable("bad_segment", f"{utterance}: {start!r} to {end!r} are no seconds") from None
    return Supervision(start=begins, end=ends, text=text or None, speaker=speaker, language=language)


def _in_archive(uri: str) -> bool:
    path, colon, offset = uri.rpartition(":")
    return bool(colon) and offset.isdigit() and "/" not in offset and not path.endswith(":")


def _audio(store: Store, uri: str) -> Audio:
    """A file, or the wav that begins at the byte after the colon and says its own length. Raises Unusable."""
    if not _in_archive(uri):
        return Audio(uri)
    path, _, offset = uri.rpartition(":")
    lies_at = store.located(path)
    head = opened(partial(few_bytes, store, lies_at, 8, offset=int(offset)), lies_at)
    if head[:4] != b"RIFF" or len(head) < 8:
        raise Unusable("not_audio", f"no wav begins at byte {offset} of {path.rsplit('/', 1)[-1]}")
    return Audio(path, int(offset), struct.unpack("<I", head[4:])[0] + 8)
