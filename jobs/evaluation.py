"""The evaluation of each stage and merge of a run, once it has ended: on the same held-out samples, in one table.

    evaluation = StageEvaluation(training)
    evaluation.after("pretrain")      measures what is missing up to this stage, and prints the table

What a stage started from has a row too: a new or base model is `start of STAGE`. A row whose weights and samples are unchanged is kept.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from weft.jobs.commands import console
from weft.jobs.evaluation_progress import progress
from weft.jobs.evaluation_tables import show_evaluation
from weft.jobs.shard_reading import shards_of
from weft.jobs.training_encoders import encoders_of, latents_of
from weft.pipelines.graph import Pipeline
from weft.pipelines.storage.store import Store
from weft.schemas.fingerprint import digest
from weft.schemas.objectives import RewardModel
from weft.schemas.plan import VALIDATION_STAGE
from weft.schemas.recipe import Recipe
from weft.schemas.training import TrainingStage
from weft.schemas.vocabulary import Vocabulary
from weft.trainer import losses, sums
from weft.trainer.checkpoint import base_fingerprint
from weft.trainer.evaluation import figure, record
from weft.trainer.evaluation.conditions import Contents
from weft.trainer.evaluation.held_out import HeldOut, HeldOutChoice, choose
from weft.trainer.evaluation.measuring import ConditionLoss, EvaluationSettings, measure
from weft.trainer.evaluation.preferences import Preferred, counted_in_pairs, preferred
from weft.trainer.evaluation.record import EvaluationRow
from weft.trainer.finite import Diverged
from weft.trainer.losses import ValidationRow
from weft.trainer.models.starting import starting
from weft.trainer.run_setup import device_of
from weft.trainer.runs import CHECKPOINTS, anew, ended, start_of


@dataclass(frozen=True)
class HeldOutSamples:
    """The samples that every network is measured on: those that give losses, and preference pairs, where there are any."""

    documents: HeldOut
    pairs: HeldOut | None

    @property
    def fingerprint(self) -> str:
        return digest([self.documents.fingerprint, self.pairs.fingerprint if self.pairs else ""])


@dataclass(frozen=True)
class Measured:
    """What a network gave on them. A reward model, which gives scores and no text, has nothing of it."""

    figures: dict[str, ConditionLoss] = field(default_factory=dict)
    preferred: Preferred | None = None


@dataclass(frozen=True)
class HeldOutCorpus:
    """The held-out samples of a corpus, and what it takes to measure a network on them."""

    pipeline: Pipeline
    store: Store

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.from_json(self.store.read("vocabulary/vocabulary.json").decode())

    @cached_property
    def measuring(self) -> EvaluationSettings:
        encoders = encoders_of(self.pipeline, self.store, latents_of(self.pipeline))
        return EvaluationSettings(contents=Contents.of(self.vocabulary), encoders=encoders)

    @contextmanager
    def samples(self) -> Iterator[HeldOutSamples | None]:
        """Those of all tasks that the recipe trains; None where there are none."""
        with shards_of(self.store, [VALIDATION_STAGE]) as (shards, open_tar):
            documents, pairs = (
                choose(shards / VALIDATION_STAGE, choice, open_tar) if choice.tasks else None
                for choice in (self._choice(pairs=False), self._choice(pairs=True))
            )
            yield HeldOutSamples(documents=documents, pairs=pairs) if documents else None

    def _choice(self, pairs: bool) -> HeldOutChoice:
        """Blocks of the smallest context; of pairs, which must not be cut, of the largest of the stages that learn from them."""
        every = self.pipeline.recipe.training.values()
        stages = [stage for stage in every if not pairs or stage.objective.takes == "pairs"]
        contexts = [stage.context for stage in stages]
        return HeldOutChoice(
            tasks=tuple(sorted({task for stage in stages for task in stage.mixture.tasks})),
            samples=max(stage.validation.samples for stage in every),
            context=max(contexts, default=0) if pairs else min(contexts),
            pairs=pairs,
        )

    def measured(self, name: str, held_out: HeldOutSamples, stage: TrainingStage, weights: Path | None) -> Measured:
        """Measures the network with `weights`, or the one that the stage starts with; shows progress. Raises ValueError."""
        if weights and isinstance(stage.objective, RewardModel):
            return Measured()
        recipe, how = self.pipeline.recipe, self.measuring.of(stage)
        network = starting(stage, self.vocabulary, recipe.seed, start=weights, encoders=how.encoders)
        network = network.to(device_of(stage))
        try:
            with progress(f"evaluation of {name}", held_out.documents.tokens) as report:
                figures = measure(network, held_out.documents, how, report)
        except Diverged as fault:
            raise ValueError(f"evaluation of {name}: {fault}{_remedy(weights)}") from None
        if held_out.pairs is None:
            return Measured(figures=figures)
        counted = counted_in_pairs(recipe, self.vocabulary)
        return Measured(figures=figures, preferred=preferred(network, held_out.pairs, counted, how))


def _remedy(weights: Path | None) -> str:
    """What helps where the loss of a stage's checkpoint is not finite; "" of a new or base model, and of a merge."""
    if weights is None or weights.parent.name != CHECKPOINTS:
        return ""
    return f"; lower the rate of that stage, then {anew(weights.parents[1])}"


def settings_of(recipe: Recipe, name: str) -> TrainingStage:
    """The settings of a stage; of a merge those of its first part."""
    return recipe.training[name] if name in recipe.training else settings_of(recipe, next(iter(recipe.merges[name])))


class StageEvaluation:
    """The evaluation of the stages of one run on the held-out samples of its corpus."""

    def __init__(self, corpus: HeldOutCorpus, run: Path) -> None:
        self.corpus, self.run, self.recipe = corpus, run, corpus.pipeline.recipe
        self._is_shown = False

    def after(self, name: str) -> None:
        """Measures the stage, and what it started from, where that was not done before; prints the table where something was measured.

        Raises ValueError where the file of evaluations is damaged, and where a loss is not finite.
        """
        with self.corpus.samples() as held_out:
            if held_out is None:
                return
            measured = [self._measure(row, held_out) for row in (*self._before(name), name)]
        self._is_shown = any(measured)
        if self._is_shown:
            self.show()

    def finish(self) -> None:
        """Prints the table, unless it is what was printed last."""
        if not self._is_shown:
            self.show()

    def show(self) -> None:
        if rows := record.read(self.run):
            show_evaluation(console, rows)

    def _before(self, name: str) -> list[str]:
        """The rows that the row `name` is compared with; "start of STAGE" is the network that a stage without `start` begins with."""
        return list(self.recipe.merges.get(name, {})) or [self.recipe.training[name].model.start or f"start of {name}"]

    def _measure(self, name: str, held_out: HeldOutSamples) -> bool:
        """Returns whether the row was missing or is of other weights or samples. A stage that has not ended has none."""
        stage = name.removeprefix("start of ")
        is_start = stage != name
        if not is_start and not ended(self.run, name):
            return False
        rows, settings = record.read(self.run), settings_of(self.recipe, stage)
        weights = None if is_start else start_of(self.run, name)
        made_from = digest([held_out.fingerprint, self.corpus.vocabulary.fingerprint, self._origin(settings, weights)])
        if name in rows and rows[name].made_from == made_from:
            return False
        measured = self.corpus.measured(name, held_out, settings, weights)
        rows[name] = EvaluationRow(
            name=name,
            made_from=made_from,
            started_from={} if is_start else self.recipe.merges.get(name) or dict.fromkeys(self._before(name), 1.0),
            figures=measured.figures,
            preferred=measured.preferred,
            **({} if is_start else _metrics(self.run / name)),
        )
        self._write(rows)
        return True

    def _origin(self, settings: TrainingStage, weights: Path | None) -> object:
        """What a network's weights follow from: the checksums of a checkpoint, or the settings of a new or base model, the seed and
        what the base holds.
        """
        if weights:
            return sums.weights(weights)
        model = settings.model
        return [model.model_dump(mode="json"), self.recipe.seed, base_fingerprint(model.base)]

    def _write(self, rows: dict[str, EvaluationRow]) -> None:
        """In the order of the recipe's stages, each after its start."""
        order = [row for stage in self.recipe.training_order for row in (f"start of {stage}", stage)]
        ordered = {name: rows[name] for name in order if name in rows}
        record.write(self.run, list(ordered.values()))
        figure.draw(self.run, list(ordered.values()))


def _metrics(stage: Path) -> dict[str, Any]:
    """The metrics of a row: the objective's on held-out samples after the last step, and before the first one, over all tasks."""
    rows = list(losses.read_validation(stage))
    last = [row for row in rows if row.step == rows[-1].step and row.metrics]
    return {
        "metrics": _means(last),
        "metric_samples": sum(row.tokens for row in last),
        "metrics_before": _means([row for row in rows if row.step == 0]),
    }


def _means(rows: Sequence[ValidationRow]) -> dict[str, float]:
    """Of each metric over the samples of all tasks."""
    samples = sum(row.tokens for row in rows)
    names = dict.fromkeys(name for row in rows for name in row.metrics)
    return {name: sum(row.metrics.get(name, 0.0) * row.tokens for row in rows) / samples for name in names}
