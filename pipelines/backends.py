"""The backends that a recipe chooses, made and checked against each other.

Backends(recipe).sources["read"]     ->  weft.pipelines.sources.folder.Source(path="raw", …)
Backends(recipe).tasks["words"]      ->  weft.pipelines.tasks.words.Task(text_words=(10, 30), …)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from weft.pipelines.align import Align
from weft.pipelines.assess import Assess
from weft.pipelines.encoders.base import Encoder
from weft.pipelines.hold_out import Space
from weft.pipelines.latents import Encoders
from weft.pipelines.parts.splits import Splits
from weft.pipelines.registry import ChoiceError, make
from weft.pipelines.segmenters.base import Segmenter
from weft.pipelines.sources.base import Source
from weft.pipelines.stage import Stage
from weft.pipelines.synthesize import Synthesize
from weft.pipelines.tasks.base import SpokenTask, Task
from weft.pipelines.transcribe import Transcribe
from weft.schemas.audio import Utterance
from weft.schemas.passage import Passage
from weft.schemas.recipe import Choice, Recipe, StreamSettings, TaskChoice, TokenizerChoice
from weft.schemas.settings import Settings
from weft.schemas.splits import HoldOut
from weft.schemas.text import Dialogue, Document
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.merging import check_groups
from weft.tokenizers.models.card import read_card
from weft.tokenizers.models.folder import located, settings_of
from weft.tokenizers.text import TextTokenizer

if TYPE_CHECKING:
    from weft.pipelines.aligners.base import Aligner


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


# what tasks can take from a source, by what it reads
_OF_SOUND: tuple[type, ...] = (Utterance, Passage)
_GIVES: dict[type, tuple[type, ...]] = {Dialogue: (Dialogue, *_OF_SOUND), Document: (Document,)}


def _called(record: type) -> str:
    """Records of a type, for a sentence."""
    return "whole recordings" if record is Passage else f"{record.__name__.lower()}s"


def _names(value: Any) -> set[str]:
    """All texts in a setting."""
    if isinstance(value, dict):
        value = list(value.values())
    return {value} if isinstance(value, str) else set().union(*map(_names, value)) if isinstance(value, list) else set()


@dataclass(frozen=True)
class Backends:
    """A recipe with its backends made; each is checked when it is first asked for. Raises RecipeFault."""

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
    def streams(self) -> dict[str, StreamSettings]:
        """The merged streams. Raises RecipeFault for groups that do not last equally long in each."""
        for name, stream in self.recipe.streams.items():
            tokenizers = [self.tokenizers[tokenizer] for tokenizer in stream.of]
            if stream.merge == "groups":
                self._check_groups(name, stream, tokenizers)
        return self.recipe.streams

    def tokens_a_second(self, stream: str) -> float:
        """Codes a second of a tokenizer or a merged stream, before equal neighbours are one."""
        names = self.streams[stream].of if stream in self.streams else (stream,)
        return sum(self.tokenizers[name].rate for name in names)

    def _check_groups(self, name: str, stream: StreamSettings, tokenizers: Sequence[SpeechTokenizer]) -> None:
        for tokenizer, used in zip(stream.of, tokenizers, strict=True):
            if used.dedup:
                wrong = f"groups need codes at a steady rate: set `dedup: false` of the tokenizer {tokenizer!r}"
                raise RecipeFault(("streams", name, "of"), wrong)
        try:
            check_groups([tokenizer.rate for tokenizer in tokenizers], stream.sizes)
        except ValueError as fault:
            raise RecipeFault(("streams", name, "sizes"), str(fault)) from None

    @cached_property
    def encoders(self) -> Encoders:
        """The audio and the image encoder, where the recipe has them."""
        audio, image = self.recipe.encoder, self.recipe.image_encoder
        return Encoders(
            audio=self._audio_encoder(audio) if audio else None,
            image=chosen("image_encoders", image, "image_encoder") if image else None,  # type: ignore[arg-type]
        )

    def _audio_encoder(self, choice: Choice) -> Encoder:
        made = chosen("encoders", choice, "encoder")
        assert isinstance(made, Encoder)
        try:
            made.use_tokenizers(self.tokenizers)
        except ValueError as fault:
            raise RecipeFault(("encoder", "tokenizer"), str(fault)) from None
        return made

    @cached_property
    def tasks(self) -> dict[str, Task]:
        made: dict[str, Task] = {}
        for name, choice in self.recipe.tasks.items():
            given = {"sources": choice.sources, "split": choice.split, **self._template(name, choice)}
            task = chosen("tasks", choice, "tasks", name, **given)
            assert isinstance(task, Task)
            if isinstance(task, SpokenTask) and not task.stream:
                task = task.model_copy(update={"stream": self._only_stream(name)})
            self._fits(name, task)
            made[name] = task
        return made

    def _template(self, task: str, choice: TaskChoice) -> dict[str, Any]:
        """The template that a task names; one may be written out in its place. Raises RecipeFault for one that is not declared."""
        name = choice.settings.get("template")
        if not isinstance(name, str):
            return {}
        if name not in self.recipe.templates:
            declared = ", ".join(self.recipe.templates) or "none"
            raise RecipeFault(("tasks", task, "template"), f"{name!r} is not under `templates:` (there: {declared})")
        return {"template": self.recipe.templates[name]}

    def _only_stream(self, task: str) -> str:
        """The stream that a task without one uses. Raises RecipeFault where there is none, or more than one."""
        names = sorted({*self.tokenizers, *self.streams})
        if len(names) != 1:
            wrong = f"name one of {', '.join(names)}" if names else "no `tokenizers:` to take codes from"
            raise RecipeFault(("tasks", task, "stream"), wrong)
        return names[0]

    def _fits(self, name: str, task: Task) -> None:
        if task.aligned and not self.align:
            raise RecipeFault(
                ("tasks", name, "use"), "it needs words in time, and `align: {use: none}` puts none there"
            )
        for stream in task.streams:
            if stream not in self.tokenizers and stream not in self.streams:
                wrong = f"{stream!r} is neither under `tokenizers:` nor under `streams:`"
                raise RecipeFault(("tasks", name, self._key_with(name, stream)), wrong)
        self._has_encoders(name, task)
        if missing := sorted(task.markers - self.recipe.vocabulary.markers):
            entry = f'{{marker: {missing[0]}, literal: "[{missing[0].upper()}]"}}'
            wrong = f"task {name!r} writes the marker {missing[0]!r}, which is not in the list: add it, such as {entry}"
            raise RecipeFault(("vocabulary", "tokens"), wrong)
        for source in task.sources:
            makes = self.sources[source].makes
            gives = _GIVES.get(makes, _OF_SOUND)
            if task.takes_of(makes) not in gives:
                wrong = f"{source!r} gives {_called(gives[0])}, this task takes {_called(task.takes)}"
                raise RecipeFault(("tasks", name, "sources"), wrong)
            self._has_fields(name, task, source)

    def _has_fields(self, name: str, task: Task, source: str) -> None:
        """Raises RecipeFault for a source whose records never have a field that the task needs."""
        given = self.sources[source].field_names
        if given is not None and (missing := sorted(task.fields - given)):
            has = f"its fields are {', '.join(sorted(given))}" if given else "its records have no fields"
            wrong = f"{source!r} never gives the field {missing[0]!r} ({has}), which this task needs"
            raise RecipeFault(("tasks", name, "sources"), wrong)

    def _key_with(self, task: str, stream: str) -> str:
        """The setting of a task that names a stream."""
        settings = self.recipe.tasks[task].settings
        return next((key for key, value in settings.items() if stream in _names(value)), "use")

    def _has_encoders(self, name: str, task: Task) -> None:
        """Raises RecipeFault for a task with latents whose encoder or markers the recipe lacks."""
        sections = {"audio": ("encoder", "step_audio"), "image": ("image_encoder", "grid")}
        for kind in sorted(task.latents):
            section, example = sections[kind]
            if getattr(self.recipe, section) is None:
                wrong = f"it says `{kind}`, whose placeholders an encoder counts: add `{section}: {{use: {example}}}`"
                raise RecipeFault(("tasks", name), f"{wrong} to the recipe")
        declared = {token.marker: token for token in self.recipe.vocabulary.tokens if token.marker}
        for marker, kind in sorted(task.latent_markers):
            if marker not in declared:
                entry = f'{{marker: {marker}, literal: "<{marker.replace("-", "_")}>", modality: {kind}}}'
                wrong = f"task {name!r} writes the marker {marker!r}, which is not in the list: add it, such as {entry}"
                raise RecipeFault(("vocabulary", "tokens"), wrong)
            if declared[marker].modality != kind:
                wrong = f"task {name!r} writes the marker {marker!r} for latents: declare it with `modality: {kind}`"
                raise RecipeFault(("vocabulary", "tokens"), wrong)

    @cached_property
    def text(self) -> TextTokenizer:
        made = chosen("tokenizers", self.recipe.text, "text")
        if not isinstance(made, TextTokenizer):
            raise RecipeFault(("text", "use"), f"{self.recipe.text.use!r} is for speech: put it under `tokenizers:`")
        return made

    @cached_property
    def segmenter(self) -> Segmenter:
        made = chosen("segmenters", self.recipe.segment, "segment")
        assert isinstance(made, Segmenter)
        return made

    @cached_property
    def align(self) -> Align | None:
        if self.recipe.align.use == "none":
            return None
        return Align(aligner=chosen("aligners", self.recipe.align, "align"))

    @property
    def aligner(self) -> Aligner | None:
        """What finds words in time, where something does."""
        return self.align.aligner if self.align else None

    @cached_property
    def transcribe(self) -> Transcribe | None:
        if not self.recipe.transcribe:
            return None
        return Transcribe(transcriber=chosen("transcribers", self.recipe.transcribe, "transcribe"))

    @cached_property
    def assess(self) -> Stage | None:
        return Assess(limits=self.recipe.quality) if self.recipe.quality is not None else None

    @cached_property
    def synthesize(self) -> Synthesize:
        return Synthesize(voice=chosen("voices", self.recipe.synthesize, "synthesize"), seed=self.recipe.seed)

    @property
    def single_backends(self) -> dict[str, Settings]:
        """The backends of sections that choose one, by the section."""
        backends: dict[str, Settings] = {
            "segment": self.segmenter,
            "synthesize": self.synthesize.voice,
            "text": self.text,
        }
        if self.align:
            backends["align"] = self.align.aligner
        if self.transcribe:
            backends["transcribe"] = self.transcribe.transcriber
        return backends

    def with_checkpoints(self) -> list[Settings]:
        """Everything that may name a checkpoint; a tokenizer that is taken from a folder has its own there."""
        stages = [self.transcribe, self.align, self.synthesize]
        trained = [made for name, made in self.tokenizers.items() if not self.recipe.tokenizers[name].folder]
        return [self.text, self.segmenter, *trained, *filter(None, stages)]

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
