"""CosyVoice's own semantic codes, by the s3tokenizer package in an environment of its own.

    Tokenizer(model="/models/speech_tokenizer_v2.onnx", python="/envs/s3/bin/python")                          6,561 codes
    Tokenizer(kind="speech_tokenizer_v1_25hz", size=4096, model="/models/speech_tokenizer_v1.onnx", …)         4,096 codes

The models take 30 s and lose codes beyond: audio is cut into windows of at most that, with 4 s of context at each cut.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from weft.outside.backend import Backend
from weft.schemas.fingerprint import content
from weft.schemas.hub import loadable
from weft.schemas.ledger import Unusable
from weft.schemas.settings import NOT_IN_FINGERPRINT
from weft.tokenizers.base import SAMPLE_RATE, SpeechTokenizer
from weft.tokenizers.features.windows import Windowing
from weft.tokenizers.models.folder import Checkpoint, located
from weft.tokenizers.models.learned import write_config
from weft.tokenizers.stream import Speech

_KINDS = {  # codes, and how many a second
    "speech_tokenizer_v1": (4096, 50),
    "speech_tokenizer_v1_25hz": (4096, 25),
    "speech_tokenizer_v2_25hz": (6561, 25),
}
_STEP = 160  # samples of a step of the spectrogram
_WINDOW, _CONTEXT = 22.0, 4.0  # seconds


class Tokenizer(Backend, SpeechTokenizer):
    """`model` is a published ONNX file, a folder with it or with `config.json` and `model.safetensors`, a repository of either on the
    hub (`hf://org/name`), or "" for the package's download.

    A remainder at the end that is no whole frame gets a code too, as the models give one.
    """

    package, script = "s3tokenizer", "encode_s3.py"

    kind: Literal["speech_tokenizer_v1", "speech_tokenizer_v1_25hz", "speech_tokenizer_v2_25hz"] = (
        "speech_tokenizer_v2_25hz"
    )
    rate: float = 25
    size: int = 6561
    literal: str = "<audio_{}>"
    dedup: bool = False
    model: Checkpoint = ""
    batch: Annotated[float, NOT_IN_FINGERPRINT] = Field(default=120.0, gt=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.size, self.rate) != _KINDS[self.kind]:
            size, rate = _KINDS[self.kind]
            raise ValueError(f"`kind` {self.kind} has {size} codes at {rate} Hz: set `size: {size}` and `rate: {rate}`")
        return self

    @property
    def batch_seconds(self) -> float:
        return 10 * self.batch

    def train(self, speech: Sequence[Speech], folder: Path, seed: int) -> None:
        """Writes only the settings: nothing is learned, and the model stays where it is."""
        folder.mkdir(parents=True, exist_ok=True)
        write_config(folder, self.model_dump(mode="json"), {})

    def load(self, folder: Path) -> None:
        """Raises ValueError for a model that the package does not load."""
        self.start(kind=self.kind, model=self._checkpoint() if self.model else "")

    def _checkpoint(self) -> str:
        """The file or folder that the child loads. Raises ValueError for what is neither here nor on the hub."""
        loadable(self.model)
        published = f"{self.kind.removesuffix('_25hz')}.onnx"  # as CosyVoice's repositories call it
        folder = located(self.model, ("config.json", "model.safetensors", published))
        return str(folder / published if (folder / published).is_file() else folder)

    def frames(self, n_samples: int) -> int:
        """Frames, rounded up, of the whole steps of the spectrogram."""
        return -(-(n_samples // _STEP) // (self._hop // _STEP))

    def version(self) -> str:
        return f"{self.installed} {self.checksum}"

    @property
    def checksum(self) -> str:
        return content(self.model) if self.model else self.kind

    def _ids(self, speech: Sequence[Speech]) -> Iterator[np.ndarray | Unusable]:
        """All clips in one request; where that is refused, each alone, to find the clip that is at fault."""
        clips = [one.samples for one in speech]
        try:
            yield from self._together(clips)
        except Unusable:
            for clip in clips:
                yield self._alone(clip)

    def _alone(self, clip: np.ndarray) -> np.ndarray | Unusable:
        try:
            return self._together([clip])[0]
        except Unusable as fault:
            return fault

    def _together(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Raises Unusable."""
        windowing = Windowing(hop=self._hop, batch=self.batch, padding=0.02, window=_WINDOW, context=_CONTEXT)
        cut = windowing.cut(clips)
        for batch in cut.batches:
            cut.keep(batch, self._codes(cut.rows(batch)))
        return cut.joined()

    def _codes(self, rows: list[np.ndarray]) -> list[np.ndarray]:
        answer = self.ask(np.concatenate(rows), lengths=[len(row) for row in rows])
        return [np.array(codes, np.int32) for codes in answer["codes"]]

    @property
    def _hop(self) -> int:
        return round(SAMPLE_RATE / self.rate)
