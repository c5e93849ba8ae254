"""What a training stage learns from its samples, and the settings of that.

objective: {use: dpo, beta: 0.1, count: text}
"""

from typing import Annotated, Literal

from pydantic import Field

from weft.schemas.settings import Settings


class NextToken(Settings):
    """Cross entropy of the tokens that count in the loss."""

    use: Literal["next-token"] = "next-token"


class Dpo(Settings):
    """Direct preference optimisation on pairs, against the weights that the stage starts from.

    `count: text` leaves the audio tokens out of both log-probabilities (Step-Audio-AQAA's masked DPO); `all` counts every token of an
    answer. `beta` weighs the distance from the reference.
    """

    use: Literal["dpo"]
    beta: float = Field(default=0.1, gt=0, allow_inf_nan=False)
    count: Literal["text", "all"] = "text"


ObjectiveSettings = Annotated[NextToken | Dpo, Field(discriminator="use")]
