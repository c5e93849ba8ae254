"""How a recogniser is trained: settings alone, so that a recipe is checked without torch. recogniser.py trains."""

from typing import Self

from pydantic import Field, model_validator

from weft.schemas.settings import Rate, Settings
from weft.tokenizers.training.optimiser_settings import AdamW


class RecogniserTraining(Settings):
    """On at most `seconds` of the corpus, in batches of `batch_seconds`. Clips over `longest` seconds are left out.

    `sound` is the weight of predicting the log-mels beside CTC: with CTC alone most frames get the same code, the more so the less
    speech there is.
    """

    seconds: float = Field(default=3600, gt=0)
    steps: int = Field(default=600, ge=1)
    batch_seconds: float = Field(default=60, gt=0)
    longest: float = Field(default=30, gt=0)
    lr: Rate = 2e-3
    width: int = Field(default=192, ge=16)
    heads: int = Field(default=4, ge=1)
    layers: int = Field(default=4, ge=2)
    sound: float = Field(default=1.0, ge=0)
    adamw: AdamW = AdamW()

    @model_validator(mode="after")
    def _heads_share(self) -> Self:
        if self.width % (2 * self.heads):
            raise ValueError(f"`heads` {self.heads} cannot share `width` {self.width}: an even part each")
        return self
