"""What a training stage learns from its samples, and the settings of that.

objective: {use: dpo, beta: 0.1, count: text}
objective: {use: grpo, prompts: 64, group: 8, rewards: [label, {use: length, least: 20, most: 200}], sampling: {new_tokens: 512}}
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from weft.schemas.choice import Choice
from weft.schemas.settings import Settings


class NextToken(Settings):
    """Cross entropy of the tokens that count in the loss."""

    takes: ClassVar[str] = "targets"

    use: Literal["next-token"] = "next-token"


class Dpo(Settings):
    """Direct preference optimisation on pairs, against the weights that the stage starts from.

    `count: text` leaves the audio tokens out of both log-probabilities (Step-Audio-AQAA's masked DPO); `all` counts every token of an
    answer. `beta` weighs the distance from the reference.
    """

    takes: ClassVar[str] = "pairs"

    use: Literal["dpo"]
    beta: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    count: Literal["text", "all"] = "text"


class RewardModel(Settings):
    """A reward model from pairs (Bradley-Terry): a score for a whole answer. Its stage is of use to the reward `learned` alone."""

    takes: ClassVar[str] = "pairs"

    use: Literal["reward"]


class Sampling(Settings):
    """How replies are sampled: at most `new_tokens`, at a `temperature`, from the likeliest tokens that together have `top_p`."""

    new_tokens: int = Field(default=256, ge=1)
    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    top_p: float = Field(default=1.0, gt=0, le=1)


class RewardChoice(Choice):
    """A reward by its name, with its own settings. Its score counts `weight` times in the sum."""

    weight: float = Field(default=1.0, gt=0, allow_inf_nan=False)


def _named(given: Any) -> Any:
    """A name alone is a reward without settings."""
    return {"use": given} if isinstance(given, str) else given


class OnPrompts(Settings):
    """Learning from the model's own replies to prompts. A step takes `prompts` of them. Each reply gets the weighted sum of the
    `rewards` (modules of `trainer/rewards/`). `kl` weighs the distance from the weights that the stage starts from, `clip` bounds the
    ratio of a token's probability to that when the reply was sampled, `epochs` are the updates on the replies of one step.
    """

    takes: ClassVar[str] = "prompts"

    prompts: int = Field(ge=1)
    rewards: tuple[Annotated[RewardChoice, BeforeValidator(_named)], ...] = Field(min_length=1)
    sampling: Sampling = Sampling()
    clip: float = Field(default=0.2, gt=0, lt=1)
    kl: float = Field(default=0.04, ge=0, allow_inf_nan=False)
    epochs: int = Field(default=1, ge=1)

    @property
    def reward_stages(self) -> dict[int, str]:
        """The stage that a reward names in its setting `stage`, by the place of the reward."""
        named = {place: reward.settings.get("stage") for place, reward in enumerate(self.rewards)}
        return {place: str(stage) for place, stage in named.items() if stage}


class Grpo(OnPrompts):
    """Group-relative policy optimisation: a reply is compared with the other `group` - 1 replies to its prompt."""

    use: Literal["grpo"]
    group: int = Field(default=8, ge=2)


class Ppo(OnPrompts):
    """Proximal policy optimisation: one reply a prompt is compared with what the critic, a network of its own, expected. `gamma` and
    `gae_lambda` are those of generalised advantage estimation. The critic's rate is that of the group `critic` in `trainable`.
    """

    use: Literal["ppo"]
    kl: float = Field(default=0.05, ge=0, allow_inf_nan=False)
    epochs: int = Field(default=2, ge=1)
    gamma: float = Field(default=1.0, gt=0, le=1)
    gae_lambda: float = Field(default=0.95, ge=0, le=1)


ObjectiveSettings = Annotated[NextToken | Dpo | RewardModel | Grpo | Ppo, Field(discriminator="use")]
