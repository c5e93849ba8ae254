"""The plan of one training stage: which leaf of the mixture each draw comes from, and which tar holds it.

    order/words/pass-0/speech.parquet   Ordered(part=3, row=203, group=0, bucket=0, tokens=143, …)   a node's samples in their order
    plan/pretrain.parquet               a leaf's number per draw, in the order of the stream
    plan/pretrain-tree.parquet          MixtureNode("words", "source", "speech", share=2, whole=3, …)
    plan/pretrain-leaves.parquet        Leaf(task="words", source="speech", samples=998, …)
    plan/pretrain-tars.parquet          Tar(name="train-words~speech-0-00000-00.tar", leaf=0, rows=(0, 1, 2, …), …)
    plan/pretrain.json                  what was drawn, why it ended, and the files' checksums; written last

The samples of a task, pass and source have one order, which follows from their keys. A leaf draws them in this order: all of them, or
those of its language and emotion where `by` names these. A tar holds consecutive samples of one leaf.
"""

import json
import re
from dataclasses import asdict, dataclass
from typing import Annotated

import pyarrow as pa

from weft.schemas.fingerprint import digest, hash64

VALIDATION_STAGE = "validation"  # the name of the held-out stream among the stages
# each has a folder of tars of its own, in which all samples have the same members
MEMBER_SETS = ("", "flac", "png", "flac-png")
VALIDATION = -1  # the number of the pass over held-out data
Int32 = Annotated[int, pa.int32()]
Text = Annotated[str, pa.dictionary(pa.int32(), pa.string())]


@dataclass(frozen=True, slots=True)
class Ordered:
    """A composed sample in the order of its node: row `row` of part `part`.

    `group` is the group of parts it was shuffled with, `bucket` its tar of that group; `digest` is that of its bytes in a tar, `bytes`
    of them. `repeat` counts the samples of its key that come before it, and is added to that key. `speaker` is the
    name in its space, `people/s1`; "" where nobody is named. `members` is one of `MEMBER_SETS`: what it has besides JSON and ids.
    """

    part: Int32
    row: Int32
    repeat: Int32
    group: Int32
    bucket: Int32
    digest: int
    tokens: Int32
    microseconds: int
    bytes: Int32
    language: Text
    emotion: Text
    speaker: Text
    members: Text


@dataclass(frozen=True, slots=True)
class HeldAmounts:
    """Amounts of a composed node in one language and emotion; `longest_*` are those of its longest sample."""

    language: str
    emotion: str
    samples: int
    tokens: int
    microseconds: int
    longest_tokens: int
    longest_microseconds: int

    def amount(self, unit: str) -> int:
        """The cost of all samples in whole units of the mixture."""
        return {"seconds": self.microseconds, "samples": self.samples, "weights": self.samples}.get(unit, self.tokens)

    def longest(self, unit: str) -> int:
        return {"seconds": self.longest_microseconds, "samples": 1, "weights": 1}.get(unit, self.longest_tokens)


@dataclass(frozen=True, slots=True)
class MixtureNode:
    """A node of the mixture: it has `share` of `whole` of its parent's draws. `path` is its place in the tree (`words/speech/en`).

    `rounded`: the share was measured, or has too many digits, and is a multiple of 2**-32. `leaf` is the number of the leaf at this
    node; -1 where other nodes lie below.
    """

    number: Int32
    parent: Int32
    level: str
    value: str
    path: str
    share: int
    whole: int
    rounded: bool
    leaf: Int32 = -1


@dataclass(frozen=True, slots=True)
class Leaf:
    """Samples of one task and source (and language and emotion, where `by` names them), and how many of them the plan draws.

    Its draws end before row `end_row` of pass `end_pass` of its node's order. `held` counts the samples of its first pass,
    `skipped` those beyond a speaker's bound. `longest` is the greatest cost of a sample in whole units, drawn or next in turn.
    """

    number: Int32
    task: str
    source: str
    language: str
    emotion: str
    by: tuple[str, ...]
    held: int = 0
    samples: int = 0
    skipped: int = 0
    longest: int = 0
    end_pass: Int32 = 0
    end_row: Int32 = 0

    @property
    def label(self) -> str:
        """`words~speech~en`, for names of files. Values with other characters than letters and digits are replaced by their hash."""
        values = [getattr(self, level) for level in self.by if level != "source"]
        return "~".join([self.task, self.source, *map(_spelt, values)])


def _spelt(value: str) -> str:
    plain = re.sub(r"[^a-z0-9]", "", value)[:16]
    return plain if plain == value and value else f"{plain}{hash64('label', value) >> 40:06x}"


def node_of(task: str, pass_number: int, source: str) -> str:
    """The composed node of one task, pass and source."""
    return f"compose/{task}/{'validation' if pass_number == VALIDATION else f'pass-{pass_number}'}/{source}"


def order_name(node: str) -> str:
    """Where the order of a composed node lies."""
    return node.replace("compose/", "order/", 1) + ".parquet"


def held_name(node: str) -> str:
    """Where the counts of a composed node lie."""
    return node.replace("compose/", "order/", 1) + "-held.parquet"


@dataclass(frozen=True, slots=True)
class Tar:
    """A tar of a stage: `rows` of the order of its leaf's node in one pass, all of one group and bucket, ascending.

    `parts` are those of the node that hold them. `name` begins with the folder of its member set, where that has one.
    """

    number: Int32
    name: str
    leaf: Int32
    task: str
    source: str
    pass_number: Int32
    group: Int32
    bucket: Int32
    samples: Int32
    parts: tuple[Int32, ...]
    rows: tuple[Int32, ...] = ()

    @property
    def node(self) -> str:
        return node_of(self.task, self.pass_number, self.source)


@dataclass(frozen=True, slots=True)
class Summary:
    """`plan/<stage>.json`: the declared size and the drawn one in whole units, and why the stream is shorter."""

    fingerprint: str
    unit: str
    size: int
    drawn: int
    draws: int
    ended: str
    files: dict[str, str]
    made_from: dict[str, str]

    def to_json(self) -> str:
        """The summary as JSON, with a digest of its contents."""
        record = asdict(self)
        return json.dumps({**record, "digest": digest(record)}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Summary":
        """Raises ValueError for a text that is not as `to_json` wrote it."""
        record = json.loads(text)
        if not isinstance(record, dict) or record.pop("digest", "") != digest(record):
            raise ValueError("it is not as it was written")
        summary = cls(**record)
        if summary.to_json() != text:
            raise ValueError("it is not as it was written")
        return summary
