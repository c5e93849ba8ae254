"""Speech, text, recognition and synthesis: what comes when, and what counts in the loss."""

from collections.abc import Callable
from dataclasses import replace
from itertools import groupby

import pytest

from weft.pipelines.tasks import speech, text, turns
from weft.pipelines.tasks.base import Material, Task
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.ledger import Unusable
from weft.schemas.text import Document

Make, Weave, Names = Callable[..., Material], Callable[..., SampleBuilder], Callable[[int], str]
SPEECH = speech.Task(sources=("speech",), stream="hubert")
SPOKEN, WRITTEN = {"role": "human", "say": "hubert", "open": "speech"}, {"role": "human", "say": "text", "open": "text"}
ASR, TTS = (
    turns.Task.model_validate(
        {"sources": ("speech",), "turns": [asked, {"role": "assistant", "count_open": True, **answer}]}
    )
    for asked, answer in ((SPOKEN, {"say": "text", "open": "asr"}), (WRITTEN, {"say": "hubert", "open": "tts"}))
)
BOTH = {"loss": ("human", "assistant")}


def without_text(given: Material) -> Material:
    spoken = replace(given.spoken[0], utterance=replace(given.spoken[0].utterance, text=""))
    return replace(given, spoken=(spoken,))


def kinds(ids: list[int], names: Names) -> str:
    """`bos speech h asr w`: runs of units and of words as one letter."""
    named = [name if name.isalpha() else name[0] for name in map(names, ids)]
    return " ".join(kind for kind, _ in groupby(named))


@pytest.mark.parametrize(
    ("task", "order", "loss"),
    [
        (SPEECH, "bos speech h", "speech h"),
        (ASR, "bos speech h asr w", "asr w"),
        (ASR.model_copy(update=BOTH), "bos speech h asr w", "h asr w"),
        (TTS, "bos text w tts h", "tts h"),
        (TTS.model_copy(update=BOTH), "bos text w tts h", "w tts h"),
    ],
    ids=["speech", "asr", "asr with input", "tts", "tts with input"],
)
def test_order_and_loss(material: Make, woven: Weave, names: Names, task: Task, order: str, loss: str) -> None:
    made = woven(task, material(9))
    assert kinds(made.ids, names) == order
    assert kinds([i for s in made.segments if s.loss for i in made.ids[s.begin : s.end]], names) == loss


@pytest.mark.parametrize("dedup", [True, False])
@pytest.mark.parametrize("rate", [12.5, 25.0, 50.0])
@pytest.mark.parametrize("task", [SPEECH, ASR, TTS], ids=["speech", "asr", "tts"])
def test_all_units_of_the_utterance_are_there(
    material: Make, woven: Weave, task: Task, rate: float, dedup: bool
) -> None:
    for seed in range(8):
        given = material(9, seed, dedup, rate)
        assert tuple(i - 1100 for i in woven(task, given).ids if i >= 1100) == given.spoken[0].codes["hubert"].ids


@pytest.mark.parametrize(
    ("task", "order"),
    [(ASR, ["speech", "speech", "text", "text"]), (TTS, ["text", "text", "speech", "speech"])],
    ids=["asr", "tts"],
)
def test_roles_say_which_is_input_and_which_is_target(
    material: Make, woven: Weave, task: Task, order: list[str]
) -> None:
    made = woven(task, material(9))
    assert [s.role for s in made.segments] == ["bos", "input", "input", "target", "target"]
    assert [s.modality for s in made.segments[1:]] == order


@pytest.mark.parametrize("task", [ASR, TTS], ids=["asr", "tts"])
def test_a_transcript_is_needed(material: Make, woven: Weave, task: Task) -> None:
    given = material(3)
    with pytest.raises(Unusable) as fault:
        woven(task, without_text(given))
    assert fault.value.reason == "no_transcript"


def test_text_takes_documents(woven: Weave, names: Names) -> None:
    task = text.Task(sources=("books",))
    made = woven(task, Material(Document("d-0", "books", "w3 w4")))
    assert task.takes is Document
    assert [names(i) for i in made.ids] == ["bos", "text", "w3", "w4"]
    assert all(s.modality == "text" for s in made.segments)
    with pytest.raises(Unusable):
        woven(task, Material(Document("d-0", "books", "")))
