"""The corpus of `answers.yaml`: questions with a good and a bad answer (`questions.py`), and good answers read by other voices.

The script names the split of each question; no prompt comes twice, so a held-out one was never trained on. Of `drafts`, other questions
of both kinds, an answer is good or bad by chance: what a model is like before it learns from preferences.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from weft.benchmarks.learning.questions import Question, comparison, distinct, mood
from weft.benchmarks.learning.trained import HELD_OUT, LearningCorpus
from weft.benchmarks.support import speech
from weft.schemas.fingerprint import hash64

TRAINED = {"comparisons": 1000, "moods": 500}  # and HELD_OUT of each
DRAFTS, READ = 1000, 800


def built(folder: Path) -> LearningCorpus:
    """Writes and speaks what is missing, and builds what is missing."""
    place = folder / "answers"
    place.mkdir(parents=True, exist_ok=True)
    comparisons, moods = distinct(comparison), distinct(mood)
    for name, questions in (("comparisons", comparisons), ("moods", moods)):
        lines = [
            {**_pair(next(questions)), "split": "validation" if n < HELD_OUT else "train"}
            for n in range(HELD_OUT + TRAINED[name])
        ]
        _write(place / f"{name}.jsonl", lines)
    both = [next(questions) for _ in range(DRAFTS // 2) for questions in (comparisons, moods)]
    _write(place / "drafts.jsonl", (_draft(one) for one in both))
    speech.speak_lines(place / "read", [next(comparisons).chosen for _ in range(READ)])
    paths = [f"sources.{name}.path={place / name}.jsonl" for name in ("comparisons", "moods", "drafts")]
    return LearningCorpus.built("answers", place, [*paths, f"sources.read.path={place / 'read'}"])


def _pair(question: Question) -> dict[str, Any]:
    """A line of a script with both answers."""
    answers = {"chosen": question.chosen, "rejected": question.rejected}
    turns = [{"role": "assistant", "text": text, "answer": answer} for answer, text in answers.items()]
    return {"turns": [{"role": "human", "text": question.prompt}, *turns], **answers}


def _draft(question: Question) -> dict[str, Any]:
    """A line with one of the answers."""
    answer = Random(hash64("draft", question.prompt)).choice((question.chosen, question.rejected))
    return {"turns": [{"role": "human", "text": question.prompt}, {"role": "assistant", "text": answer}]}


def _write(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
