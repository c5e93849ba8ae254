"""Checks a task against the sources, streams, encoders and vocabulary of its recipe.

check_task(backends, "words", task)     raises RecipeFault(("tasks", "words", "sources"), "'books' gives documents, this task takes …")
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from weft.pipelines.align import Align
from weft.pipelines.choices.recipe_faults import RecipeFault
from weft.pipelines.parts.splits import Splits
from weft.pipelines.segmenters.base import Segmenter
from weft.pipelines.sources.base import Source
from weft.pipelines.tasks.base import Task
from weft.schemas.audio import Utterance
from weft.schemas.facts import Facts
from weft.schemas.passage import Passage
from weft.schemas.recipe import Recipe
from weft.schemas.recipe_sections import StreamSettings
from weft.schemas.splits import Split
from weft.schemas.text import Dialogue, Document
from weft.tokenizers.base import SpeechTokenizer


class Chosen(Protocol):
    """What of a recipe's backends a task is checked against."""

    @property
    def recipe(self) -> Recipe: ...
    @property
    def sources(self) -> Mapping[str, Source]: ...
    @property
    def tokenizers(self) -> Mapping[str, SpeechTokenizer]: ...
    @property
    def streams(self) -> Mapping[str, StreamSettings]: ...
    @property
    def align(self) -> Align | None: ...
    @property
    def segmenter(self) -> Segmenter: ...
    def splits(self, source: str) -> Splits: ...


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


def check_task(backends: Chosen, name: str, task: Task) -> None:
    """Raises RecipeFault, by the key that is wrong, for a task that the recipe's backends cannot serve."""
    if task.aligned and not backends.align:
        raise RecipeFault(("tasks", name, "use"), "it needs words in time, and `align: {use: none}` puts none there")
    for stream in task.streams:
        if stream not in backends.tokenizers and stream not in backends.streams:
            wrong = f"{stream!r} is neither under `tokenizers:` nor under `streams:`"
            raise RecipeFault(("tasks", name, _key_with(backends, name, stream)), wrong)
    _has_encoders(backends, name, task)
    if missing := sorted(task.markers - backends.recipe.vocabulary.markers):
        entry = f'{{marker: {missing[0]}, literal: "[{missing[0].upper()}]"}}'
        wrong = f"task {name!r} writes the marker {missing[0]!r}, which is not in the list: add it, such as {entry}"
        raise RecipeFault(("vocabulary", "tokens"), wrong)
    for source in task.sources:
        makes = backends.sources[source].makes
        gives = _GIVES.get(makes, _OF_SOUND)
        if task.takes_of(makes) not in gives:
            wrong = f"{source!r} gives {_called(gives[0])}, this task takes {_called(task.takes)}"
            raise RecipeFault(("tasks", name, "sources"), wrong)
        if misfit := task.misfit(reliable(backends, backends.sources[source].facts), makes):
            raise RecipeFault(("tasks", name, "sources"), f"{source!r} {misfit}")
    _has_split(backends, name, task)


def reliable(backends: Chosen, facts: Facts) -> Facts:
    """The facts as far as tasks can rely on them: where the recipe transcribes, what has no transcript may get one; and where it cuts
    recordings that are as long as these may be, one may become several utterances.
    """
    if backends.recipe.transcribe:
        facts = replace(facts, has_text=None)
    segmenter = backends.segmenter
    is_cut = facts.longest is not None and facts.longest > segmenter.longest_labelled
    return replace(facts, most_utterances=None) if is_cut else facts


def _has_split(backends: Chosen, name: str, task: Task) -> None:
    """Raises RecipeFault for a task whose sources never give anything of the split that it draws."""
    if not any(_may_give(backends, source, task.split) for source in task.sources):
        named = " and ".join(map(repr, task.sources))
        wrong = f"nothing of {named} is of the split {task.split!r}, which this task draws: see `split` and `hold_out` of its sources"
        raise RecipeFault(("tasks", name, "split"), wrong)


def _may_give(backends: Chosen, source: str, split: Split) -> bool:
    made = backends.sources[source]
    own = made.unnamed_split or "train"
    is_held_out = split == "validation" and own == "train" and bool(backends.splits(source).hold_out)
    return made.names_splits or split == own or is_held_out


def _key_with(backends: Chosen, task: str, stream: str) -> str:
    """The setting of a task that names a stream."""
    settings = backends.recipe.tasks[task].settings
    return next((key for key, value in settings.items() if stream in _names(value)), "use")


def _has_encoders(backends: Chosen, name: str, task: Task) -> None:
    """Raises RecipeFault for a task with latents whose encoder or markers the recipe lacks."""
    sections = {"audio": ("encoder", "step_audio"), "image": ("image_encoder", "grid")}
    for kind in sorted(task.latents):
        section, example = sections[kind]
        if getattr(backends.recipe, section) is None:
            wrong = f"it says `{kind}`, whose placeholders an encoder counts: add `{section}: {{use: {example}}}`"
            raise RecipeFault(("tasks", name), f"{wrong} to the recipe")
    declared = {token.marker: token for token in backends.recipe.vocabulary.tokens if token.marker}
    for marker, kind in sorted(task.latent_markers):
        if marker not in declared:
            entry = f'{{marker: {marker}, literal: "<{marker.replace("-", "_")}>", modality: {kind}}}'
            wrong = f"task {name!r} writes the marker {marker!r}, which is not in the list: add it, such as {entry}"
            raise RecipeFault(("vocabulary", "tokens"), wrong)
        if declared[marker].modality != kind:
            wrong = f"task {name!r} writes the marker {marker!r} for latents: declare it with `modality: {kind}`"
            raise RecipeFault(("vocabulary", "tokens"), wrong)
