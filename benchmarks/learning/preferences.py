"""Does masked DPO prefer the better answer more often, and leave the audio tokens as SFT made them?

Answers are text and codes, ten to fifteen. Each of three seeds is fine-tuned on answers that are good or bad by chance, then trained
on pairs: with the audio tokens in neither log-probability (Step-Audio-AQAA), and with all tokens. A held-out pair is right where its
chosen answer's text is the likelier one, by the sum over its tokens: of a right and a wrong comparison, of a warm and a cold answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from weft.benchmarks.learning.quiz import built
from weft.benchmarks.learning.spread import Spread
from weft.benchmarks.learning.trained import SEEDS, LearningCorpus
from weft.benchmarks.support.common import Figure, alone
from weft.trainer.objectives.base import rows_of
from weft.trainer.objectives.dpo import answers
from weft.trainer.objectives.pairs import tasks_of
from weft.trainer.validation import measuring, select

TITLE = "preferences: masked and unmasked DPO after SFT, three seeds"
AUDIO = "speech given text"
KINDS = {"right": "right, not wrong", "warm": "warm, not cold"}  # by their task


@dataclass(frozen=True)
class Preferring:
    """What runs of three seeds prefer: the share of right pairs by kind, and the mean log-probability of audio tokens."""

    right: dict[str, Spread]
    audio: Spread

    @classmethod
    def of(cls, corpus: LearningCorpus, runs: Sequence[Path]) -> "Preferring":
        accuracies = [_accuracies(corpus, run) for run in runs]
        return cls(
            right={task: Spread([of_seed[task] for of_seed in accuracies]) for task in KINDS},
            audio=Spread([-corpus.losses("drafts", run, "good")[AUDIO].per_token for run in runs]),
        )

    @property
    def all(self) -> Spread:
        """Of pairs of all kinds, which are as many of each."""
        return Spread(
            [sum(values) / len(KINDS) for values in zip(*(one.values for one in self.right.values()), strict=True)]
        )

    def figures(self, way: str) -> list[Figure]:
        kinds = [self.right[task].percent(f"held-out pairs right, {kind}: {way}") for task, kind in KINDS.items()]
        audio = self.audio.figure(f"mean log-probability of audio tokens: {way}", "nats")
        return [self.all.percent(f"held-out pairs right: {way}"), *kinds, audio]


def measure(folder: Path) -> list[Figure]:
    corpus = built(folder)
    sft = [corpus.train("drafts", seed) for seed in SEEDS]
    found = {"sft": Preferring.of(corpus, sft)}
    for way in ("masked", "unmasked"):
        found[way] = Preferring.of(corpus, [corpus.train(way, s, start) for s, start in zip(SEEDS, sft, strict=True)])
    rows = [figure for way, one in found.items() for figure in one.figures(way)]
    return [*rows, *_claims(found["sft"], found["masked"], found["unmasked"])]


def _claims(sft: Preferring, masked: Preferring, unmasked: Preferring) -> list[Figure]:
    """Audio tokens may move as far as the seeds of SFT differ."""
    spread = max(sft.audio.values) - min(sft.audio.values)
    return [
        masked.all.less(sft.all).percent("masked DPO raises the accuracy by", limit=0, unit="points", at_least=True),
        Figure("masked DPO moves audio tokens by", abs(masked.audio.mean - sft.audio.mean), "nats", limit=spread),
        Figure("unmasked DPO moves audio tokens by", abs(unmasked.audio.mean - sft.audio.mean), "nats"),
    ]


def _accuracies(corpus: LearningCorpus, run: Path) -> dict[str, float]:
    """By task, the share of held-out pairs whose chosen answer's text has the higher log-probability."""
    stage = corpus.pipeline.recipe.training["masked"]
    network = corpus.network("masked", run)
    is_text = torch.from_numpy(corpus.vocabulary.modalities() == "text")
    right: dict[str, list[bool]] = {task: [] for task in KINDS}
    with measuring(network):
        for batch in select(corpus.shards("validation"), stage, corpus.vocabulary.size).batches():
            rows = rows_of(batch, slice(None), network.device)
            pairs_P2 = answers(network, rows, rows.loss_mask_BT & is_text[rows.ids_BT])
            for task, is_right in zip(tasks_of(rows), (pairs_P2[:, 0] > pairs_P2[:, 1]).tolist(), strict=True):
                right[batch.tasks[task]].append(is_right)
    return {task: float(np.mean(values)) for task, values in right.items()}


if __name__ == "__main__":
    alone(TITLE, measure)
