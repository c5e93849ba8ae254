"""In how many replies of a checkpoint text and codes stand in the ratio that it was taught: 50 replies to held-out prompts.

A prompt is a held-out dialogue up to one of its answers. Replies are sampled, several to a prompt where there are few
prompts; at temperature 0 each prompt has one. The answers that the prompts have in the corpus are counted too: what is asked of
the replies is what was taught where all of them obey.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise

import numpy as np

from weft.benchmarks.learning.trained import LearningCorpus
from weft.trainer import runs
from weft.trainer.loader import Draw
from weft.trainer.objectives.factory import reply_ends
from weft.trainer.replies import PromptSample, Reply
from weft.trainer.rewards.base import Scoring
from weft.trainer.rewards.format import Reward as Format

REPLIES, NEW_TOKENS = 50, 400
TEMPERATURES = (1.0, 0.7, 0.0)  # at 0 the likeliest token is taken


@dataclass(frozen=True)
class Taught:
    """What a system was taught to answer: by which stages and merges, the last one last, a task with its answers, and their form."""

    stages: tuple[str, ...]
    task: str
    form: Format


SYSTEMS = {
    "step-audio-2-small": Taught(
        stages=("sft", "rl-3"),
        task="s2s-chat",
        form=Format(
            of=("text", "fsq"), sizes=(1, 4), text_pad="tts-pad", audio_pad="audio-pad", open="tts-start", close="tts-end",
        ),
    ),
    "step-audio-aqaa-small": Taught(
        stages=("sft-1", "final"),
        task="aqtaa",
        form=Format(of=("text", "dual"), sizes=(10, 15), open="audio-start", close="audio-end"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Obeying:
    """Of `replies` replies to `prompts` prompts, those that ended, and those that are whole and in the ratio; and how many of the
    prompts' own answers are.
    """

    prompts: int
    own_right: int
    replies: int
    ended: int
    right: int


def count_obeying(corpus: LearningCorpus, taught: Taught, stage: str, temperature: float) -> Obeying:
    """Of what a stage or merge ended with. Raises ValueError where no answer of the task is held out."""
    ends, dialogues = reply_ends(corpus.vocabulary), (d for d in corpus.held_out.read() if d.task == taught.task)
    own = list(islice((answer for dialogue in dialogues for answer in own_answers(dialogue, ends)), REPLIES))
    if not own:
        raise ValueError(f"no held-out answer of the task {taught.task!r}")
    prompts = [answer.prompt for answer in own]
    each = -(-REPLIES // len(prompts)) if temperature else 1
    network = corpus.network(stage, runs.start_of(corpus.folder, stage))
    sampled = corpus.replies(network, prompts, NEW_TOKENS, temperature=temperature, each=each)
    one_each_first = [reply for number in range(each) for reply in sampled[number::each]]
    replies = one_each_first[:REPLIES]
    is_opened = int(prompts[0].draw.ids[-1]) == corpus.vocabulary.marker(taught.form.open).id
    form = taught.form.model_copy(update={"opened": is_opened})
    scoring = Scoring(vocabulary=corpus.vocabulary, reader=corpus.reader)
    return Obeying(
        prompts=len(prompts),
        own_right=round(sum(form.scores(own, scoring))),
        replies=len(replies),
        ended=sum(reply.ended for reply in replies),
        right=round(sum(form.scores(replies, scoring))),
    )


def own_answers(draw: Draw, ends: Collection[int]) -> Iterator[Reply]:
    """The answers of a dialogue as replies, each to what stands before it; any of `ends` ends a turn."""
    for begin, stop in answers_of(draw):
        before = replace(draw, ids=draw.ids[:begin], stretches=tuple(s for s in draw.stretches if s.end <= begin))
        ids = draw.ids[begin:stop].astype(np.int64)
        end = int(ids[-1]) if ids[-1] in ends else None
        prompt = PromptSample(draw=before, key="", answer="")
        yield Reply(prompt=prompt, ids=ids if end is None else ids[:-1], end=end, text="")


def answers_of(draw: Draw) -> list[tuple[int, int]]:
    """Where each answer begins and ends: stretches of counted tokens, those that touch being one."""
    spans = draw.loss.tolist()
    inner = [(first[1], second[0]) for first, second in pairwise(spans) if second[0] > first[1]]
    bounds = [spans[0][0], *(bound for gap in inner for bound in gap), spans[-1][1]] if spans else []
    return list(zip(bounds[::2], bounds[1::2], strict=True))
