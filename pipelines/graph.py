"""From a recipe to the work it takes: which stages each source goes through, and what each of them needs.

speech     list ─ ingest ─ segment ─ (transcribe) ─ (assess) ─┬─ align ────────────┐
                                                              └─ encode ─ (merge) ─┴─ compose
dialogues  list ─ ingest ─ synthesize ─ segment ─ …
books      list ─ ingest ─ compose
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from weft.pipelines.backends import Backends
from weft.pipelines.compose import Compose
from weft.pipelines.encode import Encode
from weft.pipelines.hold_out import HoldOutWork
from weft.pipelines.ingest import Ingest
from weft.pipelines.merge import Merge
from weft.pipelines.models.folders import ALIGNER
from weft.pipelines.models.model_work import AlignerWork, CopyWork, TokenizerWork
from weft.pipelines.models.vocabulary_work import VocabularyWork
from weft.pipelines.parts.joining import RECORDING
from weft.pipelines.parts.stage_work import Input, PartWork
from weft.pipelines.parts.tables import part_name
from weft.pipelines.segment import Segment
from weft.pipelines.stage import Stage
from weft.pipelines.tasks.base import Task
from weft.pipelines.turns import Turns
from weft.schemas.audio import Alignment, Codes, Utterance
from weft.schemas.item import Item
from weft.schemas.passage import Passage
from weft.schemas.resources import Resources
from weft.schemas.splits import Split
from weft.schemas.text import Dialogue, Document
from weft.schemas.vocabulary import Entry
from weft.tokenizers.models.folder import located

if TYPE_CHECKING:
    from weft.pipelines.parts.work import Work


_GROUPS: dict[type, str] = {
    Dialogue: "dialogue",
    Passage: RECORDING,
}  # what rows of utterances are grouped by, by what a task takes


@dataclass(frozen=True)
class Node:
    """One stage over one source: `name` is `stage/source`; `inputs` are the nodes that it reads, `models` the folders it loads."""

    name: str
    stage: Stage
    inputs: tuple[Input, ...]
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pipeline(Backends):
    """A recipe with its backends and the work that it calls for."""

    def nodes(self, source: str) -> list[Node]:
        """Everything between a source's listing and its samples, in the order of the work."""
        splits, kind = self.splits(source), self.sources[source].makes
        ingest = Ingest(source=self.sources[source], splits=splits)
        nodes = [Node(name=f"ingest/{source}", stage=ingest, inputs=(Input(f"list/{source}", Item),))]
        if kind is Document:
            return nodes
        for name, stage in self._to_utterances(source):
            nodes.append(Node(name=f"{name}/{source}", stage=stage, inputs=(_output(nodes[-1]),)))
        return nodes + self._from_utterances(source, _output(nodes[-1]))

    def _to_utterances(self, source: str) -> list[tuple[str, Stage]]:
        """The stages that make utterances, each from what the one before gives."""
        splits = self.splits(source)
        if self.sources[source].makes is Dialogue:
            chain: list[tuple[str, Stage | None]] = [("synthesize", self.synthesize), ("segment", Turns(splits=splits))]
        else:
            segment = Segment(segmenter=self.segmenter, splits=splits)
            chain = [("segment", segment), ("transcribe", self.transcribe)]
        return [(name, stage) for name, stage in (*chain, ("assess", self.assess)) if stage]

    def _from_utterances(self, source: str, utterances: Input) -> list[Node]:
        """Words in time and codes, where anything needs them."""
        nodes: list[Node] = []
        if self.align and self._is_aligned(source):
            models = (ALIGNER,) if self.align.aligner.training_seconds else ()
            nodes.append(Node(name=f"align/{source}", stage=self.align, inputs=(utterances,), models=models))
        for name, tokenizer in self.tokenizers.items():
            if self._is_encoded(source, name):
                encode = Encode(name=name, tokenizer=tokenizer)
                nodes.append(
                    Node(name=f"encode/{name}/{source}", stage=encode, inputs=(utterances,), models=(f"models/{name}",))
                )
        for name, stream in self.streams.items():
            if self._is_merged(source, name):
                codes = (Input(f"encode/{tokenizer}/{source}", Codes) for tokenizer in stream.of)
                merge = Merge(name=name, stream=stream)
                nodes.append(Node(name=f"merge/{name}/{source}", stage=merge, inputs=(utterances, *codes)))
        return nodes

    def _is_aligned(self, source: str) -> bool:
        """Whether anything needs the words of a source in time."""
        wanted = not self.tasks or any(t.aligned and source in t.sources for t in self.tasks.values())
        return self.align is not None and wanted

    def _is_encoded(self, source: str, tokenizer: str) -> bool:
        """Whether anything needs a source's codes of a tokenizer."""
        streams = {tokenizer, *(name for name, stream in self.streams.items() if tokenizer in stream.of)}
        return not self.tasks or any(source in t.sources and streams & set(t.streams) for t in self.tasks.values())

    def _is_merged(self, source: str, stream: str) -> bool:
        """Whether anything needs a source's codes of a merged stream."""
        return not self.tasks or any(source in t.sources and stream in t.streams for t in self.tasks.values())

    def utterances(self, source: str) -> str:
        """The node whose parts hold a source's utterances as they go on to alignment, encoding and tasks."""
        return [node.name for node in self.nodes(source) if node.stage.makes is Utterance][-1]

    def check(self) -> None:
        """Makes every backend and stage once."""
        _ = (
            self.text,
            self.tokenizers,
            self.streams,
            self.encoders,
            self.tasks,
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
                )
                for node in self.nodes(source)
                for part in range(count)
            ]
        works += self._aligner_work(parts)
        works += [self._tokenizer_work(name, parts) for name in self.tokenizers]
        if self.tasks:
            works.append(self._vocabulary_work(parts))
            for task in self.tasks:
                works += self.compose(task, 0, parts)
            works += self.validation_works(parts)
        return works + self._hold_out_works(parts)

    def _hold_out_works(self, parts: dict[str, int]) -> list[Work]:
        """Checks that run before any model learns from what they look at."""
        works: list[Work] = []
        for space in self.spaces:
            is_text = any(self.sources[s].makes is Document for s in space.splits)
            needs = tuple(part_name(self._read(s), p) for s in space.splits for p in range(parts.get(s, 0)))
            works += [HoldOutWork(space, needs, is_text)] if needs else []
        return works

    def _checks(self, sources: Iterable[str], parts: dict[str, int]) -> tuple[str, ...]:
        """What must have been found fair before anything learns from these sources."""
        held: list[HoldOutWork] = [work for work in self._hold_out_works(parts) if isinstance(work, HoldOutWork)]
        return tuple(work.makes for work in held if set(sources) & set(work.space.splits))

    def _read(self, source: str) -> str:
        """The node whose parts hold the records that have a split."""
        return f"ingest/{source}" if self.sources[source].makes is Document else f"segment/{source}"

    def _aligner_work(self, parts: dict[str, int]) -> list[Work]:
        """What learns from the sources that are aligned, or from those it names."""
        spoken = [s for s in parts if self.sources[s].makes is not Document and self._is_aligned(s)]
        if not spoken or not self.align or not self.align.aligner.training_seconds:
            return []
        among = [s for s in spoken if s in (self.recipe.align.sources or spoken)]
        needs = tuple(part_name(self.utterances(s), p) for s in among for p in range(parts[s]))
        return [
            AlignerWork(
                self.align.aligner,
                needs,
                self.recipe.seed,
                frozen=self.recipe.align.frozen,
                checks=self._checks(among, parts),
                reading=self.recipe.reading,
            )
        ]

    def _tokenizer_work(self, name: str, parts: dict[str, int]) -> Work:
        among = self.recipe.tokenizers[name].sources or tuple(parts)
        spoken = [s for s in among if self.sources[s].makes is not Document]
        tokenizer = self.tokenizers[name]
        learns = bool(tokenizer.training_seconds)  # or it would keep what encodes waiting for the last part
        needs = tuple(part_name(self.utterances(s), p) for s in spoken for p in range(parts[s])) if learns else ()
        if folder := self.recipe.tokenizers[name].folder:
            return CopyWork(name, tokenizer, self._taken(folder))
        # it is loaded in the end, where it encodes
        holds = Resources(gpus=tokenizer.resources.gpus)
        frozen = self.recipe.tokenizers[name].frozen
        checks, reading = self._checks(spoken, parts), self.recipe.reading
        return TokenizerWork(
            name=name,
            tokenizer=tokenizer,
            parts=needs,
            seed=self.recipe.seed,
            resources=holds,
            frozen=frozen,
            checks=checks,
            reading=reading,
        )

    def _taken(self, folder: str) -> str:
        return str(located(folder).absolute())

    def _vocabulary_work(self, parts: dict[str, int]) -> Work:
        layout = self.recipe.vocabulary
        among = self.recipe.text.sources or tuple(parts)
        nodes = {s: f"ingest/{s}" if self.sources[s].makes is Document else self.utterances(s) for s in among}
        needs = tuple(part_name(nodes[s], p) for s in among for p in range(parts[s])) if self.text.trains else ()
        codes = tuple(
            Entry(name=name, literal=tokenizer.literal, size=tokenizer.size, modality="speech")
            for name, tokenizer in self.tokenizers.items()
        )
        writes = any(task.writes_text for task in self.tasks.values())
        return VocabularyWork(
            text=self.text,
            layout=layout,
            codes=codes,
            parts=needs,
            frozen=self.recipe.text.frozen,
            checks=self._checks(among, parts),
            writes_text=writes,
        )

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
        return [
            PartWork(
                node=f"{node}/{source}",
                stage=stage,
                part=part,
                inputs=self._inputs(stage.task, source),
                models=("vocabulary",),
                group_by=_GROUPS.get(stage.task.takes_of(self.sources[source].makes), ""),
            )
            for source in sources
            for part in range(parts[source])
        ]

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


def _output(node: Node) -> Input:
    return Input(node.name, node.stage.makes)
