"""Does an answer say more of what it should where text guides its audio? Step-Audio-AQAA's ablation, in direction.

Two models answer the same questions, whose answers have to be thought out: which of two things is cheaper. One answers with ten text
tokens and fifteen codes in turn, one with codes alone. A third model, trained on other voices, transcribes the codes of their answers
to held-out questions; the word error rate against the right answer is compared. The transcriber's own errors on the right answers, in
the voice of the models, are the least that can be expected.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import jiwer
import numpy as np

from weft.benchmarks.learning.quiz import built
from weft.benchmarks.learning.spread import Spread
from weft.benchmarks.learning.trained import HELD_OUT, SEEDS, LearningCorpus
from weft.benchmarks.support.common import Figure, alone
from weft.trainer.loader import Draw
from weft.trainer.models.network import Network
from weft.trainer.replies import PromptSample
from weft.trainer.rewards.common.spoken_text import normalised

TITLE = "ratios: word errors of what spoken answers say, text-guided and audio only, three seeds"
READ = {"transcribed": "held-out recordings", "guided": "the right answers"}  # by their task


@dataclass(frozen=True)
class Transcriber:
    """A model that writes what codes say; `before` and `after` are the ids round the codes in its prompts."""

    corpus: LearningCorpus
    network: Network
    sample: Draw
    before: np.ndarray
    after: np.ndarray

    @classmethod
    def of(cls, corpus: LearningCorpus) -> "Transcriber":
        sample = next(draw for draw in corpus.held_out.read() if draw.task == "transcribed")
        codes = np.flatnonzero(_is_code(corpus)[sample.ids])
        return cls(
            corpus=corpus,
            network=corpus.network("transcriber", corpus.train("transcriber", SEEDS[0])),
            sample=sample,
            before=sample.ids[: codes[0]],
            after=sample.ids[codes[-1] + 1 : sample.loss[0][0]],
        )

    def texts(self, codes: Sequence[np.ndarray]) -> list[str]:
        prompts = [
            PromptSample(
                draw=replace(self.sample, ids=np.concatenate([self.before, one, self.after]).astype(np.int32)),
                key="",
                answer="",
            )
            for one in codes
        ]
        return [normalised(reply.text) for reply in self.corpus.replies(self.network, prompts, new_tokens=48)]


def measure(folder: Path) -> list[Figure]:
    corpus = built(folder)
    transcriber = Transcriber.of(corpus)
    errors = {
        way: Spread([_spoken_error(corpus, transcriber, way, corpus.train(way, seed)) for seed in SEEDS])
        for way in ("guided", "audio-only")
    }
    own = {said: 100 * _own_error(corpus, transcriber, task) for task, said in READ.items()}
    return [
        *(Figure(f"the transcriber's errors on {said}", error, "% of words") for said, error in own.items()),
        *(one.percent(f"word errors: {way}") for way, one in errors.items()),
        errors["guided"].less(errors["audio-only"]).percent("guided less audio only", limit=0, unit="points"),
    ]


def _is_code(corpus: LearningCorpus) -> np.ndarray:
    """Which ids are codes, (size,) bool."""
    is_code = np.zeros(corpus.vocabulary.size, bool)
    for book in corpus.vocabulary.codebooks:
        is_code[book.first : book.first + book.size] = True
    return is_code


def _spoken_error(corpus: LearningCorpus, transcriber: Transcriber, way: str, run: Path) -> float:
    """The word error rate of the transcribed codes of replies to held-out prompts."""
    replies = corpus.replies(corpus.network(way, run), corpus.prompts("ask-aloud"), new_tokens=200)
    is_code = _is_code(corpus)
    texts = transcriber.texts([reply.ids[is_code[reply.ids]] for reply in replies])
    return float(jiwer.wer([normalised(reply.prompt.answer) for reply in replies], texts))


def _own_error(corpus: LearningCorpus, transcriber: Transcriber, task: str) -> float:
    """On the held-out samples of a task, by what they hold as text."""
    samples = list(islice((draw for draw in corpus.held_out.read() if draw.task == task), HELD_OUT))
    is_code = _is_code(corpus)
    texts = transcriber.texts([draw.ids[is_code[draw.ids]] for draw in samples])
    return float(jiwer.wer([_answer(corpus, draw) for draw in samples], texts))


def _answer(corpus: LearningCorpus, draw: Draw) -> str:
    """The text of what counts of a sample."""
    return normalised(corpus.reader.text(draw.ids[draw.loss[0][0] : draw.loss[-1][1]].astype(np.int64)))


if __name__ == "__main__":
    alone(TITLE, measure)
