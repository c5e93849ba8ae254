"""What an audit found: for each training stage and task, what was declared and what is really there.

TaskAudit(task="words", declared=0.333, realised=0.3333, samples=512, tokens=61240, seconds=1893.2, …)
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskAudit:
    """One task of a stage. Shares are of the stage's unit; `off`, `worst` and `sample` count that unit.

    `off` is realised less declared at the end of the stream, `worst` the largest distance at any prefix, and
    `sample` the distance that the plan allows: one sample.
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
class StageAudit:
    """One training stage's shards."""

    stage: str
    unit: str
    size: float
    draws: int
    shards: int
    bytes: int
    tasks: tuple[TaskAudit, ...]


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
    """How often a stage gave a reason, and one example."""

    stage: str
    reason: str
    items: int
    seconds: float
    example: str


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything; `faults` are broken promises, in words, and an audit with one fails."""

    corpus: str
    stages: tuple[StageAudit, ...]
    nodes: tuple[NodeAudit, ...]
    rejects: tuple[RejectCount, ...]
    faults: tuple[str, ...]
