"""Dialogues to be spoken, from a JSONL file: a dialogue a line.

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
from weft.schemas.settings import NOT_IDENTITY
from weft.schemas.text import Dialogue, Turn


class Source(base.Source):
    """`path` is a .jsonl file."""

    path: Annotated[str, NOT_IDENTITY]

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
        """The names of a dialogue, which is in one split whole; none where it will be rejected."""
        try:
            return [splits.named(self._dialogue(item))]
        except Unusable:
            return []

    def read(self, item: Item, store: Store) -> Iterator[Dialogue]:
        yield self._dialogue(item)

    def _dialogue(self, item: Item) -> Dialogue:
        """Raises Unusable."""
        try:
            said = json.loads(item.payload)
            turns, split = tuple(map(_turn, said["turns"])), clean(str(said.get("split") or ""))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise Unusable("bad_dialogue", f"{item.path}: {error!r}") from None
        if not turns:
            raise Unusable("bad_dialogue", f"{item.path}: it has no turns")
        return Dialogue(item.key, item.source, turns, self.language, self.licence, split)


def dialogue_item(name: str, line: str, number: str) -> Item:
    """A listed dialogue; what is wrong with it is said when it is read."""
    line = line.encode("utf-8", "backslashreplace").decode()
    try:
        said = clean(str(json.loads(line)["id"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        said = number
    return Item(key_for(name, said), name, said, "", digest(line), payload=line)


def _turn(said: dict[str, Any]) -> Turn:
    level = int(said.get("level", 1))
    if not 1 <= level <= 5:
        raise ValueError(f"level {level} is not 1 to 5")
    text = clean(str(said["text"]))
    if not text:
        raise ValueError("a turn says nothing")
    return Turn(clean(str(said["speaker"])), text, clean(str(said.get("emotion", ""))), level)
