"""The corpus of `answers.yaml`: questions with a good and a bad answer, and answers read by other voices."""

from pathlib import Path

from weft.benchmarks.learning.trained import LearningCorpus
from weft.benchmarks.support import speech
from weft.pipelines.writers.preferences import preferences

READ, SEED = 800, 4


def built(folder: Path) -> LearningCorpus:
    """Speaks what is missing, and builds what is missing."""
    place = folder / "answers"
    speech.speak_lines(place / "read", [one.chosen for _, one in preferences(READ, SEED)])
    return LearningCorpus.built("answers", place, [f"sources.read.path={place / 'read'}"])
