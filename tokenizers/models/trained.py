"""What every tokenizer shares that is trained here: how its training resumes, and how its folder is written and read.

A backend gives `_learn` (speech to tensors and facts) and `_use` (tensors and facts to a tokenizer that encodes).
"""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import PrivateAttr

from weft.tokenizers.base import SpeechTokenizer
from weft.tokenizers.models.folder import check_settings
from weft.tokenizers.models.learned import Learned, load, save
from weft.tokenizers.stream import Speech

if TYPE_CHECKING:  # a recipe is checked without torch; whoever trains or encodes imports it
    from weft.tokenizers.training.loop import ResumableRun


class TrainedTokenizer(SpeechTokenizer):
    """Trains in a folder, where an interrupted training is resumed; `checksum` names what was loaded."""

    _checksum: str = PrivateAttr("")

    def train(self, speech: Sequence[Speech], folder: Path, seed: int) -> None:
        """Writes the trained tokenizer into `folder` and loads it.

        The same for the same speech in any order, the same seed and number of torch threads. Raises ValueError for too little speech,
        or for a checkpoint that does not fit the settings.
        """
        from weft.tokenizers.training.loop import unfinished_run

        clips = self._training_clips(speech, seed) if self.training_seconds else []
        with unfinished_run(folder, seed, self.model_dump(mode="json"), [one.name for one in clips]) as run:
            save(folder, self, self._learn(clips, run))
        self.load(folder)

    def load(self, folder: Path) -> None:
        """Makes ready to encode. Raises ValueError for a folder without a trained model, or whose model does not fit the settings."""
        learned = load(folder)
        check_settings(folder, self, *self._decisive_settings)
        self._use(learned, folder)
        self._checksum = learned.checksum

    @property
    def checksum(self) -> str:
        """16 hex digits over all that was learned."""
        return self._checksum

    def _training_clips(self, speech: Sequence[Speech], seed: int) -> list[Speech]:
        """What is learned from, in an order that does not depend on that of `speech`."""
        return self._usable(speech)

    @property
    def _decisive_settings(self) -> tuple[str, ...]:
        """Settings that change the ids but no tensor's shape, such as `training.heads`."""
        return ()

    @abstractmethod
    def _learn(self, speech: Sequence[Speech], run: "ResumableRun") -> Learned:
        """Trains on speech of a frame or more each."""

    @abstractmethod
    def _use(self, learned: Learned, folder: Path) -> None:
        """Takes what was learned. Raises ValueError, with the name of `folder`, where it does not fit the settings."""
