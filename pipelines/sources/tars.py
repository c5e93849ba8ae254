"""WebDataset tars, read in place: members of one key are a sample, its audio is a byte range of the tar.

speech-000.tar:  a.flac  a.txt          the words, or
                 b.wav   b.json         {"text": "and then", "speaker": "s1", "language": "en", "licence": "CC0"}
                 c.ogg   c.TextGrid     any timing file (.ctm, .words.json, .rttm)
"""

import glob
import math
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, BinaryIO

from pydantic import PrivateAttr

from weft.pipelines.audio.decoders import ENDINGS as AUDIO_ENDINGS
from weft.pipelines.sources.base import folder_of, refused
from weft.pipelines.sources.common.files import File, clean, ending_of, local_file, walk
from weft.pipelines.sources.common.named_texts import named_texts
from weft.pipelines.sources.common.speech import Labels, SpeechSource
from weft.pipelines.sources.common.tar_members import BrokenTar, members
from weft.pipelines.sources.common.wrong_run import WrongRun
from weft.pipelines.storage import retries as reading
from weft.pipelines.storage.paths import absolute
from weft.pipelines.storage.retries import retrying, without_secrets
from weft.pipelines.storage.store import Store
from weft.pipelines.timings.formats import READERS
from weft.schemas.audio import Audio, Recording
from weft.schemas.fields import Fields, WrongField, parsed
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Reject, Unavailable, Unusable
from weft.schemas.settings import NOT_IN_FINGERPRINT

TEXT = (".txt", ".lab", ".text", ".transcript")
_NAMED = {
    "text": ("text", "transcript", "transcription", "sentence"),
    "speaker": ("speaker", "speaker_id"),
    "language": ("language", "lang"),
    "licence": ("licence", "license"),
    "emotion": ("emotion",),
    "split": ("split",),
}


class Source(SpeechSource):
    """`path` is a tar, a folder of tars, an fsspec url of either, or a pattern such as `data/speech-*.tar`."""

    path: Annotated[str, NOT_IN_FINGERPRINT]
    _passed: Counter[str] = PrivateAttr(default_factory=Counter)

    def version(self) -> str:
        return "2"

    def size_of(self, item: Item) -> float:
        return math.inf  # a tar is a part of its own, whatever its length

    @property
    def names_splits(self) -> bool:
        return True

    def location(self) -> str:
        plain = re.split(r"[*?\[]", self.path)[0] if "://" not in self.path else self.path
        return folder_of(plain if plain == self.path else os.path.dirname(plain))

    def items(self, name: str) -> Iterator[Item]:
        self._passed.clear()
        for file in _matched(self.path) if _is_pattern(self.path) else walk(self.path):
            if _is_pattern(self.path) or file.path.lower().endswith(".tar"):
                yield Item(key=key_for(name, file.path), source=name, path=file.path, uri=file.uri, stamp=file.stamp)
            else:
                self._passed[ending_of(file)] += 1

    def passed_over(self) -> dict[str, int]:
        return dict(self._passed)

    def read(self, item: Item, store: Store) -> Iterator[Recording | Reject]:
        """Raises Unusable, and Unavailable."""
        uri = store.located(item.uri)
        with retrying(opened(item, store), uri) as file:
            seen: set[str] = set()
            wrong = WrongRun(item.path, self.limits.faults_in_a_row)
            for number, sample in enumerate(samples(file)):
                if sample.fault and uri.startswith(("http://", "https://")):  # zeros, or a stretch from another place
                    raise Unavailable(without_secrets(uri), f"what the server sends is no whole tar ({sample.fault})")
                where = f"{item.path}/{sample.key}"
                try:
                    if sample.key in seen:
                        raise Unusable(
                            "duplicate", "the key occurs earlier in the tar; members of one key must follow one another"
                        )
                    seen.add(sample.key)
                    for record in self.recordings(
                        item,
                        store,
                        sample.audio(item.uri),
                        sample.labels(file, self.limits.transcript),
                        within=f"{number:05d}",
                    ):
                        yield record.at(where) if isinstance(record, Recording) else record
                except Unusable as fault:
                    yield refused(item, fault, where)
                if wrong.is_over(usable=sample.names_audio):
                    yield refused(item, wrong.fault)
                    return


@dataclass
class _TarSample:
    """Members of one key: ending to place and length."""

    key: str
    members: dict[str, tuple[int, int]] = field(default_factory=dict)
    fault: str = ""

    def audio(self, uri: str) -> Audio:
        """Raises Unusable."""
        if self.fault:
            raise Unusable("broken_tar", self.fault)
        if not self.names_audio:
            reason = "several_audio" if self._sounds else "no_audio"
            raise Unusable(reason, f"its members are {', '.join(self.members)}")
        offset, length = self.members[self._sounds[0]]
        return Audio(uri, offset=offset, length=length)

    @property
    def names_audio(self) -> bool:
        return len(self._sounds) == 1

    @property
    def _sounds(self) -> list[str]:
        return [ending for ending in self.members if ending in AUDIO_ENDINGS]

    def labels(self, file: BinaryIO, longest: int) -> Labels:
        """From transcripts of at most `longest` bytes. Raises Unusable."""
        labels = Labels()
        for ending in self.members:
            if ending == ".json" or ending in TEXT or ending in READERS:
                labels = _with_member(labels, ending, self._read(file, ending, longest))
        return labels

    def _read(self, file: BinaryIO, ending: str, longest: int) -> bytes:
        offset, length = self.members[ending]
        if length > longest:
            raise Unusable("bad_transcript", f"{self.key}{ending} holds {length:,} bytes")
        file.seek(offset)
        return file.read(length)


def _with_member(labels: Labels, ending: str, data: bytes) -> Labels:
    try:
        if ending in TEXT:
            return replace(labels, text=clean(data.decode("utf-8-sig")))
        if ending == ".json":
            return from_fields(parsed(data), labels)
    except UnicodeDecodeError as error:
        raise Unusable("bad_transcript", f"{ending}: it is not UTF-8 (byte {error.start:,})") from None
    except WrongField as fault:
        raise Unusable("bad_transcript", f"{ending}: {fault}") from None
    return labels.timed(READERS[ending](data, ""))


def from_fields(fields: Any, labels: Labels) -> Labels:
    """Labels with the fields of a mapping, under their usual names. Raises WrongField, and Unusable."""
    own = Fields.of(fields)
    stated: dict[str, Any] = {}
    for field_name, names in _NAMED.items():
        name = next((n for n in names if own.values.get(n) is not None), "")
        value = own.text(name) if field_name == "text" else own.label(name)
        if value:
            stated[field_name] = clean(value)
    return replace(labels, fields=named_texts(own), **stated)


def _is_pattern(path: str) -> bool:
    return any(sign in path for sign in "*?[") and "://" not in path


def _matched(pattern: str) -> Iterator[File]:
    return (local_file(absolute(path), os.path.basename(path)) for path in sorted(glob.glob(pattern)))


def opened(item: Item, store: Store) -> BinaryIO:
    """Raises Unusable, and Unavailable."""
    uri = store.located(item.uri)
    return reading.opened(partial(store.open, uri), uri)


def samples(file: BinaryIO) -> Iterator[_TarSample]:
    """Consecutive members with one key as one sample; a broken tar ends with a sample that has a `fault`."""
    sample = _TarSample("")
    try:
        for member in members(file):
            key, ending = _key(member.name)
            if not member.isreg() or not key:
                continue
            if key != sample.key:
                if sample.members:
                    yield sample
                sample = _TarSample(key)
            sample.members[ending] = (member.offset_data, member.size)
    except BrokenTar as error:
        if sample.members:
            yield sample
        sample = _TarSample("(the rest)", {"": (0, 0)}, f"{error}")
    if sample.members:
        yield sample


def _key(name: str) -> tuple[str, str]:
    """Up to the first dot of the file's own name, as webdataset cuts it; and the ending from there, in lower case.

    >>> _key("a/b.c/clip-1.words.json")
    ('a/b.c/clip-1', '.words.json')
    """
    folder, slash, own = name.rpartition("/")
    stem, dot, ending = own.partition(".")
    return (clean(f"{folder}{slash}{stem}") if stem else "", f"{dot}{ending}".lower())
