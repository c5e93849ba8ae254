"""A dialogue as one sample: what is spoken, what is written, and what is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.pipelines.audio.held import HeldAudio
from weft.pipelines.encoders.step_audio import Encoder
from weft.pipelines.latents import Encoders
from weft.pipelines.tasks.base import Material, Spoken
from weft.pipelines.tasks.common.latents import Latents
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.pipelines.tasks.dialogue import Task
from weft.schemas.audio import Audio, Codes, Utterance
from weft.schemas.chat import ChatTemplate
from weft.schemas.ledger import Unusable
from weft.schemas.text import Dialogue, Turn
from weft.schemas.vocabulary import Codebook, Marker, Vocabulary

LITERALS = {
    "bot": "<|BOT|>",
    "eot": "<|EOT|>",
    "start": "<s>",
    "end": "</s>",
    "call": "<tool_call>",
    "called": "</tool_call>",
}
MARKERS = tuple(Marker(name=name, literal=literal, id=n) for n, (name, literal) in enumerate(LITERALS.items()))
BOOK = Codebook(tokenizer="hubert", literal="[Hu{}]", first=100, size=50)
VOCABULARY = Vocabulary(text_size=0, bos=None, markers=MARKERS, codebooks=(BOOK,), size=0, text_fingerprint="")
TEMPLATE = ChatTemplate(open="bot", close="eot", roles={"tool": "function_output"})
ENTRIES = (
    {"role": "human", "say": "hubert"},
    {"role": "assistant", "say": ["text", "hubert"], "open": "start", "close": "end"},
)
ASKED = Turn(speaker="h", role="human", text="How are you?")
ANSWERED = Turn(speaker="a", role="assistant", text="Fine.")
CALL = json.dumps({"name": "weather", "arguments": {"city": "Köln"}})
RESULT = json.dumps({"name": "weather", "content": {"celsius": 24}})


def task(**settings: Any) -> Task:
    return Task.model_validate({"sources": ("chats",), "template": TEMPLATE, "turns": ENTRIES, **settings})


def material(*turns: Turn, tools: str = "", split: str = "train") -> Material:
    """Every spoken turn has one code: its number."""
    spoken = tuple(_spoken(number, turn, split) for number, turn in enumerate(turns) if turn.is_spoken)
    return Material(Dialogue(key="d", source="chats", turns=turns, tools=tools), spoken)


def _spoken(number: int, turn: Turn, split: str) -> Spoken:
    utterance = Utterance(
        key=f"d-{number:04d}", recording="d", source="chats", audio=Audio("/a"), sha256="", start=0.0, end=0.04,
        text=turn.text, dialogue="d", turn=number, role=turn.role, split=split,
    )  # fmt: skip
    codes = Codes(
        key=utterance.key, seconds=0.04, tokenizers=("hubert",), models=("m",), rate=25.0, ticks=1, which=(0,), ids=(number,),
        starts=(0,),
    )  # fmt: skip
    return Spoken(utterance=utterance, codes={"hubert": codes})


def written(made: SampleBuilder, texts: list[str], counted: bool = False) -> str:
    """The sample as text; what counts alone, where `counted`."""
    literals = {m.id: m.literal for m in MARKERS}
    ids = [i for s in made.segments if s.loss or not counted for i in made.ids[s.begin : s.end]]
    return "".join(texts[i - 1000] if i >= 1000 else BOOK.spelt(i - 100) if i >= 100 else literals[i] for i in ids)


@pytest.fixture
def compose() -> Callable[..., tuple[str, str]]:
    """The sample of a dialogue, and the part of it that counts."""

    def made(task: Task, material: Material) -> tuple[str, str]:
        texts: list[str] = []

        def encode(text: str) -> list[int]:
            texts.append(text)
            return [999 + len(texts)]

        builder = SampleBuilder(VOCABULARY, encode)
        task.compose(material, builder, Random(0))
        return written(builder, texts), written(builder, texts, counted=True)

    return made


Compose = Callable[..., tuple[str, str]]


def test_turns_in_the_modality_of_their_role(compose: Compose) -> None:
    whole, counted = compose(task(), material(ASKED, ANSWERED))
    assert whole == "<|BOT|>human\n[Hu0]<|EOT|><|BOT|>assistant\n<s>Fine.[Hu1]</s><|EOT|>"
    assert counted == "Fine.[Hu1]</s><|EOT|>"


def test_both_roles_may_count(compose: Compose) -> None:
    _, counted = compose(task(loss=("human", "assistant")), material(ASKED, ANSWERED))
    assert counted == "[Hu0]<|EOT|>Fine.[Hu1]</s><|EOT|>"


def test_system_prompt_tools_call_and_result_are_text(compose: Compose) -> None:
    turns = (
        Turn(speaker="system", role="system", text="Be kind."), ASKED, replace(ANSWERED, tool_call=CALL),
        Turn(speaker="tool", role="tool", text="", tool_result=RESULT), replace(ANSWERED, text="Warm."),
    )  # fmt: skip
    whole, counted = compose(task(), material(*turns, tools='[{"name": "weather"}]'))
    call = '<tool_call>function\nweather\n{"city": "Köln"}</tool_call>'
    assert whole == (
        '<|BOT|>system\nBe kind.<|EOT|><|BOT|>tool_json_schemas\n[{"name": "weather"}]<|EOT|><|BOT|>human\n[Hu1]<|EOT|>'
        f"<|BOT|>assistant\n<s>Fine.[Hu2]</s>{call}<|EOT|>"
        '<|BOT|>function_output\nweather\n{"celsius": 24}<|EOT|><|BOT|>assistant\n<s>Warm.[Hu4]</s><|EOT|>'
    )
    assert counted == f"Fine.[Hu2]</s>{call}<|EOT|>Warm.[Hu4]</s><|EOT|>"
    marked = TEMPLATE.model_copy(update={"call_open": "call", "call_close": "called"})
    assert compose(task(template=marked), material(*turns, tools="[]"))[0].count("<tool_call>") == 1


def test_a_bare_tool_call_is_no_speech(compose: Compose) -> None:
    whole, _ = compose(task(), material(ASKED, replace(ANSWERED, text="", tool_call=CALL)))
    assert whole.endswith('<|BOT|>assistant\n<tool_call>function\nweather\n{"city": "Köln"}</tool_call><|EOT|>')


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (replace(material(ASKED, ANSWERED), spoken=material(ASKED, ANSWERED).spoken[:1]), "missing_turn"),
        (replace(material(ASKED), spoken=()), "missing_turn"),
        (material(ASKED, replace(ANSWERED, role="")), "unknown_role"),
        (material(ASKED, ANSWERED, tools="[]"), "no_system_turn"),
    ],
    ids=["a lost turn", "all turns lost", "a role the task does not know", "tools without a system turn"],
)
def test_a_dialogue_that_cannot_be_written_whole_is_refused(compose: Compose, given: Material, reason: str) -> None:
    with pytest.raises(Unusable) as fault:
        compose(task(), given)
    assert fault.value.reason == reason


PIECES = (ASKED, replace(ANSWERED, text="Great!", emotion="happy"), replace(ANSWERED, text="But no.", emotion="sad"))


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        ("state", "<s>Great![Hu1]</s><s>But no.[Hu2]</s><|EOT|>"),
        ("joined", "<s>Great![Hu1]But no.[Hu2]</s><|EOT|>"),
        ("turns", "<s>Great![Hu1]</s><|EOT|><|BOT|>assistant\n<s>But no.[Hu2]</s><|EOT|>"),
    ],
)
def test_an_answer_in_pieces_is_one_turn(compose: Compose, pieces: str, answer: str) -> None:
    whole, counted = compose(task(pieces=pieces), material(*PIECES))
    assert whole == f"<|BOT|>human\n[Hu0]<|EOT|><|BOT|>assistant\n{answer}"
    assert counted.startswith("Great![Hu1]") and counted.endswith("But no.[Hu2]</s><|EOT|>")


def test_pieces_end_where_the_speaker_changes_or_a_tool_is_called(compose: Compose) -> None:
    asked, first, second = PIECES
    called = compose(task(pieces="state"), material(asked, replace(first, tool_call=CALL), second))[0]
    assert called.count("<|BOT|>assistant") == 2 and called.count("<tool_call>") == 1
    last = compose(task(pieces="state"), material(asked, first, replace(second, tool_call=CALL)))[0]
    assert last.count("<|BOT|>assistant") == 1 and last.endswith("</tool_call><|EOT|>")
    people = [replace(turn, role="", speaker=name) for turn, name in zip(PIECES, "abb", strict=True)]
    entries = ({"role": "", "say": "hubert"},)
    assert compose(task(pieces="state", turns=entries, loss=("",)), material(*people))[0].count("<|BOT|>") == 2


def test_a_dialogue_of_which_nothing_counts_is_refused(compose: Compose) -> None:
    people = material(replace(ASKED, role=""), replace(ANSWERED, role=""))
    entries = (*ENTRIES, {"role": "", "say": "hubert"})
    with pytest.raises(Unusable, match="none of its turns has a role in `loss`; its roles are ''") as fault:
        compose(task(turns=entries), people)
    assert fault.value.reason == "no_loss"
    assert compose(task(turns=entries, loss=("", "assistant")), people)[1]


def test_of_two_answers_the_chosen_one_is_written(compose: Compose) -> None:
    """The one that is not written may have been rejected before."""
    given = material(ASKED, replace(ANSWERED, answer="chosen"), replace(ANSWERED, text="No.", answer="rejected"))
    whole, _ = compose(task(), replace(given, spoken=given.spoken[:2]))
    assert whole.endswith("<s>Fine.[Hu1]</s><|EOT|>") and "No." not in whole


def test_a_role_that_is_to_count_needs_an_entry() -> None:
    with pytest.raises(
        ValidationError,
        match="`loss` names the role 'assistant', and no entry of `turns` has it: their roles are 'human'",
    ):
        task(turns=ENTRIES[:1])
    with pytest.raises(ValidationError, match="at least 1 item"):
        task(loss=())


def test_a_role_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="two entries have one role"):
        task(turns=(*ENTRIES, ENTRIES[0]))


def test_a_role_may_be_latent_audio() -> None:
    patches = tuple(
        Marker(name=f"audio-{part}", literal=f"<audio_{part}>", id=10 + n, modality="audio")
        for n, part in enumerate(("start", "patch", "end"))
    )
    chat = task(turns=({"role": "human", "say": "audio"}, {"role": "assistant", "say": "text"}))
    latents = Latents(encoders=Encoders(audio=Encoder()), audio=HeldAudio(samples=np.zeros(6_400, np.float32)))
    vocabulary = replace(VOCABULARY, markers=MARKERS + patches)
    made = SampleBuilder(vocabulary, lambda text: [99] * len(text.split()), latents)
    chat.compose(material(ASKED, ANSWERED, ASKED, ANSWERED), made, Random(0))
    spans = [(s.end - s.begin, s.start, s.stop) for s in made.segments if s.role == "placeholders"]
    assert spans == [(5, 0.0, 0.4), (5, 0.4, 0.8)] and sum(map(len, made.audio)) == 12_800
    assert chat.latents == {"audio"} and {name for name, _ in chat.latent_markers} == {m.name for m in patches}
    assert not any(s.loss for s in made.segments if s.modality == "audio")


@pytest.mark.parametrize(("exchanges", "spoken"), [("spoken", "0123"), ("speech-first", "01"), ("text-first", "23")])
def test_exchanges_alternate_between_speech_and_text(compose: Compose, exchanges: str, spoken: str) -> None:
    whole, _ = compose(task(exchanges=exchanges), material(ASKED, ANSWERED, ASKED, ANSWERED))
    assert "".join(code for code in "0123" if f"[Hu{code}]" in whole) == spoken
    assert whole.count("Fine.") == 2 and whole.count("How are you?") == 2 - len(spoken) // 2
