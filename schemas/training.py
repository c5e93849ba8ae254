"""A training stage: its mixture, its model and its optimiser.

pretrain:
  mixture: {unit: tokens, total: 100e9, shares: {speech: 1, words: 1, text: 1}, exhausted: repeat, passes: 4}
  context: 4096
  optimiser: {lr: 3e-5, schedule: constant, batch_tokens: 1048576}
"""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from weft.schemas.mixture import Mixture
from weft.schemas.objectives import NextToken, ObjectiveSettings, OnPrompts, Ppo, RewardModel
from weft.schemas.settings import Rate, Settings

Group = Literal["lm", "embeddings", "head", "adaptor", "image-adaptor", "critic", "score"]


class ModelSettings(Settings):
    """The causal LM: a checkpoint (`base`: a folder or `hf://org/name`), a transformers `config` for a new model, or what an earlier
    stage or a merge ended with (`start`, its name).

    The embedding and the output head of a checkpoint and of a new model have a row for each token of the vocabulary.
    """

    base: str = ""
    config: dict[str, Any] = {}
    start: str = ""
    rope_theta: float | None = Field(default=None, gt=0)
    dtype: Literal["float32", "bfloat16"] = "float32"

    @model_validator(mode="after")
    def _one_start(self) -> "ModelSettings":
        if sum(map(bool, (self.base, self.config, self.start))) != 1:
            raise ValueError(
                "give one of `base` (a checkpoint), `config` (a transformers config with its model_type) and `start` (the stage or "
                "merge to go on from)"
            )
        return self

    @field_validator("config")
    @classmethod
    def _can_be_built(cls, config: dict[str, Any]) -> dict[str, Any]:
        if "vocab_size" in config:
            raise ValueError("leave `vocab_size` out of the model's config; it is that of the unified vocabulary")
        if not isinstance(config.get("max_position_embeddings") or 1, int):
            raise ValueError("`max_position_embeddings` of the model's config is a whole number of tokens")
        if config and "model_type" not in config:
            raise ValueError("the model's config needs a `model_type`, such as llama or qwen2")
        return config


class Optimiser(Settings):
    """AdamW. `batch_tokens` is the global batch, a multiple of the context (a stage of prompts has none: its objective says how many
    prompts a step takes); `steps` 0 trains to the end of the stream.

    The rate rises to `lr` over `warmup` steps and then is `constant`, or falls to `lr_end` along a `cosine` or a line (`linear`).
    """

    lr: Rate
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    lr_end: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    warmup: int = Field(default=0, ge=0)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.95)
    weight_decay: float = Field(default=0.1, ge=0, allow_inf_nan=False)
    clip: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    batch_tokens: int = Field(default=0, ge=0)
    steps: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _falls(self) -> "Optimiser":
        if self.schedule != "constant" and self.lr_end >= self.lr:
            raise ValueError(
                f"`lr_end` must be below `lr` with `schedule: {self.schedule}`; or leave the schedule constant"
            )
        return self


class ValidationSettings(Settings):
    """The loss on held-out data is measured after `every` steps, on at most `samples` of each task. The evaluation after each stage
    takes the largest `samples` of all stages.
    """

    every: int = Field(default=100, ge=1)
    samples: int = Field(default=256, ge=1)


class TrainingStage(Settings):
    """One stage of training: its data, its model, what it learns and how.

    `trainable` names the groups of weights that are trained, each with its rate (null: the optimiser's); all others stay as they are.
    Without it all are trained; encoders never are. A group's rate follows the optimiser's schedule in proportion.
    `forward_tokens` go through the model at once, and at least one block of the context: a larger batch takes several forwards. It
    bounds the memory and changes only the rounding. `device` is where the stage is trained; `auto` is a GPU where there is one.
    A checkpoint is written after `checkpoint_every` steps and the last one; the last `keep` of them stay.
    """

    mixture: Mixture
    context: int = Field(gt=1)
    model: ModelSettings
    optimiser: Optimiser
    trainable: dict[Group, Rate | None] = {}
    objective: ObjectiveSettings = NextToken()
    checkpoint_every: int = Field(default=100, ge=1)
    keep: int = Field(default=3, ge=1)
    validation: ValidationSettings = ValidationSettings()
    forward_tokens: int = Field(default=8192, ge=1)
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @field_validator("model")
    @classmethod
    def _attends_over_context(cls, model: ModelSettings, info: ValidationInfo) -> ModelSettings:
        longest, context = model.config.get("max_position_embeddings"), info.data.get("context", 0)
        if longest and longest < context:
            raise ValueError(
                f"the context is {context} tokens, but the model attends over {longest} at most: lower `context`, or raise "
                "`max_position_embeddings`"
            )
        return model

    @field_validator("optimiser")
    @classmethod
    def _whole_blocks(cls, optimiser: Optimiser, info: ValidationInfo) -> Optimiser:
        if optimiser.batch_tokens % info.data.get("context", 1):
            raise ValueError("`batch_tokens` must be a multiple of `context`")
        return optimiser

    @model_validator(mode="after")
    def _has_a_batch(self) -> "TrainingStage":
        on_prompts = isinstance(self.objective, OnPrompts)
        if on_prompts == bool(self.optimiser.batch_tokens):
            raise ValueError(
                "`batch_tokens` is left out where the objective learns from prompts: its `prompts` say how many a step takes"
                if on_prompts
                else "the `optimiser` needs `batch_tokens`, the tokens of a step, unless the `objective` learns from prompts"
            )
        return self

    @model_validator(mode="after")
    def _heads_are_trained(self) -> "TrainingStage":
        """The score of a reward model and PPO's critic are new, so they are of no use unless they are trained."""
        objectives: dict[Group, type] = {"critic": Ppo, "score": RewardModel}
        for group, objective in objectives.items():
            if isinstance(self.objective, objective) and self.trainable and group not in self.trainable:
                raise ValueError(
                    f"`trainable` leaves out `{group}`, which this `objective` trains: give it a rate, or null"
                )
            if group in self.trainable and not isinstance(self.objective, objective):
                raise ValueError(f"`trainable` names {group!r}, which a model with this `objective` does not have")
        return self

    @model_validator(mode="after")
    def _replies_fit(self) -> "TrainingStage":
        if isinstance(self.objective, OnPrompts) and self.objective.sampling.new_tokens >= self.context:
            new = self.objective.sampling.new_tokens
            raise ValueError(
                f"`sampling: new_tokens` ({new}) leaves no room for a prompt in a context of {self.context}"
            )
        return self
