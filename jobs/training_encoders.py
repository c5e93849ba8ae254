"""The encoders of a recipe as the trainer takes them: loaded, with the width of their frames.

encoders_of(pipeline, store)      {"audio": LoadedEncoder(width=96, encoder=…)}
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from weft.pipelines.encoders.base import SAMPLE_RATE, Encoder
from weft.pipelines.graph import Pipeline
from weft.pipelines.image_encoders.base import ImageEncoder
from weft.pipelines.models.folders import verified_folder
from weft.pipelines.storage.store import Store
from weft.schemas.faults import RecipeError
from weft.schemas.vocabulary import Modality


@dataclass(frozen=True)
class LoadedEncoder:
    """A frozen encoder, loaded; `width` is that of its frames (F, width) float32."""

    width: int
    encoder: Encoder | ImageEncoder

    @property
    def stride(self) -> int:
        return self.encoder.stride

    @property
    def checksum(self) -> str:
        return self.encoder.checksum

    def inputs(self, member: np.ndarray, /) -> Any:
        return self.encoder.inputs(member)

    def encode(self, member: Any, /) -> np.ndarray:
        return self.encoder.encode(member)

    def encode_all(self, members: Sequence[Any], /) -> list[np.ndarray]:
        return self.encoder.encode_all(members)


def encoders_of(pipeline: Pipeline, store: Store, modalities: frozenset[Modality]) -> dict[Modality, LoadedEncoder]:
    """Those of the modalities, which the recipe has. Raises RecipeError for an encoder without a network."""
    found: dict[Modality, LoadedEncoder] = {}
    try:
        if "audio" in modalities and (audio := pipeline.encoders.audio):
            audio.load(lambda name: verified_folder(store, name))
            found["audio"] = _loaded(audio, np.zeros(SAMPLE_RATE, np.float32))
        if "image" in modalities and (image := pipeline.encoders.image):
            image.load()
            found["image"] = _loaded(image, np.zeros((8, 8, 3), np.uint8))
    except ValueError as fault:
        raise RecipeError(str(fault)) from None
    return found


def latents_of(pipeline: Pipeline) -> frozenset[Modality]:
    """The latents of any task that a stage trains: so all stages have the same adaptors."""
    tasks = {task for stage in pipeline.recipe.training.values() for task in stage.mixture.tasks}
    return frozenset().union(*(pipeline.tasks[task].latents for task in tasks))


def _loaded(encoder: Encoder | ImageEncoder, example: np.ndarray) -> LoadedEncoder:
    return LoadedEncoder(width=encoder.encode(example).shape[1], encoder=encoder)
