"""What tokenizers that learn to recognise the transcript share: their training, their folder, and inference in batches and windows."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from weft.schemas.fingerprint import version_of
from weft.schemas.settings import NOT_IN_FINGERPRINT
from weft.tokenizers.base import SAMPLE_RATE, SpeechTokenizer
from weft.tokenizers.features.windows import Windowing
from weft.tokenizers.models import folder as folders
from weft.tokenizers.stream import Speech
from weft.tokenizers.training.recogniser_settings import Training

if TYPE_CHECKING:  # a recipe is checked without torch; whoever trains or encodes imports it
    import torch
    from torch import nn

    from weft.tokenizers.models.recogniser import Heard, Recogniser

PADDING = 0.02  # of a batch, at most


class Supervised(SpeechTokenizer):
    """A leaf gives `_bottleneck`, `_blocks`, and its codes. `batch` seconds are heard at once."""

    learns_from: ClassVar[tuple[str, ...]] = ("text",)

    batch: Annotated[float, NOT_IN_FINGERPRINT] = Field(default=60.0, gt=0)
    training: Training = Training()

    _model: "Recogniser | None" = PrivateAttr(None)
    _checksum: str = PrivateAttr("")

    @property
    def training_seconds(self) -> float:
        return self.training.seconds

    @property
    def batch_seconds(self) -> float:
        return 10 * self.batch  # so that there are clips of like length among them

    def train(self, speech: Sequence[Speech], folder: Path, seed: int) -> None:
        """Raises ValueError where nothing has a transcript. The same for the same speech in any order."""
        from weft.tokenizers.training.loop import seeded, unfinished
        from weft.tokenizers.training.recogniser import alphabet, lessons, teach

        usable = self._usable(speech)
        letters = alphabet(usable)
        given = lessons(usable, letters, self._hop, self.training.longest)
        with unfinished(folder, self.model_dump(mode="json"), seed, [one.name for one in usable]) as kept:
            with seeded(seed):
                model = self._fresh(letters)
            teach(model, given, self.training, seed, kept / "training")
            tables = self._tables(model, usable, seed)
            folders.save(folder, self, {**_prefixed("model", model.state_dict()), **tables}, {"letters": letters})
        self.load(folder)

    def load(self, folder: Path) -> None:
        tensors, known, self._checksum = folders.load(folder)
        folders.check_settings(folder, self, *self._untold)
        model = self._fresh(str(known.get("letters", "")))
        folders.fill(model, {n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")}, folder)
        self._hold(model, {n: t for n, t in tensors.items() if not n.startswith("model.")}, folder)

    def frames(self, n_samples: int) -> int:
        """Whole hops; a rest shorter than one is in no frame."""
        return n_samples // self._hop

    def version(self) -> str:
        name = type(self).__module__.rpartition(".")[2]
        return f"{name}-5+transformers-{version_of('transformers')}+torch-{version_of('torch')}"

    @property
    def checksum(self) -> str:
        return self._checksum

    def _tables(self, model: "Recogniser", speech: Sequence[Speech], seed: int) -> "dict[str, torch.Tensor]":
        """What is learned once the recogniser is."""
        return {}

    def _hold(self, model: "Recogniser", tables: "dict[str, torch.Tensor]", folder: Path) -> None:
        self._model = model

    def _ready(self) -> "Recogniser":
        if self._model is None:
            raise RuntimeError("this tokenizer has no model yet: call load(folder) first")
        return self._model

    @property
    def _untold(self) -> tuple[str, ...]:
        """Settings on which the ids depend though no tensor's shape does."""
        return ("training.heads",)

    @property
    @abstractmethod
    def _blocks(self) -> tuple[int, int]:
        """How many blocks there are before the bottleneck and after it."""

    @abstractmethod
    def _bottleneck(self) -> "nn.Module":
        """What states [batch, frames, width] pass."""

    @property
    def _hop(self) -> int:
        return round(SAMPLE_RATE / self.rate)

    def _fresh(self, letters: str) -> "Recogniser":
        from weft.tokenizers.models.recogniser import Recogniser, Shape

        shape = Shape(self._hop, self.training.width, self.training.heads, *self._blocks)
        return Recogniser(shape, self._bottleneck(), len(letters) + 1)

    def _heard(self, speech: Sequence[Speech], heard: "Heard") -> list[np.ndarray]:
        """What `heard` gives of mels and lengths, for each clip its own frames [frames, …]."""
        from weft.tokenizers.models.recogniser import Shape, in_frames

        reach = Shape(self._hop, 1, 1, self._blocks[0], 0).reach
        windowing = Windowing(self._hop, self.batch, PADDING, context=reach / self.rate)
        return windowing.frames([one.samples for one in speech], lambda rows: in_frames(rows, self._hop, heard))


def _prefixed(prefix: str, tensors: "dict[str, torch.Tensor]") -> "dict[str, torch.Tensor]":
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}
