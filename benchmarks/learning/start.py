"""Where GRPO starts: the first checkpoint of `written` whose own replies, sampled as GRPO samples them, have something to teach.

Replies to one prompt are compared with each other alone. So enough of them have to be right, not all, and to half of the prompts some
right and some wrong. How often the likeliest reply is right does not say that: it can be right ten times as often as a sampled one.
The prompts are trained ones; no held-out one takes part in the choice.
"""

from pathlib import Path

import numpy as np

from weft.benchmarks.learning.trained import LearningCorpus
from weft.schemas.objectives import Grpo
from weft.trainer.rewards.base import Scoring
from weft.trainer.rewards.label import Reward as Label

PROMPTS = 64
RIGHT = (0.2, 0.8)  # of the sampled replies
MIXED = 0.5  # of the prompts at least


def start_of(corpus: LearningCorpus, seed: int) -> Path:
    """Trains `written` and returns the checkpoint. Raises ValueError where none has something to teach."""
    corpus.train("written", seed)
    for checkpoint in corpus.checkpoints("written", seed):
        scores_PG = sampled_scores(corpus, checkpoint)
        print(
            f"{checkpoint.name}: {scores_PG.mean():.1%} of sampled replies right, {mixed(scores_PG):.0%} of prompts mixed",
            flush=True,
        )
        if teaches(scores_PG):
            return checkpoint
    raise ValueError(f"seed {seed}: no checkpoint of `written` has replies from which GRPO could learn")


def sampled_scores(corpus: LearningCorpus, checkpoint: Path) -> np.ndarray:
    """(PROMPTS, group): 1 where a reply to a trained prompt is right. Sampled as the stage `grpo` does."""
    objective = corpus.pipeline.recipe.training["grpo"].objective
    assert isinstance(objective, Grpo)
    replies = corpus.replies(
        corpus.network("written", checkpoint), corpus.trained_prompts("grpo", PROMPTS), objective.sampling.new_tokens,
        temperature=objective.sampling.temperature, each=objective.group,
    )  # fmt: skip
    scores = Label().scores(replies, Scoring(vocabulary=corpus.vocabulary, reader=corpus.reader))
    return np.array(scores).reshape(-1, objective.group)


def mixed(scores_PG: np.ndarray) -> float:
    """The share of prompts to which some replies are right and some wrong."""
    return float((np.ptp(scores_PG, axis=1) > 0).mean())


def teaches(scores_PG: np.ndarray) -> bool:
    """Whether GRPO can learn from replies with these scores, 0 or 1 each."""
    return RIGHT[0] <= scores_PG.mean() <= RIGHT[1] and mixed(scores_PG) >= MIXED
