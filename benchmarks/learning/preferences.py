"""Does masked DPO prefer the better answer more often, and leave the audio tokens as SFT made them?

Answers are text and codes, ten to fifteen. Each of three seeds is fine-tuned on chosen answers, then trained on pairs: with the audio
tokens in neither log-probability (Step-Audio-AQAA), and with all tokens. A held-out pair is right where its chosen answer's text is the
likelier one, by the sum over its tokens.
"""

from pathlib import Path

import torch

from weft.benchmarks.learning.quiz import built
from weft.benchmarks.learning.trained import HELD_OUT, SEEDS, LearningCorpus, Spread
from weft.benchmarks.support.common import Figure, alone
from weft.trainer.objectives.base import rows_of
from weft.trainer.objectives.dpo import answers
from weft.trainer.validation import measuring, select

TITLE = "preferences: masked and unmasked DPO after SFT, three seeds"
AUDIO = "speech given text"


def measure(folder: Path) -> list[Figure]:
    corpus = built(folder)
    sft = [corpus.train("guided", seed) for seed in SEEDS]
    runs = {
        "sft": sft,
        **{
            way: [corpus.train(way, s, start) for s, start in zip(SEEDS, sft, strict=True)]
            for way in ("masked", "unmasked")
        },
    }
    right = {way: Spread([_accuracy(corpus, run) for run in of_way]) for way, of_way in runs.items()}
    audio = {
        way: Spread([-corpus.losses("guided", run, "guided")[AUDIO].per_token for run in of_way])
        for way, of_way in runs.items()
    }
    moved = abs(audio["masked"].mean - audio["sft"].mean)
    return [
        *(one.percent(f"held-out pairs right: {way}") for way, one in right.items()),
        *(one.figure(f"mean log-probability of audio tokens: {way}", "nats") for way, one in audio.items()),
        Figure("masked DPO raises the accuracy by", 100 * (right["masked"].mean - right["sft"].mean), "points", limit=0, at_least=True),
        Figure("masked DPO moves audio tokens by", moved, "nats", limit=max(audio["sft"].values) - min(audio["sft"].values)),
        Figure("unmasked DPO moves audio tokens by", abs(audio["unmasked"].mean - audio["sft"].mean), "nats"),
    ]  # fmt: skip


def _accuracy(corpus: LearningCorpus, run: Path) -> float:
    """The share of held-out pairs whose chosen answer's text has the higher log-probability."""
    stage = corpus.pipeline.recipe.training["masked"]
    network = corpus.network("masked", run)
    is_text = torch.from_numpy(corpus.vocabulary.modalities() == "text")
    held_out = select(corpus.shards("validation"), stage, corpus.vocabulary.size)
    right: list[bool] = []
    with measuring(network):
        for batch in held_out.batches():
            rows = rows_of(batch, slice(None), network.device)
            pairs_P2 = answers(network, rows, rows.targets_BT & is_text[rows.ids_BT])
            right += (pairs_P2[:, 0] > pairs_P2[:, 1]).tolist()
    return sum(right[:HELD_OUT]) / len(right[:HELD_OUT])


if __name__ == "__main__":
    alone(TITLE, measure)
