"""How the embedded HuBERT is trained: settings alone, so that a recipe is checked without torch. hubert.py trains."""

from typing import Self

from pydantic import Field, model_validator

from weft.schemas.settings import Rate, Settings
from weft.tokenizers.training.optimiser_settings import AdamW


class HubertTraining(Settings):
    """How the embedded HuBERT is trained: on at most `seconds` of the corpus, in batches of `batch_seconds` cut into `crop_seconds`.

    First comes masked prediction, `iterations` times `steps`: of `clusters` of MFCCs in the first iteration, and of the features in the
    middle of the previous model in further ones. `mask` is the share of masked frames, `visible` the weight of the others in the loss.
    Then come `swaps` steps of swapped prediction with `prototypes`, from two augmented versions of each clip: a vocal tract longer or
    shorter by up to 1 + `warp`, frequencies shifted by `bend` mel bands (of 80), and in a share `noise` of the clips noise 13 to 43 dB
    below the speech. With a checkpoint none of this happens: its codebook is learnt from `codebook_frames`, evenly thinned.

    The defaults take 130 s of one CPU core for 14 minutes of speech (measured), and just under 180 s for `seconds` (estimated).
    """

    seconds: float = Field(default=1800, gt=0)
    iterations: int = Field(default=1, ge=1, le=4)
    steps: int = Field(default=250, ge=1)
    swaps: int = Field(default=60, ge=0)
    batch_seconds: float = Field(default=32, gt=0)
    crop_seconds: float = Field(default=4, gt=0)
    lr: Rate = 1e-3
    hidden: int = Field(default=256, ge=16, multiple_of=16)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    clusters: int = Field(default=200, ge=2)
    mask: float = Field(default=0.5, gt=0, lt=1)
    visible: float = Field(default=1.0, ge=0)
    prototypes: int = Field(default=200, ge=2)
    warp: float = Field(default=0.15, ge=0, lt=1)
    bend: float = Field(default=1.5, ge=0, le=5)
    noise: float = Field(default=0.25, ge=0, le=1)
    codebook_frames: int = Field(default=60_000, ge=2)
    adamw: AdamW = AdamW()

    @model_validator(mode="after")
    def _heads_share(self) -> Self:
        if self.hidden % self.heads:
            raise ValueError(f"`heads` {self.heads} cannot share `hidden` {self.hidden}")
        return self
