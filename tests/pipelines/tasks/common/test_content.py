"""What a task needs follows from what it says, and a role that no turn has cannot count."""

import pytest
from pydantic import ValidationError

from weft.pipelines.tasks.dialogue import Task as Dialogue
from weft.pipelines.tasks.turns import Task as Turns
from weft.schemas.chat import ChatTemplate

TURNS = (
    {"role": "human", "say": ["audio", {"field": "question"}], "open": "ask"},
    {"role": "assistant", "say": {"of": ["text", "fsq"], "sizes": [1, 4], "text_pad": "pad"}},
)


@pytest.mark.parametrize("kind", [Turns, Dialogue])
def test_a_task_needs_what_its_turns_say(kind: type[Turns] | type[Dialogue]) -> None:
    template = ChatTemplate(open="bot", close="eot")
    task = kind.model_validate({"sources": ("s",), "template": template, "turns": TURNS})
    assert task.streams == ("fsq",) and task.latents == {"audio"} and task.fields == {"question"}
    assert task.markers == {"bot", "eot", "ask", "pad"}
    assert {marker for marker, _ in task.latent_markers} == {"audio-start", "audio-patch", "audio-end"}


@pytest.mark.parametrize("kind", [Turns, Dialogue])
def test_a_role_in_the_loss_that_no_turn_has_is_refused(kind: type[Turns] | type[Dialogue]) -> None:
    with pytest.raises(ValidationError, match="`loss` names the role 'asistant'"):
        kind.model_validate({"sources": ("s",), "turns": TURNS, "loss": ("asistant",)})
