"""Does word interleaving teach a model more of one modality from the other than pairs of whole utterances do?

The same model is trained on the same hours, for the same steps, in three ways: word interleaving, whole utterances in pairs
(recognition and synthesis), and each modality alone. A third of the tokens of all three is speech alone and a third text alone; the
aligned utterances have the last third. Measured on sentences that were never trained on, in a voice that speaks no other: the second
half of each after its first half (`halves`), and whole pairs. No marker counts: the ways differ in what they know of content alone.

Pairs know two markers between speech and text, [Text] as any text has it and [ASR] (of speech [Speech] and [TTS]). Each way is
compared by the marker with which it does better.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from weft.benchmarks.learning.spread import Spread
from weft.benchmarks.learning.trained import SEEDS, LearningCorpus
from weft.benchmarks.support import speech
from weft.benchmarks.support.common import Figure, alone
from weft.jobs.demo import ACCENTS
from weft.jobs.demo_talks import write_once
from weft.pipelines.writers.grammar import documents, sentences

TITLE = "interleaving: nats a token of one half given the other, mean of three seeds"
UTTERANCES, PARAGRAPHS, SEED = 1500, 3000, 11
VARIANTS, HELD_OUT_VARIANT = ("f2", "f5", "edward", "m3", "benjamin"), "m3"
CAST = [(accent, variant) for variant in VARIANTS for accent in ACCENTS]
WAYS = ("interleaved", "pairs", "unimodal")
CLAIMS = {
    "text given speech": ("t-given-s", "t-given-s-asr"),
    "speech given text": ("s-given-t", "s-given-t-tts"),
}  # the tasks by which it is measured, one a marker
OTHERS = {
    "text given text": ("t-given-t",),
    "speech given speech": ("s-given-s",),
    "whole utterances recognised": ("recognised",),
    "whole utterances synthesised": ("synthesised",),
}


@dataclass(frozen=True)
class LearnedWay:
    """A way's losses by task, over the seeds, and what it was trained for."""

    losses: dict[str, Spread]
    steps: int
    tokens: int

    def best(self, tasks: Sequence[str]) -> Spread:
        """By the task with the lowest mean."""
        return min((self.losses[task] for task in tasks), key=lambda one: one.mean)


def measure(folder: Path) -> list[Figure]:
    place = folder / "interleaving"
    _write(place)
    paths = [f"sources.{name}.path={place / 'speech.jsonl'}" for name in ("speech", "aligned")]
    corpus = LearningCorpus.built("interleaving", place, [*paths, f"sources.text.path={place / 'books'}"])
    found = {way: _measured(corpus, way) for way in WAYS}
    losses = [
        found[way].losses[task].figure(f"{task}: {way}", "nats")
        for tasks in (CLAIMS | OTHERS).values()
        for task in tasks
        for way in WAYS
    ]
    trained = [
        Figure(f"{found[way].steps} steps of training, counted tokens: {way}", found[way].tokens, "tokens")
        for way in WAYS
    ]
    return [*trained, *losses, *_claims(found)]


def _write(place: Path) -> None:
    """Speaks the sentences, and writes the manifest and the books."""
    lines = list(sentences(UTTERANCES, SEED))
    paths = speech.speak_lines(place / "raw", lines, CAST)
    rows = [_row(path, line, voice) for path, line, voice in zip(paths, lines, cycle(CAST), strict=False)]
    (place / "speech.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    write_once(place / "books/grammar.txt", lambda: "\n\n".join(documents(PARAGRAPHS, SEED)).encode())


def _row(path: Path, line: str, voice: tuple[str, str]) -> dict[str, str]:
    """A line of the manifest."""
    split = "validation" if voice[1] == HELD_OUT_VARIANT else "train"
    return {"audio": str(path), "text": line, "speaker": "+".join(voice), "split": split}


def _measured(corpus: LearningCorpus, way: str) -> LearnedWay:
    runs = [corpus.train(way, seed) for seed in SEEDS]
    tasks = [task for group in (CLAIMS | OTHERS).values() for task in group]
    losses = {task: Spread([corpus.loss(way, run, task) for run in runs]) for task in tasks}
    trained = corpus.trained(way, SEEDS[0])
    return LearnedWay(losses=losses, steps=len(trained), tokens=sum(row.tokens for row in trained))


def _claims(found: dict[str, LearnedWay]) -> list[Figure]:
    """What interleaving wins over the other two, seed by seed: below 0 it is better."""
    return [
        found["interleaved"].best(tasks).less(found[other].best(tasks)).figure(f"{claim}: interleaved less {other}", "nats", limit=0)
        for claim, tasks in CLAIMS.items()
        for other in ("pairs", "unimodal")
    ]  # fmt: skip


if __name__ == "__main__":
    alone(TITLE, measure)
