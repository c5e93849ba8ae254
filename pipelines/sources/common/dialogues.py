"""The base of sources of dialogues: each item's payload is a dialogue as JSON (docs/dialogues.md).

DialogueSource.read(Item(payload='{"id": "taxi-77", "turns": […]}'))   ->   Dialogue(turns=(Turn("caller", "Where are you?"), …))
"""

from collections.abc import Iterator, Sequence

from weft.pipelines.parts.splits import HoldOutNames, Splits
from weft.pipelines.sources import base
from weft.pipelines.sources.common.files import clean
from weft.pipelines.sources.common.named_texts import FIELDS, NAMES, named_texts
from weft.pipelines.sources.common.turns import only, origin_of, tools_of, turns_of
from weft.pipelines.storage.store import Store
from weft.schemas.dialogue import checked
from weft.schemas.facts import Facts, facts_of
from weft.schemas.fields import Fields, parsed
from weft.schemas.item import Item
from weft.schemas.ledger import Unusable
from weft.schemas.text import Dialogue

_NAMES = tuple(name for name in NAMES if name != "tools")  # which a dialogue has of its own
_LABELS = ("language", "licence", "split")
_FIELDS = ("id", *_LABELS, "turns", "tools", "origin", FIELDS, *_NAMES)


class DialogueSource(base.Source):
    """A backend lists the items."""

    @property
    def makes(self) -> type:
        return Dialogue

    def named(self, item: Item, splits: Splits) -> Sequence[HoldOutNames]:
        """The names of a dialogue, all of whose turns are in one split; none where it will be rejected."""
        try:
            return [splits.named(self._dialogue(item))]
        except Unusable:
            return []

    def read(self, item: Item, store: Store) -> Iterator[Dialogue]:
        """Raises Unusable."""
        yield self._dialogue(item)

    @property
    def lists_facts(self) -> bool:
        return True

    def facts_of(self, item: Item, store: Store) -> Iterator[Facts]:
        try:
            yield facts_of(self._dialogue(item))
        except Unusable:
            return

    def _dialogue(self, item: Item) -> Dialogue:
        """Raises Unusable."""
        try:
            line = parsed(item.payload)
            only(line, _FIELDS, "a dialogue")
            fields = Fields.of(line)
            origin = origin_of(line.get("origin") or {})
            turns, tools = turns_of(line.get("turns"), origin), tools_of(line.get("tools"))
            labels = {name: clean(fields.label(name)) for name in _LABELS}
            fields.label("id")  # it names the item already
            named = named_texts(fields, _NAMES)
        except ValueError as error:  # in words that name the field
            raise Unusable("bad_dialogue", f"{item.path}: {error}") from None
        return Dialogue(
            key=item.key,
            source=item.source,
            turns=checked(turns),
            language=labels["language"] or self.language,
            licence=labels["licence"] or self.licence,
            split=labels["split"],
            tools=tools,
            fields=named,
        )
