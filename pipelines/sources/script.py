"""Dialogues to synthesize, from a JSONL file: one dialogue per line.

    {"id": "taxi-77", "split": "test", "turns": [{"speaker": "caller", "text": "Where are you?", "emotion": "angry", "level": 2}, …]}

The id makes the key, so an edited line changes one item; without ids the line's number does.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from weft.pipelines.parts.splits import Named, Splits
from weft.pipelines.sources import base
from weft.pipelines.sources.common.files import clean
from weft.pipelines.sources.common.lists import numbered_lines, wrong_item
from weft.pipelines.storage.store import Store
from weft.schemas.fingerprint import digest
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Unusable
from weft.schemas.settings import NOT_IN_FINGERPRINT
from weft.schemas.text import Dialogue, Turn


class Source(base.Source):
    """`path` is a .jsonl file."""

    path: Annotated[str, NOT_IN_FINGERPRINT]

    @property
    def makes(self) -> type:
        return Dialogue

    def items(self, name: str) -> Iterator[Item]:
        for number, line in numbered_lines(self.path):
            if isinstance(line, Unusable):
                yield wrong_item(name, f"line {number}", line)
            else:
                yield dialogue_item(name, line.strip(), str(number))

    @property
    def names_splits(self) -> bool:
        return True

    def named(self, item: Item, splits: Splits) -> Sequence[Named]:
        """The names of a dialogue, all of whose turns are in one split; none where it will be rejected."""
        try:
            return [splits.named(self._dialogue(item))]
        except Unusable:
            return []

    def read(self, item: Item, store: Store) -> Iterator[Dialogue]:
        yield self._dialogue(item)

    def _dialogue(self, item: Item) -> Dialogue:
        """Raises Unusable."""
        try:
            fields = json.loads(item.payload)
            turns, split = tuple(map(_turn, fields["turns"])), clean(str(fields.get("split") or ""))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise Unusable("bad_dialogue", f"{item.path}: {error!r}") from None
        if not turns:
            raise Unusable("bad_dialogue", f"{item.path}: it has no turns")
        return Dialogue(
            key=item.key, source=item.source, turns=turns, language=self.language, licence=self.licence, split=split
        )


def dialogue_item(name: str, line: str, number: str) -> Item:
    """The item of a dialogue; faults in it are reported when it is read."""
    line = line.encode("utf-8", "backslashreplace").decode()
    try:
        dialogue_id = clean(str(json.loads(line)["id"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        dialogue_id = number
    return Item(key=key_for(name, dialogue_id), source=name, path=dialogue_id, uri="", stamp=digest(line), payload=line)


def _turn(fields: dict[str, Any]) -> Turn:
    level = int(fields.get("level", 1))
    if not 1 <= level <= 5:
        raise ValueError(f"level {level} is not 1 to 5")
    text = clean(str(fields["text"]))
    if not text:
        raise ValueError("a turn has no text")
    return Turn(
        speaker=clean(str(fields["speaker"])), text=text, emotion=clean(str(fields.get("emotion", ""))), level=level
    )
