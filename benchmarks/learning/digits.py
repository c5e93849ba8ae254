"""Are spoken digits transcribed through a frozen encoder and an adaptor, and does training the adaptor alone leave the LM as it was?

2,700 recordings of one digit each by 6 speakers (FSDD, in the shared data), a tenth of them held out. First the adaptor alone is
trained, then the adaptor and the LM. The likeliest reply to each held-out recording is compared with its word.
"""

import json
from pathlib import Path

import torch

from weft.benchmarks.learning.spread import Spread
from weft.benchmarks.learning.trained import SEEDS, LearningCorpus
from weft.benchmarks.support.common import Figure, alone
from weft.benchmarks.support.labelled import DATA
from weft.trainer.models.starting import starting

TITLE = "digits: transcribed from held-out recordings, three seeds"
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def measure(folder: Path) -> list[Figure]:
    recordings = sorted((DATA / "fsdd").rglob("*.wav"))
    if not recordings:
        return [Figure("no shared data here (WEFT_DATA)", 0, "recordings")]
    place = folder / "digits"
    place.mkdir(parents=True, exist_ok=True)
    (place / "digits.jsonl").write_text("".join(_line(path) for path in recordings))
    corpus = LearningCorpus.built("digits", place, [f"sources.digits.path={place / 'digits.jsonl'}"])
    adaptors = [corpus.train("adaptor", seed) for seed in SEEDS]
    changed = sum(_changed(corpus, seed, run) for seed, run in zip(SEEDS, adaptors, strict=True))
    runs = [corpus.train("listen", seed, start) for seed, start in zip(SEEDS, adaptors, strict=True)]
    prompts = corpus.prompts("ask")
    errors = Spread([_error(corpus, run) for run in runs])
    return [
        Figure("tensors of the LM that the adaptor's stage changed", changed, "tensors", limit=0),
        errors.percent(f"digits misread, of {len(prompts)} held-out recordings", limit=20),
    ]


def _line(path: Path) -> str:
    digit, speaker, _ = path.stem.split("_")
    word = WORDS[int(digit)]
    return json.dumps({"audio": str(path), "text": word, "speaker": speaker, "answer": word}) + "\n"


def _changed(corpus: LearningCorpus, seed: int, run: Path) -> int:
    """Tensors of the LM in a checkpoint of the adaptor's stage that are not those it began with, to the bit."""
    stage = corpus.pipeline.recipe.training["adaptor"]
    before = starting(stage, corpus.vocabulary, seed, None, corpus.measuring.encoders).lm.state_dict()
    after = corpus.network("adaptor", run).lm.state_dict()
    return sum(not torch.equal(before[name], after[name]) for name in before)


def _error(corpus: LearningCorpus, run: Path) -> float:
    """The share of held-out recordings whose reply is another word."""
    prompts = corpus.prompts("ask")
    replies = corpus.replies(corpus.network("listen", run), prompts, new_tokens=8)
    return sum(reply.text.strip() != reply.prompt.answer for reply in replies) / len(replies)


if __name__ == "__main__":
    alone(TITLE, measure)
