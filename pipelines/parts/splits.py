"""Which split an utterance or a document is of: the data's own, or validation where its name is held out.

Splits(space="read", hold_out=HoldOut(speakers=0.02)).of("", HoldOutNames(speakers=("s1",)))  ->  "train" or "validation"

Names are selected by their hash, so neither parts nor order matter, and one more name changes no other's split.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from weft.schemas.counting import counted
from weft.schemas.dialogue import opening_digest
from weft.schemas.fingerprint import hash64
from weft.schemas.ledger import Unusable
from weft.schemas.settings import Settings
from weft.schemas.splits import HoldOut, Kind, normal
from weft.schemas.text import Dialogue


class SplitError(ValueError):
    """A share that holds out nobody or everybody; the message gives both counts and what to do."""


@dataclass(frozen=True, slots=True)
class HoldOutNames:
    """The names by which a record may be held out, one kind a field. `split` is the data's own; "" where it names none."""

    speakers: tuple[str, ...] = ()
    recordings: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    split: str = ""

    def of(self, kind: Kind) -> tuple[str, ...]:
        return getattr(self, kind)


class Splits(Settings):
    """The rule of one source. `space` is the name space of its speakers, `default` the split where the data names none."""

    space: str = ""
    default: str = ""
    names: Mapping[str, str] = {}
    hold_out: HoldOut | None = None
    shared: bool = False  # a speaker of one name is one person in all sources of the space
    all_train: bool = False  # whatever the data calls it
    by_text: bool = False  # items are named by what they say, which is the same in every source

    def holds_out(self, kind: Kind) -> bool:
        return self.hold_out is not None and self.hold_out.kind == kind

    def own(self, split: str) -> str:
        """The data's own split, or the source's; "" where neither names one. Raises Unusable: unknown_split."""
        if self.all_train:
            return "train"
        try:
            return normal(split, self.names) or self.default
        except ValueError as fault:
            raise Unusable("unknown_split", str(fault)) from None

    def of(self, named: HoldOutNames) -> str:
        """train, validation or test. An unknown speaker is never held out. Raises Unusable: unknown_split."""
        split = self.own(named.split) or "train"
        if self.hold_out and split == "train" and any(map(self.selects, named.of(self.hold_out.kind))):
            return "validation"
        return split

    def candidates(self, named: HoldOutNames) -> tuple[str, ...]:
        """The names that `hold_out` may select: those of what the data itself calls train or does not name."""
        try:
            is_open = self.own(named.split) in ("", "train")
        except Unusable:  # rejected when it is read
            return ()
        return named.of(self.hold_out.kind) if self.hold_out and is_open else ()

    def selects(self, name: str) -> bool:
        """Whether `hold_out` takes a name of its kind."""
        if not self.hold_out or not name:
            return False
        return hash64("hold out", "" if self.by_text else self.space, name) < self.hold_out.share * 2**64

    def speaker(self, name: str, dialogue: str = "") -> str:
        """The name of a speaker in its space. A role of a dialogue, such as `caller`, is another voice in each dialogue, so
        its name holds within its dialogue; only in a shared space is it the name of one person.
        """
        return f"{dialogue} {name}" if dialogue and name and not self.shared else name

    def named(self, dialogue: Dialogue) -> HoldOutNames:
        """The names of a dialogue. It is one recording, and held out whole where one of its speakers is. As an item it is named
        by its opening, as a document is by its text: no held-out answer is to an opening that was trained on.
        """
        speakers = tuple(self.speaker(turn.speaker, dialogue.key) for turn in dialogue.turns if turn.is_spoken)
        return HoldOutNames(
            speakers=speakers, recordings=(dialogue.key,), items=(opening_digest(dialogue.turns),), split=dialogue.split
        )


class Tally:
    """How many names a share selects, of how many it could. A name counts once, however often it is added."""

    def __init__(self, hold_out: HoldOut) -> None:
        self.hold_out = hold_out
        self._names: tuple[set[int], set[int]] = (set(), set())

    def add(self, name: str, is_held: bool) -> None:
        """An unknown name, "", is none."""
        if name:
            self._names[is_held].add(hash64(name))

    def add_placed(self, name: str, split: str, rule: Splits) -> bool:
        """Adds the name of a record that `rule` put in a split; False where the data itself holds it out."""
        is_held = split == "validation" and rule.selects(name)
        if is_held or split == "train":
            self.add(name, is_held)
        return is_held or split == "train"

    @property
    def held_out(self) -> int:
        return len(self._names[True])

    @property
    def total(self) -> int:
        return self.held_out + len(self._names[False])

    @property
    def selects_some_not_all(self) -> bool:
        """Whether somebody is held out and somebody is not; more names do not change it."""
        return all(self._names)

    def check(self, where: str) -> None:
        """Raises SplitError, with both counts, unless it selects some and not all."""
        if self.selects_some_not_all:
            return
        kind, share = self.hold_out.kind, f"hold_out.{self.hold_out.kind} {self.hold_out.share:g} of {where}"
        if not self.total:
            raise SplitError(f"{share} selects nobody: the data names no {kind}; hold out another kind")
        if self.held_out:
            raise SplitError(
                f"{share} selects all {self.total:,} of its {kind}, so nothing is left to train on; lower it"
            )
        raise SplitError(
            f"{share} selects 0 of its {counted(self.total, kind.removesuffix('s'))}, so nothing is held out; "
            "raise it, name them in the data (`split: validation`), or hold nothing out (`hold_out: null`)"
        )
