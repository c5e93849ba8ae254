"""The answers of a dialogue are what its counted stretches are, and obey the form that their replies are checked by."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.trainer.toys import AUDIO_PAD, CLOSE, CODE, END, OPEN, READER, SCORING, TEXT_PAD, VOCABULARY, reply
from weft.benchmarks.support.ratio_replies import (
    REPLIES,
    SYSTEMS,
    Obeying,
    Taught,
    answers_of,
    count_obeying,
    own_answers,
)
from weft.trainer import runs
from weft.trainer.latents import LatentSpan
from weft.trainer.loader import Draw
from weft.trainer.replies import Reply
from weft.trainer.rewards.format import Reward as Format

FORM = Format(of=("text", "fsq"), sizes=(1, 2), open="tts-start", close="tts-end")


def draw(ids: list[int], *loss: tuple[int, int]) -> Draw:
    return Draw(position=0, task="chat", ids=np.array(ids, np.int32), loss=np.array(loss, np.int32).reshape(-1, 2))


@pytest.mark.parametrize(
    ("loss", "answers"),
    [
        ((), []),
        (((2, 5),), [(2, 5)]),
        (((2, 5), (5, 6), (8, 9)), [(2, 6), (8, 9)]),
        (((0, 1), (3, 4), (4, 7), (9, 12)), [(0, 1), (3, 7), (9, 12)]),
    ],
)
def test_stretches_that_touch_are_one_answer(loss: tuple[tuple[int, int], ...], answers: list[tuple[int, int]]) -> None:
    assert answers_of(draw(list(range(12)), *loss)) == answers


def test_the_own_answers_are_judged_as_replies_are() -> None:
    whole = [OPEN, 5, CODE, CODE, CODE, CODE, TEXT_PAD, CODE, AUDIO_PAD, AUDIO_PAD, AUDIO_PAD, CLOSE, END]
    short = [OPEN, 5, CODE, CODE, CLOSE, END]
    dialogue = draw([3, *whole, 4, *short, 6], (1, 14), (15, 21))
    answers = list(own_answers(dialogue, (END,)))
    assert [answer.prompt.draw.ids.tolist() for answer in answers] == [[3], [3, *whole, 4]]
    assert [answer.ids.tolist() for answer in answers] == [whole[:-1], short[:-1]] and all(one.ended for one in answers)
    assert SYSTEMS["step-audio-2-small"].form.scores(answers, SCORING) == [1.0, 0.0]


def test_a_prompt_keeps_the_latents_before_it_alone() -> None:
    stretches = tuple(LatentSpan(modality="audio", begin=at, end=at + 1, member=None) for at in (0, 3))
    dialogue = replace(draw([3, 5, END, 3, 5, END], (1, 3), (4, 6)), stretches=stretches)
    kept = [answer.prompt.draw.stretches for answer in own_answers(dialogue, (END,))]
    assert kept == [stretches[:1], stretches]


@pytest.mark.parametrize("opened", [False, True])
def test_replies_are_counted_by_whether_they_end_and_obey(monkeypatch: pytest.MonkeyPatch, opened: bool) -> None:
    """The dialogue's own answer obeys and one of the three kinds of replies does; another is in the ratio and never ends."""
    opens, groups = [] if opened else [OPEN], [5, CODE, CODE]
    asked = [3, OPEN] if opened else [3, 4]
    dialogue = draw([*asked, *opens, *groups, CLOSE, END], (len(asked), len(asked) + len(opens) + 5))
    right, broken = [*opens, *groups, CLOSE], [*opens, CODE, CODE, 5, CLOSE]
    kinds = [reply(right), reply(broken), reply(right, ended=False)]
    sampled = [kinds[n % 3] for n in range(REPLIES + 1)]
    given: dict[str, Any] = {}

    def replies(network: object, prompts: object, new_tokens: int, temperature: float, each: int) -> list[Reply]:
        given.update(each=each, temperature=temperature)
        return sampled[:each]

    monkeypatch.setattr(runs, "start_of", lambda folder, stage: folder / stage)
    corpus: Any = SimpleNamespace(
        vocabulary=VOCABULARY, reader=READER, folder=Path("run"), measuring=SimpleNamespace(encoders={}),
        held_out=SimpleNamespace(read=lambda: iter([dialogue])), network=lambda stage, weights: None,
        replies=replies,
    )  # fmt: skip
    found = count_obeying(corpus, Taught(stages=("sft",), task="chat", form=FORM), stage="sft", temperature=0.7)
    assert found == Obeying(prompts=1, own_right=1, replies=50, ended=34, right=17)
    assert given == {"each": 50, "temperature": 0.7}
    likeliest = count_obeying(corpus, Taught(stages=("sft",), task="chat", form=FORM), stage="sft", temperature=0.0)
    assert (likeliest.replies, given) == (1, {"each": 1, "temperature": 0.0})


def test_without_a_held_out_answer_nothing_is_counted() -> None:
    corpus: Any = SimpleNamespace(vocabulary=VOCABULARY, held_out=SimpleNamespace(read=lambda: iter([])))
    with pytest.raises(ValueError, match="no held-out answer of the task 'chat'"):
        count_obeying(corpus, Taught(stages=("sft",), task="chat", form=FORM), stage="sft", temperature=1.0)
