"""Lhotse cuts: a CutSet manifest (cuts.jsonl, cuts.jsonl.gz, cuts.json), or a folder in the Shar format.

    {"id": "cut-1", "start": 12.1, "duration": 5.8, "channel": 0, "recording": {"sources": [{"type": "file", …}]},
     "supervisions": [{"start": 0.0, "duration": 5.8, "text": "and then", "speaker": "s1", "language": "en"}],
     "custom": {"split": "dev"}}

    shar/cuts.000000.jsonl.gz  shar/recording.000000.tar

A manifest's cuts are gathered by recording and channel, so each file is decoded once.
"""

import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from weft.pipelines.parts.splits import Named, Splits
from weft.pipelines.sources import tars
from weft.pipelines.sources.base import folder_of, refused
from weft.pipelines.sources.common.files import clean, stamp
from weft.pipelines.sources.common.lists import numbered_lines, whole_list, wrong_item
from weft.pipelines.sources.common.speech import Labels, SpeechSource
from weft.pipelines.storage.retries import patiently, watched
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Recording, Supervision, Word
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.settings import NOT_IN_FINGERPRINT

_WRONG = (ValueError, TypeError, KeyError, AttributeError, IndexError)


class Source(SpeechSource):
    """`path` is a manifest or a Shar folder; relative paths of recordings are relative to `root` (the working folder,
    unless given).
    """

    path: Annotated[str, NOT_IN_FINGERPRINT]
    root: Annotated[str, NOT_IN_FINGERPRINT] = ""

    def size_of(self, item: Item) -> float:
        return math.inf if item.uri.endswith(".tar") else 1.0

    @property
    def names_splits(self) -> bool:
        return True

    def named(self, item: Item, splits: Splits) -> Sequence[Named] | None:
        if item.uri.endswith(".tar"):
            return super().named(item, splits)
        try:
            supervisions = _supervisions(json.loads(item.payload)) if item.uri else ()
        except Unusable:
            supervisions = ()  # rejected when it is read
        names = {"recordings": (item.path,), "items": (item.key,)}
        return [Named(speakers=(s.speaker or self.speaker,), split=s.split, **names) for s in supervisions]

    def location(self) -> str:
        return folder_of(self.root or self.path)

    def items(self, name: str) -> Iterator[Item]:
        if os.path.isdir(self.path):
            yield from _shards(name, os.path.abspath(self.path))
        else:
            yield from self._cuts(name)

    def _cuts(self, name: str) -> Iterator[Item]:
        gathered: dict[tuple[str, int, str], list[Any]] = {}
        for number, cut in _cuts(self.path):
            try:
                if isinstance(cut, Unusable):
                    raise cut
                gathered.setdefault(_place(cut), []).append(cut)
            except Unusable as fault:
                yield wrong_item(name, f"cut {number}", fault)
        names = Counter(recording for _, recording in {(p, r) for p, _, r in gathered})
        for (path, channel, recording), cuts in gathered.items():
            uri = path if "://" in path else os.path.abspath(os.path.join(self.root, path))
            shown = (recording if names[recording] == 1 else f"{recording} {path}") + (
                f"-channel-{channel}" if channel else ""
            )
            payload = json.dumps([_bare(cut) for cut in cuts], ensure_ascii=False)
            yield Item(
                key=key_for(name, shown),
                source=name,
                path=shown,
                uri=uri,
                stamp=stamp(uri),
                offset=channel,
                payload=payload,
            )

    def read(self, item: Item, store: Store) -> Iterator[Recording | Reject]:
        """Raises Unusable."""
        if item.uri.endswith(".tar"):
            yield from self._shard(item, store)
            return
        cuts = json.loads(item.payload)
        audio = Audio(item.uri, channel=item.offset)
        yield from self.recordings(item, store, audio, Labels(supervisions=_supervisions(cuts)))

    def _shard(self, item: Item, store: Store) -> Iterator[Recording | Reject]:
        listed = store.located(item.text_uri)
        cuts = patiently(lambda: {str(cut.get("id")): cut for cut in _all_cuts(listed)}, listed)
        with watched(tars.opened(item, store), store.located(item.uri)) as file:
            for number, sample in enumerate(tars.samples(file)):
                where = f"{item.path}/{sample.key}"
                try:
                    labels = Labels(supervisions=_supervisions([_bare(cuts.pop(sample.key, {}))]))
                    audio = sample.audio(item.uri)
                    for record in self.recordings(item, store, audio, labels, f"{number:05d}"):
                        yield record.at(where) if isinstance(record, Recording) else record
                except Unusable as fault:
                    yield refused(item, fault, where)
        for left in cuts:
            yield refused(item, Unusable("no_audio", "the shard holds no recording of this cut"), f"{item.path}/{left}")


def _shards(name: str, folder: str) -> Iterator[Item]:
    for cuts in sorted(f for f in os.listdir(folder) if f.startswith("cuts.") and ".jsonl" in f):
        number = cuts.split(".")[1]
        tar, listed = f"{folder}/recording.{number}.tar", f"{folder}/{cuts}"
        yield Item(
            key=key_for(name, cuts),
            source=name,
            path=cuts,
            uri=tar,
            stamp=f"{stamp(tar)} {stamp(listed)}",
            text_uri=listed,
        )


def _cuts(path: str) -> Iterator[tuple[int, dict[str, Any] | Unusable]]:
    """The manifest's entries by number, and why one cannot be read; what is no mapping comes as an empty one. Raises OSError."""
    if not path.removesuffix(".gz").endswith(".json"):
        for number, line in numbered_lines(path):
            yield number, line if isinstance(line, Unusable) else _mapping(_parsed(line))
        return
    try:
        parsed = _parsed(whole_list(path))
    except Unusable as fault:
        yield 1, fault
        return
    yield from enumerate(map(_mapping, parsed if isinstance(parsed, list) else [parsed]), 1)


def _all_cuts(path: str) -> Iterator[dict[str, Any]]:
    """Raises Unusable where one cannot be read."""
    for _, cut in _cuts(path):
        if isinstance(cut, Unusable):
            raise cut
        yield cut


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _place(cut: dict[str, Any]) -> tuple[str, int, str]:
    """Path, channel and recording of a cut. Raises Unusable."""
    try:
        if cut.get("type", "MonoCut") not in ("MonoCut", "Cut"):
            raise Unusable("mixed_cut", f"a {cut['type']} is made on the fly; cut it into MonoCuts")
        source = cut["recording"]["sources"][0]
        if source["type"] not in ("file", "url"):
            kind = str(source["type"])
            raise Unusable(
                "command" if kind == "command" else "bad_cut", f"its audio is of type {kind!r}, not a file or url"
            )
        path = str(source["source"])
        return path, int(cut.get("channel") or 0), clean(str(cut["recording"].get("id") or path))
    except _WRONG as error:
        raise Unusable("bad_cut", f"no cut with a recording ({error!r})"[:200]) from None


def _bare(cut: dict[str, Any]) -> dict[str, Any]:
    return {field: cut.get(field) for field in ("start", "duration", "supervisions", "custom")}


def _supervisions(cuts: list[dict[str, Any]]) -> tuple[Supervision, ...]:
    """In seconds of the recording. Raises Unusable."""
    try:
        return tuple(s for cut in cuts for s in _of_cut(cut))
    except _WRONG as error:
        raise Unusable("bad_cut", f"its times or supervisions are wrong ({error!r})"[:200]) from None


def _of_cut(cut: dict[str, Any]) -> Iterator[Supervision]:
    begin = float(cut.get("start") or 0.0)
    end = begin + float(cut.get("duration") or 0.0)
    for supervision in cut.get("supervisions") or ():
        start = begin + float(supervision["start"])
        stop = min(end, start + float(supervision["duration"]))
        speaker, language = (clean(str(supervision.get(name) or "")) for name in ("speaker", "language"))
        words, phones = (_aligned(supervision, name) for name in ("word", "phone"))
        yield Supervision(
            start=max(begin, start),
            end=stop,
            text=clean(str(supervision.get("text") or "")) or None,
            words=words,
            phones=phones,
            speaker=speaker,
            language=language,
            split=_split(supervision) or _split(cut),
        )
    if not cut.get("supervisions") and end > begin:
        yield Supervision(begin, end, split=_split(cut))


def _split(record: dict[str, Any]) -> str:
    """Lhotse has no field for splits, so they are read from `custom`."""
    return clean(str((record.get("custom") or {}).get("split") or ""))


def _aligned(supervision: dict[str, Any], kind: str) -> tuple[Word, ...]:
    """`alignment: {"word": [[symbol, start, duration, score], …]}`, in seconds of the same axis as the supervision."""
    rows = (supervision.get("alignment") or {}).get(kind) or ()
    base = float(supervision["start"])
    return tuple(
        Word(
            text=clean(str(r[0])),
            start=float(r[1]) - base,
            end=float(r[1]) + float(r[2]) - base,
            score=float(r[3] or 0) if len(r) > 3 else 0.0,
        )
        for r in rows
    )
