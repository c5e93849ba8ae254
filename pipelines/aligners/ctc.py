"""Forced alignment with a CTC model of characters: wav2vec2, HuBERT, MMS and similar models, from a folder or the hub.

    Aligner(model="/models/wav2vec2-base-960h")     samples, ["ask", "not"]  ->  Word("ask", 4.22, 4.60, -0.1), …

A word's score is the mean log-probability of its characters (nats): 0 is certain. Characters that the model has no class for
are skipped; a word of such characters alone is rejected (unknown_word).
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import PrivateAttr

from weft.pipelines.aligners import base
from weft.pipelines.aligners.base import Clip, Timed, Unalignable, check_length
from weft.pipelines.aligners.common.spelling import spelt_forms
from weft.pipelines.audio.sound import RATE
from weft.schemas.audio import Word
from weft.schemas.fingerprint import content, version_of
from weft.schemas.hub import loadable
from weft.schemas.ledger import Unusable
from weft.schemas.resources import Resources
from weft.schemas.settings import CHECKPOINT, NOT_IN_FINGERPRINT

if TYPE_CHECKING:  # a recipe is checked without torch; whoever aligns imports it
    from weft.pipelines.aligners.common.ctc_model import CtcModel
    from weft.pipelines.aligners.common.viterbi import TokenPath


class Aligner(base.Aligner):
    """`model` is a transformers CTC checkpoint (safetensors) with its tokenizer and feature extractor.

    A transcript with a mean score below `min_score` (nats per character) is rejected as a mismatch. Long audio goes through the
    model in windows, but one path is searched over all of it, so times cannot drift. Audio of more than `max_seconds` is
    aligned in separate windows. `batch` seconds go through the model together. Numbers are spelt out in `language`.
    """

    model: Annotated[str, CHECKPOINT]
    language: str = "en"
    min_score: float = -4.0
    max_seconds: float = 3600.0
    device: Annotated[str, NOT_IN_FINGERPRINT] = "cpu"
    batch: Annotated[float, NOT_IN_FINGERPRINT] = 120.0

    _ctc: "CtcModel" = PrivateAttr()
    _classes: dict[str, int] = PrivateAttr()
    _blank: int = PrivateAttr()
    _gap: int | None = PrivateAttr()

    @property
    def resources(self) -> Resources:
        return Resources.on(self.device)

    @property
    def batch_seconds(self) -> float:
        return 10 * self.batch  # enough clips to batch those of similar length

    @property
    def longest(self) -> float:
        return self.max_seconds

    def setup(self) -> None:
        """Raises ValueError for a folder without a CTC checkpoint, or a missing GPU."""
        import torch
        from transformers import AutoFeatureExtractor, AutoModelForCTC, AutoTokenizer

        from weft.pipelines.aligners.common.ctc_model import CtcModel
        from weft.pipelines.aligners.common.viterbi import best_path
        from weft.tokenizers.models.checkpoint import quiet

        name = loadable(self.model)
        try:
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
            extract = AutoFeatureExtractor.from_pretrained(name, trust_remote_code=False)
            with quiet():
                model = AutoModelForCTC.from_pretrained(
                    name, use_safetensors=True, dtype=torch.float32, trust_remote_code=False
                )
        except (OSError, ValueError) as error:
            raise ValueError(f"{self.model}: no CTC checkpoint could be read ({str(error).splitlines()[0]})") from None
        self._ctc = CtcModel(model, extract, device=self.device, batch_seconds=self.batch)
        self._classes = tokenizer.get_vocab()
        self._blank = tokenizer.pad_token_id
        self._gap = self._classes.get(getattr(tokenizer, "word_delimiter_token", "|"))
        best_path(np.zeros((1, 2), np.float32), np.ones(1, np.int64))  # compiles the search, once per worker

    def verbalize(self, written: str) -> list[str]:
        return spelt_forms(written, self.language)

    def version(self) -> str:
        return f"transformers-{version_of('transformers')}+torch-{version_of('torch')} {content(self.model)}"

    def align_clips(self, clips: Sequence[Clip]) -> Iterator[Timed | Unusable]:
        short_enough = [clip.samples for clip in clips if len(clip.samples) <= self.max_seconds * RATE]
        log_probs = iter(self._ctc.log_probs(short_enough))
        for clip in clips:
            try:
                check_length(clip, self.max_seconds)
                yield self._timed_words(clip.spoken, next(log_probs))
            except Unalignable as fault:
                yield fault

    def _timed_words(self, spoken: list[str], log_probs: np.ndarray) -> Timed:
        """The words at the times of the likeliest path through `log_probs` [frames, classes]. Raises Unalignable."""
        from weft.pipelines.aligners.common.viterbi import TooFewFrames, best_path

        tokens, owners = self._joined([self._spell(word) for word in spoken])
        try:
            path = best_path(log_probs, tokens, self._blank)
        except TooFewFrames as fault:
            raise Unalignable("alignment_failed", str(fault)) from None
        scores = [log_probs[a:b, c].mean() for c, a, b in zip(tokens, path.starts, path.ends, strict=True)]
        return Timed(self._checked(list(self._words(spoken, path, owners, np.array(scores)))))

    def _spell(self, word: str) -> list[int]:
        """Classes of a word's characters, in the case that the model was trained on. Raises Unalignable."""
        cases = (word, word.upper(), word.lower())
        spelt = max(([self._classes[c] for c in case if c in self._classes] for case in cases), key=len)
        if not spelt:
            raise Unalignable("unknown_word", f"the model has no character of {word!r}")
        return spelt

    def _joined(self, spelt: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
        """The tokens of all words, with the model's delimiter between words, and each token's word index (-1: delimiter)."""
        tokens: list[int] = []
        owners: list[int] = []
        for number, classes in enumerate(spelt):
            if number and self._gap is not None:
                tokens.append(self._gap)
                owners.append(-1)
            tokens.extend(classes)
            owners.extend([number] * len(classes))
        return np.array(tokens), np.array(owners)

    def _words(self, spoken: list[str], path: "TokenPath", owners: np.ndarray, scores: np.ndarray) -> Iterator[Word]:
        """Each word from its first character's first frame to its last one's last; `scores` [tokens]."""
        hop = self._ctc.windowing.hop / RATE
        for number, word in enumerate(spoken):
            own = owners == number
            start, end = path.starts[own][0] * hop, path.ends[own][-1] * hop
            yield Word(text=word, start=start, end=end, score=float(scores[own].mean()))

    def _checked(self, words: list[Word]) -> list[Word]:
        score = sum(word.score for word in words) / len(words)
        if score < self.min_score:
            raise Unalignable("mismatch", f"score {score:.2f} is below min_score {self.min_score:g}")
        return words
