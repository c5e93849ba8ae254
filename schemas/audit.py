"""The result of an audit: for each training stage and task, the declared shares and the realised ones.

TaskAudit(task="words", declared=0.333, realised=0.3333, samples=512, tokens=61240, seconds=1893.2, …)
"""

from dataclasses import dataclass

from weft.schemas.ledger import Unread


@dataclass(frozen=True, slots=True)
class TaskAudit:
    """One task of a stage. Shares, `off`, `worst` and `sample` are in the unit of the stage.

    `off` is realised minus declared at the end of the stream, `worst` the largest difference at any prefix, and `sample` the
    difference that the plan allows: one sample.
    """

    task: str
    declared: float
    realised: float
    samples: int
    tokens: int
    seconds: float
    token_share: float
    second_share: float
    off: float
    worst: float
    sample: float


@dataclass(frozen=True, slots=True)
class ShareAudit:
    """A node below a task: its share of its parent's draws, declared (or measured, then `rounded` to 2**-32) and realised.

    `worst` is the largest difference at any prefix of the parent's draws, `sample` the allowed one, both in the unit of the stage.
    """

    path: str
    level: str
    declared: float
    rounded: bool
    realised: float
    samples: int
    worst: float
    sample: float


@dataclass(frozen=True, slots=True)
class GroupAudit:
    """The part of a stream that is of one source, language, emotion (`happy 3`: with its level), speaker (`source/name`) or split
    (`kind`).
    """

    kind: str
    value: str
    samples: int
    tokens: int
    seconds: float
    token_share: float


@dataclass(frozen=True, slots=True)
class EpochAudit:
    """Passes of a task over a source, with those of the stages before; `skipped` samples were beyond a speaker's bound."""

    task: str
    source: str
    epochs: float
    skipped: int


@dataclass(frozen=True, slots=True)
class StageAudit:
    """One training stage's shards. `ended` says why the stream is shorter than `size`; "" where it is whole."""

    stage: str
    unit: str
    size: float
    draws: int
    shards: int
    bytes: int
    ended: str
    tasks: tuple[TaskAudit, ...]
    shares: tuple[ShareAudit, ...]
    groups: tuple[GroupAudit, ...]
    epochs: tuple[EpochAudit, ...]


@dataclass(frozen=True, slots=True)
class NodeAudit:
    """The ledger of one node, over all its parts."""

    node: str
    items_in: int
    items_made: int
    items_out: int
    items_rejected: int
    items_held: int
    seconds_in: float
    seconds_out: float
    seconds_rejected: float
    seconds_held: float


@dataclass(frozen=True, slots=True)
class RejectCount:
    """How often a stage rejected an item for a reason, and one example."""

    stage: str
    reason: str
    items: int
    seconds: float
    example: str


@dataclass(frozen=True, slots=True)
class LeakAudit:
    """How many keys, speakers or texts (`kind`) lie in two splits, and some of them."""

    kind: str
    names: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """The whole audit. `unread` are items that cannot be read now; `faults` are broken promises as sentences: with any, it fails."""

    corpus: str
    stages: tuple[StageAudit, ...]
    nodes: tuple[NodeAudit, ...]
    rejects: tuple[RejectCount, ...]
    leaks: tuple[LeakAudit, ...]
    unread: tuple[Unread, ...]
    faults: tuple[str, ...]
