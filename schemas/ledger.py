"""The ledger: every item that went into a stage came out, was rejected with a reason, or is of another split.

Reject(key="clip-3fa0", stage="ingest", source="speech", path="a/clip.wav", reason="truncated", detail="…", seconds=0.0)
LedgerRow(node="align/speech", part=0, items_in=98, items_out=96, items_rejected=2, …)
"""

import math
from dataclasses import dataclass

from weft.schemas.counting import counted

# reasons of what cannot be read, where the recipe rejects that: every build asks for it again
MISSING = "missing"  # it is listed and not there
UNAVAILABLE = "unavailable"  # its file, mount or server gives no answer, or another one
ASKED_AGAIN = (MISSING, UNAVAILABLE)
TOLERANCE = 1e-6  # seconds an item: times are sums of sample counts over a rate


class Unusable(Exception):
    """An item that a stage cannot use: `reason` is a short fixed word, `detail` a sentence about this item."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


class Unavailable(Exception):
    """What cannot be read now, as its file, mount or server is gone: a failure of the work, which the next build tries again.

    `absent` where the answer was that there is no such file; `of_machine` where this machine lacks memory, disk or open files.
    """

    def __init__(self, what: str, reason: str, absent: bool = False, of_machine: bool = False) -> None:
        super().__init__(what, reason, absent, of_machine)
        self.what, self.reason, self.absent, self.of_machine = what, reason, absent, of_machine

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Reject:
    """An item that a stage refused. `reason` is a short fixed word, `detail` says what was found."""

    key: str
    stage: str
    source: str
    path: str
    reason: str
    detail: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Unread:
    """An item that could not be read now; `absent` as in Unavailable. Nothing of its part is committed.

    A stage leaves `node` to the part's work. `rejectable`: the build goes on without it where its source says `missing: reject`.
    """

    key: str
    source: str
    path: str
    reason: str
    absent: bool
    rejectable: bool = False
    node: str = ""


class UnreadItems(Exception):
    """A piece of work failed over items that could not be read; the next build asks for them again."""

    def __init__(self, items: tuple[Unread, ...]) -> None:
        super().__init__(items)
        self.items = items

    def __str__(self) -> str:
        first, more = self.items[0], len(self.items) - 1
        return f"cannot be read now: {first.path} ({first.reason})" + (f" and {more:,} more" if more else "")


@dataclass(frozen=True, slots=True)
class HeldOutItem:
    """An item of another split, which a stage leaves out."""

    key: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """The counts of one part of one node. `made` counts what a stage adds by rule: pieces of a recording, synthesised seconds.

    It is below 0 where a stage joins items into one: the utterances of a recording.
    `held` counts items of other splits. `absent` counts items of the first input that have no row in another input, as an earlier stage
    rejected them.
    """

    node: str
    part: int
    items_in: int
    items_made: int
    items_out: int
    items_rejected: int
    items_held: int
    items_absent: int
    seconds_in: float
    seconds_made: float
    seconds_out: float
    seconds_rejected: float
    seconds_held: float
    seconds_absent: float

    def imbalance(self) -> str:
        """What does not add up, as a sentence; empty where in + made = out + rejected + held, in items and in seconds."""
        items = self.items_in + self.items_made - self.items_out - self.items_rejected - self.items_held
        if items:
            return (
                f"{self.node} part {self.part}: {counted(abs(items), 'item')} {'vanished' if items > 0 else 'appeared'}"
            )
        gone = self.seconds_out + self.seconds_rejected + self.seconds_held
        seconds = self.seconds_in + self.seconds_made - gone
        if not math.isfinite(seconds) or abs(seconds) > TOLERANCE * (1 + self.items_in + self.items_out):
            return f"{self.node} part {self.part}: {abs(seconds):.6f} s {'vanished' if seconds > 0 else 'appeared'}"
        return ""
