"""A list of urls, one per line, each with an optional transcript after a tab; audio is read through fsspec.

    https://host/a/clip.flac	and then
    s3://bucket/day.wav

A url is assumed not to change: after it was read once, it is not checked again.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Annotated

from weft.pipelines.parts.splits import HoldOutNames, Splits
from weft.pipelines.sources.common.files import clean
from weft.pipelines.sources.common.lists import numbered_lines, wrong_item
from weft.pipelines.sources.common.speech import Labels, SpeechSource
from weft.pipelines.sources.common.wrong_run import WrongRun
from weft.pipelines.storage.retries import without_secrets
from weft.pipelines.storage.store import Store
from weft.schemas.audio import Audio, Recording
from weft.schemas.facts import Facts
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Reject, Unusable
from weft.schemas.settings import NOT_IN_FINGERPRINT


class Source(SpeechSource):
    """`path` is the list."""

    path: Annotated[str, NOT_IN_FINGERPRINT]

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset()

    def items(self, name: str) -> Iterator[Item]:
        wrong = WrongRun(os.path.basename(self.path), self.limits.faults_in_a_row)
        for number, line in numbered_lines(self.path, self.limits.line):
            if isinstance(line, str) and line.strip().startswith("#"):
                continue
            item = wrong_item(name, f"line {number}", line) if isinstance(line, Unusable) else _item(name, line)
            yield item
            if wrong.is_over(usable="://" in item.uri):
                yield wrong_item(name, f"line {number + 1}", wrong.fault)
                return

    @property
    def lists_facts(self) -> bool:
        return True

    def facts_of(self, item: Item, store: Store) -> Iterator[Facts]:
        if "://" in item.uri:
            yield Facts(fields=self.field_names, has_text=bool(item.payload))

    def named(self, item: Item, splits: Splits) -> Sequence[HoldOutNames]:
        return [HoldOutNames(speakers=(self.speaker,), recordings=(item.path,), items=(item.key,))]

    def read(self, item: Item, store: Store) -> Iterator[Recording | Reject]:
        """Raises Unusable."""
        if "://" not in item.uri:
            raise Unusable("not_a_url", "a line begins with a url, such as https://host/clip.flac")
        yield from self.recordings(item, store, Audio(item.uri), Labels(text=item.payload or None))


def _item(name: str, line: str) -> Item:
    url, _, text = line.strip().partition("\t")
    place = clean(url)
    return Item(
        key=key_for(name, place), source=name, path=without_secrets(place), uri=place, stamp="url", payload=clean(text)
    )
