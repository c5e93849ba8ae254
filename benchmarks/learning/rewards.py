"""Does GRPO raise its verifiable reward on prompts that were held out?

A model that was taught to answer only for a short while is trained on its own replies, with the reward 1 where the reply's text is the
answer. It starts from the first checkpoint whose own replies have something to teach (`start.py`). The likeliest reply to each held-out
prompt is scored before and after.
"""

from pathlib import Path

from weft.benchmarks.learning.quiz import built
from weft.benchmarks.learning.spread import Spread
from weft.benchmarks.learning.start import start_of
from weft.benchmarks.learning.trained import SEEDS, LearningCorpus
from weft.benchmarks.support.common import Figure, alone
from weft.trainer.rewards.base import Scoring
from weft.trainer.rewards.label import Reward as Label

TITLE = "rewards: GRPO with the answer as its reward, held-out prompts, three seeds"


def measure(folder: Path) -> list[Figure]:
    corpus = built(folder)
    starts = [start_of(corpus, seed) for seed in SEEDS]
    ends = [corpus.train("grpo", seed, start) for seed, start in zip(SEEDS, starts, strict=True)]
    before = Spread([_right(corpus, "written", run) for run in starts])
    after = Spread([_right(corpus, "grpo", run) for run in ends])
    return [
        before.percent("held-out prompts answered rightly: before"),
        after.percent("held-out prompts answered rightly: after GRPO"),
        after.less(before).percent("GRPO raises them by", limit=0, unit="points", at_least=True),
    ]


def _right(corpus: LearningCorpus, stage: str, run: Path) -> float:
    replies = corpus.replies(corpus.network(stage, run), corpus.prompts("ask"), new_tokens=24)
    return sum(Label().scores(replies, Scoring(vocabulary=corpus.vocabulary, reader=corpus.reader))) / len(replies)


if __name__ == "__main__":
    alone(TITLE, measure)
