"""Dialogues to synthesize, from a JSONL file: one dialogue per line.

    {"id": "taxi-77", "split": "test", "turns": [{"speaker": "caller", "text": "Where are you?", "emotion": "angry", "level": 2}, …]}

A turn's fields are those of `schemas.text.Turn` (`docs/dialogues.md`), and its text may begin with tags: "(happy1) Hello!".
The id makes the key, so an edited line changes one item; without ids the line's number does.
The named texts of docs/data.md, such as `translation`, are the dialogue's; those of a turn stand under its `fields`.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

from weft.pipelines.parts.splits import Named, Splits
from weft.pipelines.sources import base
from weft.pipelines.sources.common.files import clean
from weft.pipelines.sources.common.lists import numbered_lines, wrong_item
from weft.pipelines.sources.common.named_texts import FIELDS, NAMES, named_texts
from weft.pipelines.sources.common.turns import only, origin_of, tools_of, turns_of
from weft.pipelines.storage.store import Store
from weft.schemas.dialogue import checked
from weft.schemas.fields import Fields, WrongField, parsed
from weft.schemas.fingerprint import digest
from weft.schemas.item import Item, key_for
from weft.schemas.ledger import Unusable
from weft.schemas.settings import NOT_IN_FINGERPRINT
from weft.schemas.text import Dialogue

_NAMES = tuple(name for name in NAMES if name != "tools")  # which a dialogue has of its own
_FIELDS = ("id", "split", "language", "licence", "turns", "tools", "origin", FIELDS, *_NAMES)


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

    def version(self) -> str:
        return "2"

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
            fields = parsed(item.payload)
            only(fields, _FIELDS, "a dialogue")
            origin = origin_of(fields.get("origin") or {})
            turns, tools = turns_of(fields.get("turns"), origin), tools_of(fields.get("tools"))
            named = named_texts(Fields.of(fields), _NAMES)
        except ValueError as error:  # in words that name the field
            raise Unusable("bad_dialogue", f"{item.path}: {error}") from None
        texts = {name: clean(str(fields.get(name) or "")) for name in ("language", "licence", "split")}
        return Dialogue(
            key=item.key,
            source=item.source,
            turns=checked(turns),
            language=texts["language"] or self.language,
            licence=texts["licence"] or self.licence,
            split=texts["split"],
            tools=tools,
            fields=named,
        )


def dialogue_item(name: str, line: str, number: str) -> Item:
    """The item of a dialogue; faults in it are reported when it is read."""
    line = line.encode("utf-8", "backslashreplace").decode()
    try:
        dialogue_id = clean(Fields.of(parsed(line)).label("id")) or number
    except WrongField:
        dialogue_id = number
    return Item(key=key_for(name, dialogue_id), source=name, path=dialogue_id, uri="", stamp=digest(line), payload=line)
