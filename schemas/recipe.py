"""The recipe: everything a corpus and its training are made of, in one strict YAML.

name: demo
sources:
  speech: {use: folder, path: raw}
tokenizers:
  hubert: {use: hubert, size: 100, rate: 25}
  pitch: {use: pitch}
streams:
  expressive: {merge: time, of: [pitch, hubert]}
tasks:
  words: {use: words, sources: [speech], text_words: [3, 6], speech_words: [3, 6]}
training:
  pretrain: {mixture: {…}, context: 512, model: {…}, optimiser: {…}}
"""

from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from weft.schemas.chat import ChatTemplate
from weft.schemas.choice import Choice as Choice  # those who read a recipe take it from here
from weft.schemas.mixture import Mixture
from weft.schemas.objectives import OnPrompts, RewardModel
from weft.schemas.plan import VALIDATION_STAGE
from weft.schemas.published import Published
from weft.schemas.quality import QualitySettings
from weft.schemas.reading import ReadSettings
from weft.schemas.recipe_sections import (
    ShardSettings,
    StreamSettings,
    TaskChoice,
    TokenizerChoice,
    TrainedChoice,
    VocabularySettings,
    check_name,
)
from weft.schemas.settings import Settings
from weft.schemas.training import TrainingStage


def _several(parts: dict[str, float]) -> dict[str, float]:
    if len(parts) < 2:
        raise ValueError(
            "a merge has two parts or more, such as {sft: 5, dpo: 1}; to go on from one stage, name it as `model: {start: sft}`"
        )
    return parts


MergeParts = Annotated[dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]], AfterValidator(_several)]


class Recipe(Settings):
    """A whole recipe; without tasks it goes as far as the alignment (none with `align: {use: none}`) and the tokenizers' codes.
    Names of sources, tokenizers, streams, tasks and stages are lower-case words of at most 16 letters. `revisions` says which commit a
    hub name must stand for. `encoder` and `image_encoder` count the placeholders of tasks that say `audio` (latent) or `image`.
    `published` holds what a paper prints, for `weft plan`. A worker keeps the last `stages_in_memory` stages with their models:
    with fewer it needs less memory and loads more often. `description` is the first line of `weft plan`.
    """

    name: str
    description: str = ""
    seed: int = Field(default=1, ge=0, lt=2**63)
    part_size: int = Field(default=1000, ge=1)
    stages_in_memory: int = Field(default=6, ge=1, le=1000)
    sources: dict[str, Choice] = Field(min_length=1)
    reading: ReadSettings = ReadSettings()
    segment: Choice = Choice(use="silero")
    transcribe: Choice | None = None
    quality: QualitySettings | None = None
    align: TrainedChoice = TrainedChoice(use="adapted")
    synthesize: Choice = Choice(use="espeak")
    tokenizers: dict[str, TokenizerChoice] = {}
    streams: dict[str, StreamSettings] = {}
    text: TrainedChoice = TrainedChoice(use="bpe")
    vocabulary: VocabularySettings = VocabularySettings()
    encoder: Choice | None = None
    image_encoder: Choice | None = None
    templates: dict[str, ChatTemplate] = {}
    tasks: dict[str, TaskChoice] = {}
    shards: ShardSettings = ShardSettings()
    revisions: dict[str, str] = {}
    training: dict[str, TrainingStage] = {}
    merges: dict[str, MergeParts] = {}
    published: Published = Published()

    @field_validator("segment", "align", "synthesize", "text", mode="before")
    @classmethod
    def _backend_by_default(cls, given: Any, info: ValidationInfo) -> Any:
        """Settings alone, such as `segment: {longest: 20}`, are those of the default backend."""
        default = cls.model_fields[str(info.field_name)].default.use
        return {"use": default, **given} if isinstance(given, dict) else given

    @field_validator("sources", "tokenizers", "streams", "templates", "tasks", "training", "merges")
    @classmethod
    def _plain_names(cls, named: dict[str, Any]) -> dict[str, Any]:
        for name in named:
            check_name(name)
        return named

    @model_validator(mode="after")
    def _names_meet(self) -> "Recipe":
        for task, choice in self.tasks.items():
            _refuse_undeclared(choice.sources, self.sources, f"tasks.{task}.sources")
        for tokenizer, trained in self.tokenizers.items():
            _refuse_undeclared(trained.sources, self.sources, f"tokenizers.{tokenizer}.sources")
        for stream, merged in self.streams.items():
            _refuse_undeclared(merged.of, self.tokenizers, f"streams.{stream}.of")
            if stream in self.tokenizers:
                raise ValueError(f"streams.{stream}: a tokenizer has that name, and is a stream of its own")
        for section, named in (("tokenizers", self.tokenizers), ("streams", self.streams)):
            if taken := sorted({"text", "audio", "image"} & set(named)):
                raise ValueError(f"{section}.{taken[0]}: a turn says `{taken[0]}` by that name; choose another")
        _refuse_undeclared(self.text.sources, self.sources, "text.sources")
        _refuse_undeclared(self.align.sources, self.sources, "align.sources")
        codes = [token.codes for token in self.vocabulary.tokens if token.codes]
        _refuse_undeclared(codes, self.tokenizers, "vocabulary.tokens")
        for stage, training in self.training.items():
            _refuse_undeclared(training.mixture.tasks, self.tasks, f"training.{stage}.mixture")
            self._shared_out(stage, training.mixture)
        return self

    def _shared_out(self, stage: str, mixture: Mixture) -> None:
        """Declared shares of sources name exactly those that the task draws from."""
        for task, share in mixture.tasks.items():
            named = next(shares for level, shares in share.levels if level == "source")
            if isinstance(named, dict) and set(named) != set(self.tasks[task].sources):
                wrong = f"training.{stage}.mixture: `by` shares {task!r} out over {', '.join(named)}"
                raise ValueError(f"{wrong}; it draws from {', '.join(self.tasks[task].sources)}")

    @model_validator(mode="after")
    def _stages_follow(self) -> "Recipe":
        if VALIDATION_STAGE in self.training:
            raise ValueError(f"training.{VALIDATION_STAGE}: that name is kept for what is held out; choose another")
        for stage, training in self.training.items():
            _refuse_undeclared(training.mixture.after, self.training, f"training.{stage}.mixture.after")
            self.before(stage)
        return self

    @model_validator(mode="after")
    def _starts_follow(self) -> "Recipe":
        if both := sorted(self.training.keys() & self.merges.keys()):
            raise ValueError(f"merges.{both[0]}: a training stage has that name; choose another")
        known = {**self.training, **self.merges}
        for name in known:
            where = f"merges.{name}" if name in self.merges else f"training.{name}.model.start"
            _refuse_undeclared(self.starts(name), known, where)
            if rewards := [start for start in self.starts(name) if self._is_reward_model(start)]:
                raise ValueError(f"{where}: stage {rewards[0]!r} is a reward model, which gives scores and no text")
            self._rewards_known(name)
        try:
            tuple(TopologicalSorter({name: self.needs(name) for name in known}).static_order())
        except CycleError as fault:
            circle = fault.args[1][::-1]  # each needs the next
            raise ValueError(f"{self._where_needed(*circle[:2])}: {' -> '.join(circle)} goes in a circle") from None
        return self

    def _where_needed(self, name: str, needed: str) -> str:
        """The key by which a stage or a merge needs another."""
        if name in self.merges:
            return f"merges.{name}"
        rewards = [place for place, stage in self._reward_stages(name).items() if stage == needed]
        return f"training.{name}." + (f"objective.rewards.{rewards[0]}.stage" if rewards else "model.start")

    def _is_reward_model(self, name: str) -> bool:
        return name in self.training and isinstance(self.training[name].objective, RewardModel)

    def _rewards_known(self, name: str) -> None:
        """Raises ValueError for a reward whose stage is not declared, or is no reward model."""
        for place, stage in self._reward_stages(name).items():
            where = f"training.{name}.objective.rewards.{place}.stage"
            _refuse_undeclared([stage], self.training, where)
            if not self._is_reward_model(stage):
                raise ValueError(
                    f"{where}: stage {stage!r} is no reward model; its objective would have to be {{use: reward}}"
                )

    def _reward_stages(self, name: str) -> dict[int, str]:
        objective = self.training[name].objective if name in self.training else None
        return objective.reward_stages if isinstance(objective, OnPrompts) else {}

    @property
    def training_order(self) -> tuple[str, ...]:
        """Every training stage and merge after those it needs, otherwise in the order of the recipe."""
        order: dict[str, None] = {}

        def visit(name: str) -> None:
            for needed in self.needs(name):
                visit(needed)
            order[name] = None

        for name in (*self.training, *self.merges):
            visit(name)
        return tuple(order)

    def starts(self, name: str) -> tuple[str, ...]:
        """The stages and merges whose weights a stage or a merge starts from; none for a checkpoint or a new model."""
        if name in self.merges:
            return tuple(self.merges[name])
        start = self.training[name].model.start
        return (start,) if start else ()

    def needs(self, name: str) -> tuple[str, ...]:
        """The stages and merges that must have ended: those that it starts from, and the reward models of its rewards."""
        return (*self.starts(name), *self._reward_stages(name).values())

    def before(self, stage: str) -> tuple[str, ...]:
        """All stages in whose data `stage` goes on, the earliest first. Raises ValueError where they go in a circle."""
        earliest_first: list[str] = []

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                raise ValueError(f"training.{stage}.mixture.after: {' -> '.join((*path, name))} goes in a circle")
            for earlier in self.training[name].mixture.after:
                visit(earlier, (*path, name))
                if earlier not in earliest_first:
                    earliest_first.append(earlier)

        visit(stage, ())
        return tuple(earliest_first)

    @property
    def stages_in_order(self) -> tuple[str, ...]:
        """Every training stage after those it goes on from."""
        return tuple(dict.fromkeys(name for stage in self.training for name in (*self.before(stage), stage)))


def _refuse_undeclared(names: Any, where: dict[str, Any], path: str) -> None:
    for name in names:
        if name not in where:
            raise ValueError(f"{path}: {name!r} is not declared; there are {', '.join(where)}")
