"""In how many replies of a checkpoint text and codes stand in the ratio that it was taught: 50 replies to held-out prompts.

A prompt is a held-out dialogue up to one of its answers. Replies are sampled at temperature 1, several to a prompt where there are few.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path

from weft.benchmarks.learning.trained import LearningCorpus
from weft.trainer.generation import Decoding
from weft.trainer.loader import Draw
from weft.trainer.objectives.factory import reply_ends
from weft.trainer.replies import PromptSample
from weft.trainer.rewards.base import Scoring
from weft.trainer.rewards.format import Reward as Format
from weft.trainer.rollouts import Rollouts

REPLIES, NEW_TOKENS = 50, 400


@dataclass(frozen=True)
class Taught:
    """What a system was taught to answer: the last stage or merge, a task with its answers, and their form."""

    stage: str
    task: str
    form: Format


SYSTEMS = {
    "step-audio-2-small": Taught(
        stage="rl-3",
        task="s2s-chat",
        form=Format(
            of=("text", "fsq"), sizes=(1, 4), text_pad="tts-pad", audio_pad="audio-pad", open="tts-start", close="tts-end",
        ),
    ),
    "step-audio-aqaa-small": Taught(
        stage="final",
        task="aqtaa",
        form=Format(of=("text", "dual"), sizes=(10, 15), open="audio-start", close="audio-end"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Obeying:
    """Of `replies` replies to `prompts` prompts, those that ended, and those that are whole and in the ratio."""

    prompts: int
    replies: int
    ended: int
    right: int


def count_obeying(corpus: LearningCorpus, taught: Taught, weights: Path) -> Obeying:
    """Of the checkpoint `weights` of the stage or merge. Raises ValueError where no answer of the task is held out."""
    prompts = list(islice(_prompts(corpus, taught.task), REPLIES))
    if not prompts:
        raise ValueError(f"no held-out answer of the task {taught.task!r}")
    decoding = Decoding(new_tokens=NEW_TOKENS, ends=reply_ends(corpus.vocabulary))
    rollouts = Rollouts(
        decoding=decoding, reader=corpus.reader, seed=0, forward_tokens=8192, encoders=corpus.measuring.encoders
    )
    each = -(-REPLIES // len(prompts))
    sampled = rollouts.sample(corpus.network(taught.stage, weights), prompts, step=0, each=each)
    replies = [rollout.reply for rollout in sampled][:REPLIES]
    is_opened = int(prompts[0].draw.ids[-1]) == corpus.vocabulary.marker(taught.form.open).id
    form = taught.form.model_copy(update={"opened": is_opened})
    scores = form.scores(replies, Scoring(vocabulary=corpus.vocabulary, reader=corpus.reader))
    return Obeying(
        prompts=len(prompts),
        replies=len(replies),
        ended=sum(reply.ended for reply in replies),
        right=round(sum(scores)),
    )


def _prompts(corpus: LearningCorpus, task: str) -> Iterator[PromptSample]:
    for draw in corpus.held_out.read():
        for begin in _answers(draw) if draw.task == task else ():
            before = replace(draw, ids=draw.ids[:begin], stretches=tuple(s for s in draw.stretches if s.end <= begin))
            yield PromptSample(draw=before, key="", answer="")


def _answers(draw: Draw) -> list[int]:
    """The tokens at which counted stretches begin."""
    spans = draw.loss.tolist()
    return [spans[0][0], *(second[0] for first, second in pairwise(spans) if second[0] > first[1])] if spans else []
