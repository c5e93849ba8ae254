"""What tokenizers share that learn from transcripts by speech recognition: training, and inference in batches and windows."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from weft.schemas.fingerprint import version_of
from weft.schemas.settings import NOT_IN_FINGERPRINT
from weft.tokenizers.base import SAMPLE_RATE
from weft.tokenizers.features.windows import Windowing
from weft.tokenizers.models.folder import fill
from weft.tokenizers.models.learned import Learned, prefixed
from weft.tokenizers.models.trained import TrainedTokenizer
from weft.tokenizers.stream import Speech
from weft.tokenizers.training.recogniser_settings import RecogniserTraining

if TYPE_CHECKING:  # a recipe is checked without torch; whoever trains or encodes imports it
    import torch
    from torch import nn

    from weft.tokenizers.models.recogniser import LogMelForward, Recogniser, RecogniserShape
    from weft.tokenizers.training.loop import ResumableRun

PADDING = 0.02  # of a batch, at most


class Supervised(TrainedTokenizer):
    """A backend gives `_bottleneck`, `_blocks`, and its codes. `batch` seconds of audio are encoded at once."""

    learns_from: ClassVar[tuple[str, ...]] = ("text",)

    batch: Annotated[float, NOT_IN_FINGERPRINT] = Field(default=60.0, gt=0)
    training: RecogniserTraining = RecogniserTraining()

    _model: "Recogniser | None" = PrivateAttr(None)

    @property
    def training_seconds(self) -> float:
        return self.training.seconds

    @property
    def batch_seconds(self) -> float:
        return 10 * self.batch  # enough to find clips of similar length

    def _learn(self, speech: Sequence[Speech], run: "ResumableRun") -> Learned:
        """Raises ValueError where no clip has a transcript."""
        from weft.tokenizers.training.loop import seeded
        from weft.tokenizers.training.recogniser import alphabet, lessons_of, train

        letters = alphabet(speech)
        lessons = lessons_of(speech, letters, self._hop, self.training.longest)
        with seeded(run.seed):
            model = self._new_model(letters)
        train(model, lessons, self.training, run)
        tensors = {**prefixed("model", model.state_dict()), **self._tables(model, speech, run.seed)}
        return Learned(tensors=tensors, facts={"letters": letters})

    def _use(self, learned: Learned, folder: Path) -> None:
        self._model = self._new_model(str(learned.facts.get("letters", "")))
        fill(self._model, learned.part("model"), folder)

    @property
    def _decisive_settings(self) -> tuple[str, ...]:
        return ("training.heads",)

    def frames(self, n_samples: int) -> int:
        """Whole hops; a shorter remainder has no frame."""
        return n_samples // self._hop

    def version(self) -> str:
        name = type(self).__module__.rpartition(".")[2]
        return f"{name}-6+transformers-{version_of('transformers')}+torch-{version_of('torch')}"

    def _tables(self, model: "Recogniser", speech: Sequence[Speech], seed: int) -> "dict[str, torch.Tensor]":
        """Further tensors that are learned with the trained model."""
        return {}

    def _ready(self) -> "Recogniser":
        if self._model is None:
            raise RuntimeError("this tokenizer has no model yet: call load(folder) first")
        return self._model

    def features(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The states before the bottleneck for each clip, float32 [frames, width]."""
        return self._infer([Speech(samples=clip) for clip in clips], self._ready().states)

    @property
    @abstractmethod
    def _blocks(self) -> tuple[int, int]:
        """The number of blocks before the bottleneck and after it."""

    @abstractmethod
    def _bottleneck(self) -> "nn.Module":
        """The layer between the two stacks of blocks: states [batch, frames, width] in and out."""

    @property
    def _hop(self) -> int:
        return round(SAMPLE_RATE / self.rate)

    def _new_model(self, letters: str) -> "Recogniser":
        from weft.tokenizers.models.recogniser import Recogniser

        return Recogniser(self._model_shape, self._bottleneck(), len(letters) + 1)

    @property
    def _model_shape(self) -> "RecogniserShape":
        from weft.tokenizers.models.recogniser import RecogniserShape

        before, after = self._blocks
        training = self.training
        return RecogniserShape(hop=self._hop, width=training.width, heads=training.heads, before=before, after=after)

    def _infer(self, speech: Sequence[Speech], forward: "LogMelForward") -> list[np.ndarray]:
        """The output of `forward` for each clip, [frames, …]: in batches and, for long audio, in windows."""
        from weft.tokenizers.models.recogniser import infer

        context = replace(self._model_shape, after=0).reach / self.rate
        windowing = Windowing(hop=self._hop, batch=self.batch, padding=PADDING, context=context)
        cut = windowing.cut([one.samples for one in speech])
        for batch in cut.batches:
            cut.keep(batch, infer(cut.rows(batch), self._hop, forward))
        return cut.joined()
