"""From a recipe to the work it takes: the parts of every node, what learns from them, and the samples of every task.

Pipeline(recipe).works({"speech": 12, "books": 3})    ->    PartWork("ingest/speech", part=0), …, AlignerWork(…), …
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weft.pipelines.compose import Compose
from weft.pipelines.learning import Learning
from weft.pipelines.parts.joining import RECORDING
from weft.pipelines.parts.stage_work import Input, PartWork
from weft.pipelines.tasks.base import Task
from weft.schemas.audio import Alignment, Codes, Utterance
from weft.schemas.passage import Passage
from weft.schemas.splits import Split
from weft.schemas.text import Dialogue, Document

if TYPE_CHECKING:
    from weft.pipelines.parts.work import Work


_GROUPS: dict[type, str] = {
    Dialogue: "dialogue",
    Passage: RECORDING,
}  # what rows of utterances are grouped by, by what a task takes


@dataclass(frozen=True)
class Pipeline(Learning):
    """A recipe with its backends and the work that it calls for."""

    def check(self) -> None:
        """Makes every backend and stage once."""
        _ = (
            self.text,
            self.tokenizers,
            self.streams,
            self.encoders,
            self.tasks,
            self.rewards,
            self.segmenter,
            self.align,
            self.synthesize,
            self.spaces,
        )
        for source in self.sources:
            self.nodes(source)

    def works(self, parts: dict[str, int]) -> list[Work]:
        """All work up to the first pass of every task; `parts` counts each source's listing parts."""
        works: list[Work] = []
        for source, count in parts.items():
            works += [
                PartWork(
                    node=node.name,
                    stage=node.stage,
                    part=part,
                    inputs=node.inputs,
                    models=node.models,
                    reading=self.recipe.reading,
                    stages_in_memory=self.recipe.stages_in_memory,
                )
                for node in self.nodes(source)
                for part in range(count)
            ]
        works += self.learning_works(parts)
        if self.tasks:
            works.append(self.vocabulary_work(parts))
            for task in self.tasks:
                works += self.compose(task, 0, parts)
            works += self.validation_works(parts)
        return works + self.hold_out_works(parts)

    def compose(self, name: str, pass_number: int, parts: dict[str, int], sources: Sequence[str] = ()) -> list[Work]:
        """The work of one task in one pass over its sources, or over those named."""
        task = self.tasks[name]
        stage = self._stage(name, pass_number, task.split)
        return self._composed(f"compose/{name}/pass-{pass_number}", stage, sources or task.sources, parts)

    def _stage(self, name: str, pass_number: int, split: Split) -> Compose:
        task, seed = self.tasks[name], self.recipe.seed
        audio = self.encoders.audio if "audio" in task.latents else None
        image = self.encoders.image if "image" in task.latents else None
        return Compose(
            name=name, task=task, pass_number=pass_number, seed=seed, split=split, context=self._room(name),
            encoder=audio, image_encoder=image,
        )  # fmt: skip

    def _room(self, task: str) -> int:
        """The most tokens of a sample that must not be cut: the smallest context of the stages that draw it; 0 for no limit."""
        if self.tasks[task].cut != "never":
            return 0
        return min((s.context for s in self.recipe.training.values() if task in s.mixture.tasks), default=0)

    @property
    def validation_nodes(self) -> tuple[tuple[str, str], ...]:
        """Each task that training draws, with each of its sources that may hold something out."""
        tasks = sorted({task for stage in self.recipe.training.values() for task in stage.mixture.tasks})
        trained = [task for task in tasks if self.tasks[task].split == "train"]
        return tuple((task, s) for task in trained for s in self.tasks[task].sources if self._may_hold_out(s))

    def validation_works(self, parts: dict[str, int]) -> list[Work]:
        """Samples to evaluate with."""
        works: list[Work] = []
        for name, source in self.validation_nodes:
            stage = self._stage(name, 0, "validation")
            works += self._composed(f"compose/{name}/validation", stage, (source,), parts)
        return works

    def _may_hold_out(self, source: str) -> bool:
        made = self.sources[source]
        return bool(self.splits(source).hold_out) or made.names_splits or made.unnamed_split == "validation"

    def _composed(self, node: str, stage: Compose, sources: Iterable[str], parts: dict[str, int]) -> list[Work]:
        works: list[Work] = []
        for source in sources:
            own = stage.model_copy(update={"missing": self.sources[source].on_missing})
            group = _GROUPS.get(stage.task.takes_of(self.sources[source].makes), "")
            inputs = self._inputs(stage.task, source)
            works += [
                PartWork(
                    node=f"{node}/{source}",
                    stage=own,
                    part=part,
                    inputs=inputs,
                    models=("vocabulary",),
                    reading=self.recipe.reading,
                    stages_in_memory=self.recipe.stages_in_memory,
                    group_by=group,
                )
                for part in range(parts[source])
            ]
        return works

    def _inputs(self, task: Task, source: str) -> tuple[Input, ...]:
        takes = task.takes_of(self.sources[source].makes)
        if takes is Document:
            return (Input(f"ingest/{source}", Document),)
        dialogues = [Input(f"synthesize/{source}", Dialogue)] if takes is Dialogue else []
        inputs = [*dialogues, Input(self.utterances(source), Utterance)]
        if task.aligned:
            inputs.append(Input(f"align/{source}", Alignment))
        inputs += [
            Input(f"{'merge' if name in self.streams else 'encode'}/{name}/{source}", Codes) for name in task.streams
        ]
        return tuple(inputs)

    def first_input(self, node: str) -> str:
        """The node that a compose node's items come from."""
        _, task, _, source = node.split("/")
        return self._inputs(self.tasks[task], source)[0].node
