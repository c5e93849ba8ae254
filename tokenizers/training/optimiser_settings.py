"""The optimiser of every tokenizer that is trained by gradients: settings alone, so that a recipe is checked without torch."""

from typing import Annotated

from pydantic import Field

from weft.schemas.settings import Settings

Beta = Annotated[float, Field(ge=0, lt=1)]


class AdamW(Settings):
    """`warmup` is the share of the steps in which the rate rises to `lr`; then it falls to nothing along a line. Gradients with a norm
    above `clip` are scaled down to it (0: never).
    """

    warmup: float = Field(default=0.1, gt=0, lt=1)
    betas: tuple[Beta, Beta] = (0.9, 0.98)
    weight_decay: float = Field(default=0.01, ge=0, le=1)
    clip: float = Field(default=1.0, ge=0, allow_inf_nan=False)
