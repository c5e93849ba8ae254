"""Does word interleaving teach a model more of one modality from the other than pairs of whole utterances do?

The same model is trained on the same hours, for the same tokens and steps, in three ways: word interleaving, whole utterances in pairs
(recognition and synthesis), and each modality alone. All three have the same share of speech alone and of text alone. Measured on
held-out recordings: interleaved utterances, utterances that change once in the middle (`halves`), and whole pairs.
"""

from pathlib import Path

from weft.benchmarks.learning.trained import SEEDS, LearningCorpus, Spread
from weft.benchmarks.support import speech
from weft.benchmarks.support.common import Figure, alone
from weft.jobs.demo import write_books

TITLE = "interleaving: nats a token of text given speech and speech given text, mean of three seeds"
UTTERANCES = 1500
WAYS = ("interleaved", "pairs", "unimodal")
MEASURED = {"words": ("text given speech", "speech given text"), "halves": ("text given speech", "speech given text"),
            "asr": ("text given speech",), "tts": ("speech given text",)}  # fmt: skip


def measure(folder: Path) -> list[Figure]:
    place = folder / "interleaving"
    speech.speak(place / "raw", UTTERANCES)
    write_books(place / "books")
    paths = [
        f"sources.{name}.path={place / at}" for name, at in (("speech", "raw"), ("aligned", "raw"), ("text", "books"))
    ]
    corpus = LearningCorpus.built("interleaving", place, paths)
    found = {way: _spreads(corpus, way) for way in WAYS}
    rows = [
        found[way][task, condition].figure(f"{task}: {condition}: {way}", "nats")
        for task, conditions in MEASURED.items()
        for condition in conditions
        for way in WAYS
    ]
    return [*rows, *_claims(found)]


def _spreads(corpus: LearningCorpus, way: str) -> dict[tuple[str, str], Spread]:
    """By task and condition, over the seeds."""
    runs = [corpus.train(way, seed) for seed in SEEDS]
    losses = {task: [corpus.losses(way, run, task) for run in runs] for task in MEASURED}
    return {
        (task, condition): Spread([of_seed[condition].per_token for of_seed in losses[task]])
        for task, conditions in MEASURED.items()
        for condition in conditions
    }


def _claims(found: dict[str, dict[tuple[str, str], Spread]]) -> list[Figure]:
    """What interleaving wins over the other two, on one switch in the middle: below 0 it is better."""
    return [
        Figure(
            f"halves: {condition}: interleaved less {other}",
            found["interleaved"]["halves", condition].mean - found[other]["halves", condition].mean,
            "nats",
            limit=0,
        )
        for condition in MEASURED["halves"]
        for other in ("pairs", "unimodal")
    ]


if __name__ == "__main__":
    alone(TITLE, measure)
