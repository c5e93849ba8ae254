"""From a recipe to the work it takes: which stages each source goes through, and what stands on what.

speech     list ─ ingest ─ segment ─ (transcribe) ─ (assess) ─┬─ align ──┐
                                                              └─ encode ─┴─ compose
dialogues  list ─ ingest ─ synthesize ─ segment ─ …
books      list ─ ingest ─ compose
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from weft.pipelines.align import ALIGNER, Align
from weft.pipelines.assess import Assess
from weft.pipelines.compose import Compose
from weft.pipelines.encode import Encode
from weft.pipelines.ingest import Ingest
from weft.pipelines.models.model_work import AlignerWork, CopyWork, TokenizerWork, VocabularyWork
from weft.pipelines.parts.hold_out import HoldOutWork, Space
from weft.pipelines.parts.splits import Splits
from weft.pipelines.parts.stage_work import Input, PartWork
from weft.pipelines.parts.tables import part_name
from weft.pipelines.registry import ChoiceError, make
from weft.pipelines.segment import Segment, Turns
from weft.pipelines.segmenters.base import Segmenter
from weft.pipelines.sources.base import Source
from weft.pipelines.stage import Stage
from weft.pipelines.synthesize import Synthesize
from weft.pipelines.tasks.base import Task
from weft.pipelines.transcribe import Transcribe
from weft.schemas.audio import Alignment, Units, Utterance
from weft.schemas.item import Item
from weft.schemas.recipe import Choice, Recipe, TokenizerChoice
from weft.schemas.resources import Resources
from weft.schemas.settings import Settings
from weft.schemas.splits import HoldOut
from weft.schemas.text import Dialogue, Document
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.models.card import read_card
from weft.tokenizers.models.folder import located, settings_of
from weft.tokenizers.text import TextTokenizer

if TYPE_CHECKING:
    from weft.pipelines.aligners.base import Aligner
    from weft.pipelines.mixing.work import Work

STAGES = (
    "ingest",
    "synthesize",
    "segment",
    "transcribe",
    "assess",
    "align",
    "encode",
    "compose",
)  # in the order of the work


class RecipeFault(ValueError):
    """A setting that no backend knows, or backends that do not fit; `path` leads to the key in the recipe."""

    def __init__(self, path: tuple[str, ...], message: str, kind: str = "") -> None:
        super().__init__(message)
        self.path, self.message, self.kind = path, message, kind


def chosen(folder: str, choice: Choice, *path: str, **given: object) -> object:
    """The backend a recipe chooses at `path`. Raises RecipeFault."""
    try:
        return make(folder, choice, **given)
    except ChoiceError as fault:
        raise RecipeFault((*path, *map(str, fault.path)), fault.message, fault.kind) from None


@dataclass(frozen=True)
class Pipeline:
    """A recipe with its backends made; building it checks every setting. Raises RecipeFault."""

    recipe: Recipe

    @cached_property
    def sources(self) -> dict[str, Source]:
        return {n: chosen("sources", c, "sources", n) for n, c in self.recipe.sources.items()}  # type: ignore[misc]

    @cached_property
    def tokenizers(self) -> dict[str, SpeechTokenizer]:
        return {n: self._speech_tokenizer(n) for n in self.recipe.tokenizers}

    def _speech_tokenizer(self, name: str) -> SpeechTokenizer:
        choice = self.recipe.tokenizers[name]
        made = chosen("tokenizers", choice, "tokenizers", name, **self._trained_with(name, choice))
        if not isinstance(made, SpeechTokenizer):
            use = self.recipe.tokenizers[name].use
            raise RecipeFault(("tokenizers", name, "use"), f"{use!r} is for text, not speech: put it under `text:`")
        return made

    def _trained_with(self, name: str, choice: TokenizerChoice) -> dict[str, Any]:
        """The settings of the folder that is taken, under those the recipe gives."""
        if not choice.folder:
            return {}
        try:
            folder = located(choice.folder)
            read_card(folder)
            return {**settings_of(folder), **choice.settings}
        except ValueError as fault:
            raise RecipeFault(("tokenizers", name, "folder"), str(fault)) from None

    @cached_property
    def tasks(self) -> dict[str, Task]:
        made: dict[str, Task] = {}
        for name, choice in self.recipe.tasks.items():
            given = {
                "sources": choice.sources,
                "split": choice.split,
                "tokenizer": choice.settings.get("tokenizer", next(iter(self.tokenizers), "")),
            }
            task = chosen("tasks", choice, "tasks", name, **given)
            assert isinstance(task, Task)
            self._fits(name, task)
            made[name] = task
        return made

    def _fits(self, name: str, task: Task) -> None:
        if "alignment" in task.needs and not self._align:
            raise RecipeFault(
                ("tasks", name, "use"), "it needs words in time, and `align: {use: none}` puts none there"
            )
        if "units" in task.needs and task.tokenizer not in self.tokenizers:
            wrong = (
                f"{task.tokenizer!r} is not under `tokenizers:`"
                if task.tokenizer
                else "no `tokenizers:` to take units from"
            )
            raise RecipeFault(("tasks", name, "tokenizer"), wrong)
        if missing := sorted(task.markers - set(self.recipe.vocabulary.markers)):
            wrong = f'task {name!r} writes the marker {missing[0]!r}: spell it, such as {missing[0]}: "[{missing[0]}]"'
            raise RecipeFault(("vocabulary", "markers"), wrong)
        for source in task.sources:
            gives = Document if self.sources[source].makes is Document else Utterance
            if gives is not task.takes:
                wrong = f"{source!r} gives {gives.__name__.lower()}s, this task takes {task.takes.__name__.lower()}s"
                raise RecipeFault(("tasks", name, "sources"), wrong)

    @cached_property
    def text(self) -> TextTokenizer:
        made = chosen("tokenizers", self.recipe.text, "text")
        if not isinstance(made, TextTokenizer):
            raise RecipeFault(("text", "use"), f"{self.recipe.text.use!r} is for speech: put it under `tokenizers:`")
        return made

    def stages(self, source: str) -> list[tuple[str, Stage, tuple[Input, ...], tuple[str, ...]]]:
        """Node, stage, inputs and models of everything between a source's listing and its samples."""
        kind = self.sources[source].makes
        nodes: list[tuple[str, Stage, tuple[Input, ...], tuple[str, ...]]] = []

        def add(node: str, stage: Stage, inputs: tuple[Input, ...], models: tuple[str, ...] = ()) -> Input:
            nodes.append((f"{node}/{source}", stage, inputs, models))
            return Input(f"{node}/{source}", stage.makes)

        splits = self.splits(source)
        last = add("ingest", Ingest(source=self.sources[source], splits=splits), (Input(f"list/{source}", Item),))
        if kind is Document:
            return nodes
        if kind is Dialogue:
            last = add("synthesize", self._synthesize, (last,))
        cut = Turns(splits=splits) if kind is Dialogue else Segment(segmenter=self._segmenter, splits=splits)
        last = add("segment", cut, (last,))
        if kind is not Dialogue and self._transcribe:
            last = add("transcribe", self._transcribe, (last,))
        if self._assess:
            last = add("assess", self._assess, (last,))
        if (align := self._align) and self._aligned(source):
            add("align", align, (last,), (ALIGNER,) if align.aligner.training_seconds else ())
        for name, tokenizer in self.tokenizers.items():
            if self._encoded(source, name):
                add(f"encode/{name}", Encode(name=name, tokenizer=tokenizer), (last,), (f"models/{name}",))
        return nodes

    @cached_property
    def _segmenter(self) -> Segmenter:
        made = chosen("segmenters", self.recipe.segment, "segment")
        assert isinstance(made, Segmenter)
        return made

    def splits(self, source: str) -> Splits:
        """How the records of a source get their split. Raises RecipeFault.

        Where words are only aligned, as by `weft align`, splits say nothing: the aligner learns from all that it aligns.
        """
        made = self.sources[source]
        if made.speakers in self.sources:
            raise RecipeFault(
                ("sources", source, "speakers"), f"{made.speakers!r} is the name of a source; choose another"
            )
        hold_out = self._shared_share(made.speakers) or made.hold_out
        shares = bool(made.speakers and hold_out and hold_out.kind == "speakers")
        return Splits(
            space=made.speakers if shares else source, default=made.unnamed_split, names=made.splits, hold_out=hold_out,
            shared=shares, all_train=not (self.recipe.tasks or self.recipe.tokenizers or hold_out),
        )  # fmt: skip

    def _shared_share(self, space: str) -> HoldOut | None:
        """The share of speakers that one source of a space holds out: it holds for all of them. Raises RecipeFault."""
        given = {n: s.hold_out for n, s in self.sources.items() if space and s.speakers == space and s.hold_out}
        shared = next((hold_out for hold_out in given.values() if hold_out.kind == "speakers"), None)
        for name, hold_out in given.items():
            if shared and hold_out != shared:
                wrong = f"sources that share the speakers {space!r} hold out the same share of them; give it once"
                raise RecipeFault(("sources", name, "hold_out"), wrong)
        return shared

    @cached_property
    def spaces(self) -> list[Space]:
        """The sources that hold something out, those together that share their speakers."""
        found: dict[tuple[str, bool], dict[str, Splits]] = {}
        for source in self.sources:
            splits = self.splits(source)
            if splits.hold_out:
                found.setdefault((splits.space, splits.shared), {})[source] = splits
        return [Space(splits) for splits in found.values()]

    @property
    def speaker_spaces(self) -> dict[str, str]:
        """Where each source's speakers are told apart by name. The roles of dialogues are not, unless a space is named."""
        return {n: s.speakers or n for n, s in self.sources.items() if s.speakers or s.makes is not Dialogue}

    def _aligned(self, source: str) -> bool:
        """Whether anything needs the words of a source in time."""
        wanted = not self.tasks or any("alignment" in t.needs and source in t.sources for t in self.tasks.values())
        return self._align is not None and wanted

    def _encoded(self, source: str, tokenizer: str) -> bool:
        """Whether anything needs a source's codes of a tokenizer."""
        return not self.tasks or any(source in t.sources and t.tokenizer == tokenizer for t in self.tasks.values())

    @cached_property
    def _align(self) -> Align | None:
        if self.recipe.align.use == "none":
            return None
        return Align(aligner=chosen("aligners", self.recipe.align, "align"))

    @property
    def aligner(self) -> Aligner | None:
        """What finds words in time, where something does."""
        return self._align.aligner if self._align else None

    @cached_property
    def _transcribe(self) -> Stage | None:
        if not self.recipe.transcribe:
            return None
        return Transcribe(transcriber=chosen("transcribers", self.recipe.transcribe, "transcribe"))

    @cached_property
    def _assess(self) -> Stage | None:
        return Assess(limits=self.recipe.quality) if self.recipe.quality is not None else None

    def utterances(self, source: str) -> str:
        """The node whose parts hold a source's utterances as they go on to alignment, encoding and tasks."""
        return [node for node, stage, _, _ in self.stages(source) if stage.makes is Utterance][-1]

    @cached_property
    def _synthesize(self) -> Stage:
        return Synthesize(voice=chosen("voices", self.recipe.synthesize, "synthesize"), seed=self.recipe.seed)

    def backends(self) -> list[Settings]:
        """Everything that may name a checkpoint; a tokenizer that is taken from a folder has its own there."""
        stages = [self._transcribe, self._align, self._synthesize]
        trained = [made for name, made in self.tokenizers.items() if not self.recipe.tokenizers[name].folder]
        return [self.text, self._segmenter, *trained, *filter(None, stages)]

    def check(self) -> None:
        """Makes every backend and stage once."""
        _ = self.text, self.tokenizers, self.tasks, self._segmenter, self._align, self._synthesize, self.spaces
        for source in self.sources:
            self.stages(source)

    def works(self, parts: dict[str, int]) -> list[Work]:
        """All work up to the first pass of every task; `parts` counts each source's listing parts."""
        works: list[Work] = []
        for source, count in parts.items():
            works += [
                PartWork(node, stage, part, inputs, models, self.recipe.reading)
                for node, stage, inputs, models in self.stages(source)
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
        spoken = [s for s in parts if self.sources[s].makes is not Document and self._aligned(s)]
        if not spoken or not self._align or not self._align.aligner.training_seconds:
            return []
        among = [s for s in spoken if s in (self.recipe.align.sources or spoken)]
        needs = tuple(part_name(self.utterances(s), p) for s in among for p in range(parts[s]))
        return [
            AlignerWork(
                self._align.aligner,
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
        return TokenizerWork(name, tokenizer, needs, self.recipe.seed, holds, frozen, checks, reading)

    def _taken(self, folder: str) -> str:
        return str(located(folder).absolute())

    def _vocabulary_work(self, parts: dict[str, int]) -> Work:
        layout = self.recipe.vocabulary
        among = self.recipe.text.sources or tuple(parts)
        nodes = {s: f"ingest/{s}" if self.sources[s].makes is Document else self.utterances(s) for s in among}
        needs = tuple(part_name(nodes[s], p) for s in among for p in range(parts[s])) if self.text.trains else ()
        books = tuple((n, t.literal, t.size) for n, t in self.tokenizers.items())
        writes = any(task.markers != {"speech"} for task in self.tasks.values())
        return VocabularyWork(
            self.text,
            layout,
            books,
            needs,
            frozen=self.recipe.text.frozen,
            checks=self._checks(among, parts),
            writes_text=writes,
        )

    def compose(self, name: str, pass_number: int, parts: dict[str, int], sources: Sequence[str] = ()) -> list[Work]:
        """The work of one task in one pass over its sources, or over those named."""
        task = self.tasks[name]
        stage = Compose(name=name, task=task, pass_number=pass_number, seed=self.recipe.seed, split=task.split)
        return self._composed(f"compose/{name}/pass-{pass_number}", stage, sources or task.sources, parts)

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
            stage = Compose(name=name, task=self.tasks[name], pass_number=0, seed=self.recipe.seed, split="validation")
            works += self._composed(f"compose/{name}/validation", stage, (source,), parts)
        return works

    def _may_hold_out(self, source: str) -> bool:
        made = self.sources[source]
        return bool(self.splits(source).hold_out) or made.names_splits or made.unnamed_split == "validation"

    def _composed(self, node: str, stage: Compose, sources: Iterable[str], parts: dict[str, int]) -> list[Work]:
        return [
            PartWork(f"{node}/{source}", stage, part, self._inputs(stage.task, source), ("vocabulary",))
            for source in sources
            for part in range(parts[source])
        ]

    def _inputs(self, task: Task, source: str) -> tuple[Input, ...]:
        if task.takes is Document:
            return (Input(f"ingest/{source}", Document),)
        inputs = [Input(self.utterances(source), Utterance)]
        if "alignment" in task.needs:
            inputs.append(Input(f"align/{source}", Alignment))
        if "units" in task.needs:
            inputs.append(Input(f"encode/{task.tokenizer}/{source}", Units))
        return tuple(inputs)

    def first_input(self, node: str) -> str:
        """The node that a compose node's items come from."""
        _, task, _, source = node.split("/")
        return self._inputs(self.tasks[task], source)[0].node
