"""The stages that each source goes through, as nodes, and what each of them reads.

speech     list ─ ingest ─ segment ─ (transcribe) ─ (assess) ─┬─ align
                                                              └─ encode ─ (merge)
dialogues  list ─ ingest ─ synthesize ─ segment ─ …
books      list ─ ingest
"""

from dataclasses import dataclass
from functools import cached_property

from weft.pipelines.choices.backends import Backends
from weft.pipelines.encode import Encode
from weft.pipelines.ingest import Ingest
from weft.pipelines.merge import Merge
from weft.pipelines.models.folders import ALIGNER
from weft.pipelines.parts.stage_work import Input
from weft.pipelines.segment import Segment
from weft.pipelines.stage import Stage
from weft.pipelines.turns import Turns
from weft.schemas.audio import Codes, Utterance
from weft.schemas.item import Item
from weft.schemas.text import Dialogue, Document


@dataclass(frozen=True)
class Node:
    """One stage over one source: `name` is `stage/source`; `inputs` are the nodes that it reads, `models` the folders it loads."""

    name: str
    stage: Stage
    inputs: tuple[Input, ...]
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class Nodes(Backends):
    """A recipe with its backends and the nodes of each of its sources."""

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
        return self._utterances[source]

    @cached_property
    def _utterances(self) -> dict[str, str]:
        """By source; each part of a node asks for it."""
        spoken = (source for source, made in self.sources.items() if made.makes is not Document)
        return {s: [node.name for node in self.nodes(s) if node.stage.makes is Utterance][-1] for s in spoken}


def _output(node: Node) -> Input:
    return Input(node.name, node.stage.makes)
