"""Lhotse cuts: a CutSet manifest (cuts.jsonl, cuts.jsonl.gz, cuts.json), or a folder in the Shar format.

    {"id": "cut-1", "start": 12.1, "duration": 5.8, "channel": 0, "recording": {"sources": [{"type": "file", …}]},
     "supervisions": [{"start": 0.0, "duration": 5.8, "text": "and then", "speaker": "s1", "language": "en"}],
     "custom": {"split": "dev", "question": "Where is he?", "answer": "At home."}}

    shar/cuts.000000.jsonl.gz  shar/recording.000000.tar

A manifest's cuts are gathered by recording and channel, so each file is decoded once.
"""

import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

from weft.pipelines.parts.splits import HoldOutNames, Splits
from weft.pipelines.sources import tars
from weft.pipelines.sources.base import folder_of, refused
from weft.pipelines.sources.common.cut_lists import cuts_of_shard, listed_cuts
from weft.pipelines.sources.common.cuts import place_of, supervisions_of
from weft.pipelines.sources.common.files import stamp
from weft.pipelines.sources.common.lists import wrong_item
from weft.pipelines.sources.common.speech import Labels, SpeechSource
from weft.pipelines.sources.common.wrong_run import WrongRun
from weft.pipelines.storage.paths import absolute
from weft.pipelines.storage.retries import read_with_retries, retrying
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Recording, Supervision
from weft.schemas.facts import Facts, facts_of_labels
from weft.schemas.fields import Fields, WrongField, parsed
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.settings import NOT_IN_FINGERPRINT

_NO_CUT = Fields(values={})
_NO_LABELS = Supervision(start=0.0, end=0.0)


class Source(SpeechSource):
    """`path` is a manifest or a Shar folder; relative paths of recordings are relative to `root` (the working folder,
    unless given).
    """

    path: Annotated[str, NOT_IN_FINGERPRINT]
    root: Annotated[str, NOT_IN_FINGERPRINT] = ""

    def version(self) -> str:
        return "2"

    def size_of(self, item: Item) -> float:
        return math.inf if item.uri.endswith(".tar") else 1.0

    @property
    def names_splits(self) -> bool:
        return True

    @property
    def lists_facts(self) -> bool:
        return True

    def facts_of(self, item: Item, store: Store) -> Iterator[Facts]:
        if item.uri.endswith(".tar"):
            yield Facts()  # only reading shows its cuts
            return
        with suppress(Unusable):  # which is rejected when it is read
            for one in _listed_supervisions(item):
                yield facts_of_labels(one, is_stretch=one is not _NO_LABELS)

    def named(self, item: Item, splits: Splits) -> Sequence[HoldOutNames] | None:
        if item.uri.endswith(".tar"):
            return super().named(item, splits)
        try:
            supervisions = _listed_supervisions(item)
        except Unusable:
            supervisions = ()  # rejected when it is read
        names = {"recordings": (item.path,), "items": (item.key,)}
        return [HoldOutNames(speakers=(s.speaker or self.speaker,), split=s.split, **names) for s in supervisions]

    def location(self) -> str:
        return folder_of(self.path if os.path.isdir(self.path) else self.root or os.curdir)

    def items(self, name: str) -> Iterator[Item]:
        if os.path.isdir(self.path):
            yield from _shards(name, absolute(self.path))
        else:
            yield from self._cuts(name)

    def _cuts(self, name: str) -> Iterator[Item]:
        gathered: dict[tuple[str, int, str], list[Fields]] = {}
        for number, cut in listed_cuts(self.path, self.limits):
            try:
                if isinstance(cut, Unusable):
                    raise cut
                gathered.setdefault(place_of(cut), []).append(cut)
            except Unusable as fault:
                yield wrong_item(name, f"cut {number}", fault)
        names = Counter(recording for _, recording in {(p, r) for p, _, r in gathered})
        for (path, channel, recording), cuts in gathered.items():
            uri = path if "://" in path else absolute(os.path.join(self.root, path))
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
        audio = Audio(item.uri, channel=item.offset)
        yield from self.recordings(item, store, audio, Labels(supervisions=_supervisions(_bare_cuts(item))))

    def _shard(self, item: Item, store: Store) -> Iterator[Recording | Reject]:
        listed = store.located(item.text_uri)
        cuts: dict[str, Fields] = {}
        for number, cut in read_with_retries(partial(cuts_of_shard, listed, self.limits), listed):
            if isinstance(cut, Unusable):
                yield refused(item, cut, f"{item.path}/cut {number}")
            else:
                cuts[str(cut.values.get("id"))] = cut
        wrong = WrongRun(item.path, self.limits.faults_in_a_row)
        with retrying(tars.opened(item, store), store.located(item.uri)) as file:
            for number, sample in enumerate(tars.samples(file)):
                where = f"{item.path}/{sample.key}"
                try:
                    labels = Labels(supervisions=_supervisions([cuts.pop(sample.key, _NO_CUT)]))
                    audio = sample.audio(item.uri)
                    for record in self.recordings(item, store, audio, labels, within=f"{number:05d}"):
                        yield record.at(where) if isinstance(record, Recording) else record
                except Unusable as fault:
                    yield refused(item, fault, where)
                if wrong.is_over(usable=sample.names_audio):
                    yield refused(item, wrong.fault)
                    return
        for left in cuts:
            yield refused(item, Unusable("no_audio", "the shard holds no recording of this cut"), f"{item.path}/{left}")
            if wrong.is_over(usable=False):
                yield refused(item, wrong.fault)
                return


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


def _bare(cut: Fields) -> dict[str, Any]:
    return {field: cut.values.get(field) for field in ("start", "duration", "supervisions", "custom")}


def _bare_cuts(item: Item) -> list[Fields]:
    return [Fields(values=cut, what="the cut") for cut in parsed(item.payload)]


def _listed_supervisions(item: Item) -> tuple[Supervision, ...]:
    """As the item is read: cuts without any, and without a length, leave the recording without labels; none of what is rejected.

    Raises Unusable.
    """
    return (_supervisions(_bare_cuts(item)) or (_NO_LABELS,)) if item.uri else ()


def _supervisions(cuts: list[Fields]) -> tuple[Supervision, ...]:
    """In seconds of the recording. Raises Unusable."""
    try:
        return tuple(s for cut in cuts for s in supervisions_of(cut))
    except WrongField as fault:
        raise Unusable("bad_cut", str(fault)) from None
