"""The evaluations of a run, a row for each stage, each merge and each network that a stage started from.

RUN/evaluation.jsonl
  {"name": "pretrain", "started_from": {"start of pretrain": 1.0}, "figures": {"text": {"nats": 51301.2, "tokens": 9120, …}, …}, …}
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from weft.schemas.disk import to_disk
from weft.trainer.evaluation.conditions import CONDITIONS
from weft.trainer.evaluation.measuring import ConditionLoss
from weft.trainer.evaluation.preferences import Preferred

NAME = "evaluation.jsonl"


@dataclass(frozen=True)
class EvaluationRow:
    """What a network gave on held-out samples.

    `started_from` are the rows that it began as, with their shares: one, or the parts of a merge. `made_from` is the fingerprint of the
    weights and of the samples. `figures` are sums by condition, `preferred` those of the held-out pairs. `metrics` are means of the
    stage's own objective over `metric_samples` held-out pairs or replies after its last step, by name: `accuracy` of preferences,
    `reward`. `metrics_before` are those before its first step, where they were measured.
    """

    name: str
    made_from: str
    started_from: dict[str, float] = field(default_factory=dict)
    figures: dict[str, ConditionLoss] = field(default_factory=dict)
    preferred: Preferred | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    metric_samples: int = 0
    metrics_before: dict[str, float] = field(default_factory=dict)

    def text_cost(self, rows: Mapping[str, "EvaluationRow"]) -> float | None:
        """How many nats a token of text the network lost to what it started from, of a merge to the weighted mean of its parts: above 0
        it is worse at text. None where one of them has no text or no row.
        """
        before = [(rows[name].figures.get("text"), share) for name, share in self.started_from.items() if name in rows]
        own = self.figures.get("text")
        if own is None or not before or len(before) < len(self.started_from):
            return None
        losses = [(figure.per_token, share) for figure, share in before if figure is not None]
        if len(losses) < len(before):
            return None
        return own.per_token - sum(loss * share for loss, share in losses) / sum(share for _, share in losses)

    def as_record(self, rows: Mapping[str, "EvaluationRow"]) -> dict[str, Any]:
        """As JSON, with what follows from the sums: nats a token, bits a second, and what the text cost."""
        figures = {
            name: {**asdict(figure), "nats_per_token": figure.per_token, "bits_per_second": figure.bits_per_second}
            for name, figure in self.figures.items()
        }
        return {**asdict(self), "figures": figures, "text_cost": self.text_cost(rows)}


def read(run: Path) -> dict[str, EvaluationRow]:
    """The rows by name, in order; none where nothing was evaluated. Raises ValueError for a file that is none of them."""
    file = run / NAME
    if not file.is_file():
        return {}
    try:
        rows = [_row(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    except (TypeError, KeyError, ValueError, AttributeError) as fault:
        raise ValueError(
            f"{file} is damaged or of another version of weft; remove it, and `weft train --resume` measures again"
        ) from fault
    return {row.name: row for row in rows}


def write(run: Path, rows: Sequence[EvaluationRow]) -> None:
    """Replaces the file, whole or not at all."""
    by_name = {row.name: row for row in rows}
    lines = (json.dumps(row.as_record(by_name), allow_nan=False) + "\n" for row in rows)
    scratch = run / f".{NAME}.tmp"
    scratch.write_text("".join(lines), encoding="utf-8")
    to_disk(scratch)
    os.replace(scratch, run / NAME)


def measured_conditions(rows: Iterable[EvaluationRow]) -> list[str]:
    """The conditions that any row has, in the order of CONDITIONS."""
    names = {name for row in rows for name in row.figures}
    return [name for name in CONDITIONS if name in names]


def _row(record: dict[str, Any]) -> EvaluationRow:
    names = ("nats", "tokens", "timed_nats", "seconds")
    figures = {name: ConditionLoss(**{key: sums[key] for key in names}) for name, sums in record["figures"].items()}
    keys = ("name", "made_from", "started_from", "metrics", "metric_samples")
    preferred = Preferred(**pairs) if (pairs := record.get("preferred")) else None
    before = record.get("metrics_before", {})
    return EvaluationRow(
        **{key: record[key] for key in keys}, figures=figures, preferred=preferred, metrics_before=before
    )
