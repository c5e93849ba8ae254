"""A reply ends where generation with a checkpoint would, and a row of it is a prompt and the reply."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from tests.trainer.toys import END, FILES, VOCABULARY, prompt
from weft.schemas.training import TrainingStage
from weft.trainer.models.starting import starting
from weft.trainer.objectives.factory import ObjectiveInputs, practice_of
from weft.trainer.prompts import PromptBatch
from weft.trainer.rewards.length import Reward as Length
from weft.trainer.rollouts import rows_of_replies
from weft.trainer.stream import StreamState

END_OF_TEXT = 19


@pytest.mark.parametrize("end", [END, END_OF_TEXT])
def test_the_end_of_a_text_ends_a_reply_too(make_prompt_stage: Callable[..., TrainingStage], end: int) -> None:
    stage = make_prompt_stage(
        {"use": "grpo", "prompts": 1, "group": 16, "rewards": ["length"], "sampling": {"new_tokens": 5}}
    )
    vocabulary = replace(VOCABULARY, ends=(END, END_OF_TEXT))
    network = starting(stage, vocabulary, seed=0)
    with torch.no_grad():
        network.lm.get_output_embeddings().weight[end] *= 9
    practice = practice_of(
        stage, stage.objective, vocabulary, ObjectiveInputs(files=FILES, rewards=(Length(of="reply", most=9),))
    )
    asked = (prompt([4, 5, 6]),)
    sampled = practice.rollouts.sample(network, asked, step=1, each=16)
    ended = [one for one in sampled if one.reply.end == end]
    assert ended and {one.reply.end for one in sampled} <= {None, END, END_OF_TEXT}
    for one in sampled:
        tail = [] if one.reply.end is None else [one.reply.end]
        assert one.reply.ids.tolist() + tail == one.drawn.ids.tolist()
        assert not {END, END_OF_TEXT} & set(one.reply.ids.tolist())
        assert one.reply.ended or len(one.reply.ids) == 5
    rows = rows_of_replies(sampled, PromptBatch(prompts=asked, tasks=("ask",), after=StreamState(step=1)))
    for row, one in enumerate(sampled):
        assert rows.ids_BT[row][rows.loss_mask_BT[row]].tolist() == one.drawn.ids.tolist()
        assert rows.ids_BT[row, :3].tolist() == [4, 5, 6] and not rows.loss_mask_BT[row, :3].any()
