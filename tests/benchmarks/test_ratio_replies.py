"""The answers of a dialogue are what its counted stretches are, and obey the form that their replies are checked by."""

import numpy as np
import pytest

from tests.trainer.toys import AUDIO_PAD, CLOSE, CODE, END, OPEN, SCORING, TEXT_PAD
from weft.benchmarks.support.ratio_replies import SYSTEMS, answers_of, own_answers
from weft.trainer.loader import Draw


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
