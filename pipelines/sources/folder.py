"""A folder of audio with transcripts, or timing files, beside it or in a folder of their own.

    raw/clip.wav  raw/clip.txt (or clip.lab)          the words
    raw/clip.wav  raw/clip.TextGrid (.ctm, .words.json)   the words with times, or utterances by speaker
    raw/clip.wav  raw/clip.rttm                        who speaks when
    raw/manifest.jsonl                                 see manifest.py

Audio without a transcript is kept for tasks that need none.
"""

import errno
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Annotated

from pydantic import PrivateAttr

from weft.pipelines.audio.decoders import ENDINGS
from weft.pipelines.parts.splits import HoldOutNames, Splits
from weft.pipelines.sources import manifest
from weft.pipelines.sources.base import folder_of
from weft.pipelines.sources.common.files import File, ending_of, local_file, read_bytes, read_text, walk
from weft.pipelines.sources.common.speech import Labels, SpeechSource
from weft.pipelines.storage.paths import absolute
from weft.pipelines.storage.store import Store
from weft.pipelines.timings.formats import READERS
from weft.schemas.audio import Audio, Recording
from weft.schemas.facts import Facts
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.limits import SpeechLimits
from weft.schemas.settings import NOT_IN_FINGERPRINT

TIMED = (".textgrid", ".ctm", ".words.json", ".rttm")
TEXT = (".textgrid", ".ctm", ".words.json", ".txt", ".lab", ".rttm")  # in order of preference
TABLES = (".ctm", ".rttm")  # one may hold many recordings
MANIFEST = "manifest.jsonl"
Texts = dict[tuple[str, str], File]


class Source(SpeechSource):
    """`path` is a folder, an fsspec url of one, a file, several of them, or a manifest. `transcripts` is where the text
    lies if not beside: a folder, or one .ctm or .rttm that holds all.
    """

    path: Annotated[str | tuple[str, ...], NOT_IN_FINGERPRINT]
    transcripts: Annotated[str, NOT_IN_FINGERPRINT] = ""
    _passed: Counter[str] = PrivateAttr(default_factory=Counter)

    def version(self) -> str:
        return "2"

    def location(self) -> str:
        """The folder, or the one that several paths share."""
        paths = [self.path] if isinstance(self.path, str) else self.path
        if len(paths) == 1:
            return folder_of(paths[0])
        return "" if any("://" in path for path in paths) else os.path.commonpath([folder_of(path) for path in paths])

    def items(self, name: str) -> Iterator[Item]:
        self._passed.clear()
        if listed := self._manifest():
            yield from manifest.items(name, absolute(listed), self.limits)
        else:
            yield from self._walked(name)

    @property
    def lists_facts(self) -> bool:
        return True

    def facts_of(self, item: Item, store: Store) -> Iterator[Facts]:
        if item.payload:
            yield from manifest.facts_of(item)
        elif item.uri:
            with suppress(Unusable):  # which is rejected when it is read
                yield Facts(fields=frozenset(), has_text=_may_have_text(store, item.text_uri, self.limits))

    def passed_over(self) -> dict[str, int]:
        return dict(self._passed)

    def _manifest(self) -> str:
        """The manifest that lists the recordings, if one does."""
        path = self.path if isinstance(self.path, str) else ""
        inside = os.path.join(path, MANIFEST)
        return path if path.endswith(".jsonl") else inside if path and os.path.isfile(inside) else ""

    @property
    def field_names(self) -> frozenset[str] | None:
        return None if self._manifest() else frozenset()

    @property
    def names_splits(self) -> bool:
        return bool(self._manifest())

    def named(self, item: Item, splits: Splits) -> Sequence[HoldOutNames] | None:
        if item.payload:
            return manifest.named(self, item)
        if splits.holds_out("speakers") and item.text_uri.lower().endswith(TIMED):
            return None  # the file beside it may name them
        return [HoldOutNames(speakers=(self.speaker,), recordings=(item.path,), items=(item.key,))]

    def _walked(self, name: str) -> Iterator[Item]:
        """Items of several paths are named relative to the folder that the paths share."""
        paths = [self.path] if isinstance(self.path, str) else list(self.path)
        base = os.path.commonpath([os.path.dirname(absolute(p)) for p in paths]) if len(paths) > 1 else ""
        texts: dict[str, Texts] = {}
        for path in paths:
            home, is_file = self._home(path)
            if home not in texts:
                texts[home] = _by_stem(_siblings(home) if is_file and not self.transcripts else walk(home))
            below = os.path.relpath(absolute(path), base) if base else ""
            count, alone = 0, Counter[str]()
            for file in walk(path):
                count += file.path.lower().endswith(ENDINGS)
                shown = (below if is_file else f"{below}/{file.path}") if below else file.path
                if file.path.lower().endswith(ENDINGS):
                    yield _item(name, file, shown, texts=texts[home], is_table=home.endswith(TABLES))
                else:
                    passed = alone if file.path.lower().endswith(TEXT) else self._passed
                    passed[ending_of(file)] += 1
            self._passed.update({} if count else alone)  # transcripts of no audio
            if not count and len(paths) > 1:  # one alone is reported by whoever lists
                raise FileNotFoundError(errno.ENOENT, "no audio is there; is it mounted?", path)

    def _home(self, path: str) -> tuple[str, bool]:
        """Where the transcripts of a path lie, and whether it is a single file."""
        is_file = "://" not in path and not os.path.isdir(path)
        return self.transcripts or (os.path.dirname(absolute(path)) if is_file else path), is_file

    def read(self, item: Item, store: Store) -> Iterator[Recording | Reject]:
        """Raises Unusable."""
        if item.payload:
            yield from manifest.read(self, item, store)
            return
        if not item.uri:
            raise Unusable("bad_name", "its name is not UTF-8; rename it")
        yield from self.recordings(item, store, Audio(item.uri), _labels(store, item, self.limits))


def _item(name: str, file: File, shown: str, texts: Texts, is_table: bool) -> Item:
    stem = file.path.rpartition(".")[0]
    table = next(iter(texts.values()), None)
    everything = table if table and is_table else None
    text = next((texts[stem, end] for end in TEXT if (stem, end) in texts), everything)
    mark = f"{file.stamp} {text.stamp}" if text else file.stamp
    return Item(
        key=key_for(name, shown), source=name, path=shown, uri=file.uri, stamp=mark, text_uri=text.uri if text else ""
    )


def _siblings(folder: str) -> Iterator[File]:
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return (local_file(os.path.join(folder, n), n) for n in names if n.lower().endswith(TEXT))


def _by_stem(files: Iterator[File]) -> Texts:
    """Transcripts by their path without its ending, and the ending in lower case; the first of two alike."""
    texts: Texts = {}
    for file in files:
        ending = next((end for end in TEXT if file.path.lower().endswith(end)), "")
        if ending:
            texts.setdefault((file.path[: -len(ending)], ending), file)
    return texts


def _may_have_text(store: Store, uri: str, limits: SpeechLimits) -> bool:
    """Whether the file beside a recording may hold its words. Raises Unusable."""
    ending = uri.lower()
    return (
        bool(uri) and not ending.endswith(".rttm") and (ending.endswith(TIMED) or bool(read_text(store, uri, limits)))
    )


def _labels(store: Store, item: Item, limits: SpeechLimits) -> Labels:
    """Raises Unusable: bad_transcript."""
    uri = item.text_uri
    if not uri:
        return Labels()
    if not uri.lower().endswith(TIMED):
        return Labels(text=read_text(store, uri, limits))
    name = item.path.rsplit("/", 1)[-1].rpartition(".")[0]
    reader = next(READERS[ending] for ending in TIMED if uri.lower().endswith(ending))
    return Labels().timed(reader(read_bytes(store, uri, limits), name))
