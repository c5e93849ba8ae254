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
from weft.pipelines.choices.recipe_faults import RecipeFault, chosen
from weft.pipelines.choices.recipe_splits import RecipeSplits
from weft.pipelines.choices.reward_checks import rewards_of
from weft.pipelines.choices.task_checks import check_task
from weft.pipelines.encoders.base import Encoder
from weft.pipelines.latents import Encoders
from weft.pipelines.parts.hold_out_work import Space
from weft.pipelines.parts.splits import Splits
from weft.pipelines.segmenters.base import Segmenter
from weft.pipelines.sources.base import Source
from weft.pipelines.stage import Stage
from weft.pipelines.synthesize import Synthesize
from weft.pipelines.tasks.base import SpokenTask, Task
from weft.pipelines.transcribe import Transcribe
from weft.schemas.recipe import Choice, Recipe
from weft.schemas.recipe_sections import StreamSettings, TaskChoice, TokenizerChoice
from weft.schemas.settings import Settings
from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.merging import check_groups
from weft.tokenizers.models.card import read_card
from weft.tokenizers.models.folder import located, settings_of
from weft.tokenizers.text import TextTokenizer

if TYPE_CHECKING:
    from weft.pipelines.aligners.base import Aligner


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
            check_task(self, name, task)
            made[name] = task
        return made

    @cached_property
    def rewards(self) -> dict[str, tuple[Any, ...]]:
        """What each training stage rewards replies for; nothing but in stages of prompts. Raises RecipeFault."""
        return {stage: rewards_of(self, stage) for stage in self.recipe.training}

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

    @cached_property
    def _splits(self) -> RecipeSplits:
        return RecipeSplits(recipe=self.recipe, sources=self.sources)

    def splits(self, source: str) -> Splits:
        """How the records of a source get their split. Raises RecipeFault."""
        return self._splits.of(source)

    @property
    def spaces(self) -> list[Space]:
        """The sources that hold something out, those together that share their speakers."""
        return self._splits.spaces

    @property
    def speaker_spaces(self) -> dict[str, str]:
        """Where each source's speakers are told apart by name."""
        return self._splits.speaker_spaces
