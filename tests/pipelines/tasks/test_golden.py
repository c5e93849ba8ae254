"""Every task writes its golden sample: literal, loss and modality of each token, as they were typed from the papers.

The test has a vocabulary of its own, whose ids it numbers by the literals of the sample, and computes nothing of a sample itself.
"""

import json
import re
import struct
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from itertools import accumulate, pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from tests.pipelines.audio.held import Silence
from weft.pipelines.choices.registry import load
from weft.pipelines.encoders.step_audio import Encoder
from weft.pipelines.image_encoders.grid import ImageEncoder
from weft.pipelines.latents import Encoders
from weft.pipelines.merge import merge
from weft.pipelines.tasks.base import Material, Spoken, Task
from weft.pipelines.tasks.common.latents import Latents
from weft.pipelines.tasks.common.sample_builder import SampleBuilder
from weft.schemas.audio import Alignment, Audio, Codes, Field, Utterance, Word
from weft.schemas.chat import ChatTemplate
from weft.schemas.fingerprint import digest
from weft.schemas.passage import Passage
from weft.schemas.recipe_sections import StreamSettings
from weft.schemas.text import Dialogue, Document, Turn
from weft.schemas.vocabulary import Codebook, Marker, Vocabulary

GOLDEN = Path(__file__).parents[2] / "golden"
BOOKS = {
    "hubert": ("[Hu{}]", 501), "pitch": ("[Pi{}]", 64), "style": ("[St{}]", 100), "fsq": ("<audio_{}>", 6561),
    "linguistic": ("<audio_{}>", 1024), "semantic": ("<audio_{1024}>", 4096), "glm": ("<|audio_{}|>", 16384),
}  # fmt: skip
MARKERS = {
    "text": "[Text]", "speech": "[Speech]", "asr": "[ASR]", "tts": "[TTS]", "bot": "<|BOT|>", "eot": "<|EOT|>",
    "audio-start": "<audio_start>", "audio-end": "<audio_end>", "tts-start": "<tts_start>", "tts-end": "<tts_end>",
    "tts-pad": "<tts_pad>", "audio-pad": "<audio_6561>", "tool-call": "<tool_call>", "tool-call-end": "</tool_call>",
    "audio-patch": "<audio_patch>", "image-start": "<image_start>", "image-patch": "<image_patch>", "image-end": "<image_end>",
}  # fmt: skip
SPEECH = {"speech", "tts", "audio-start", "audio-end", "tts-start", "tts-end", "audio-pad"}
IMAGE = {"image-start", "image-patch", "image-end"}
LATENT = {"audio-start", "audio-patch", "audio-end"}  # of Step-Audio 2, where the first and the last of AQAA are speech
STEP_AUDIO = ChatTemplate(
    open="bot", close="eot", roles={"tool": "function_output"}, call_open="tool-call", call_close="tool-call-end"
)
ENCODERS = Encoders(audio=Encoder(), image=ImageEncoder(size=64, patch=32))
_BOS, _FIRST_MARKER, _FIRST_CODE, _FIRST_WORD = 0, 1, 1_000, 1_000_000


def samples() -> list[str]:
    """The golden samples of the tasks that there are."""
    return sorted(file.stem for file in GOLDEN.glob("*.yaml") if "recipe" in yaml.safe_load(file.read_text("utf-8")))


class Toy:
    """Ids and literals: words are numbered as they come, a word with the space before it; codes and markers as in the papers."""

    def __init__(self, has_latents: bool = False) -> None:
        speech, audio = (SPEECH - LATENT, LATENT) if has_latents else (SPEECH, set())
        firsts = accumulate((size for _, size in BOOKS.values()), initial=_FIRST_CODE)
        self.books = tuple(
            Codebook(tokenizer=name, literal=literal, first=first, size=size)
            for (name, (literal, size)), first in zip(BOOKS.items(), firsts, strict=False)
        )
        self.markers = tuple(
            Marker(name=name, literal=literal, id=_FIRST_MARKER + n, modality=modality_of(name, speech, audio))
            for n, (name, literal) in enumerate(MARKERS.items())
        )
        self.words: list[str] = []

    def vocabulary(self, bos: bool) -> Vocabulary:
        return Vocabulary(
            text_size=0,
            bos=_BOS if bos else None,
            markers=self.markers,
            codebooks=self.books,
            size=0,
            text_fingerprint="",
        )

    def encode(self, text: str) -> list[int]:
        pieces = re.findall(r"\n| ?[^ \n]+", text)
        assert "".join(pieces) == text
        self.words += [piece.replace(" ", "▁") for piece in pieces]
        return list(range(_FIRST_WORD + len(self.words) - len(pieces), _FIRST_WORD + len(self.words)))

    def literal(self, i: int) -> str:
        if i >= _FIRST_WORD:
            return self.words[i - _FIRST_WORD]
        if i >= _FIRST_CODE:
            return next(b.spelt(i - b.first) for b in self.books if b.first <= i < b.first + b.size)
        return self.markers[i - _FIRST_MARKER].literal if i else "<s>"


def modality_of(marker: str, speech: set[str], audio: set[str]) -> str:
    sets = {"speech": speech, "audio": audio, "image": IMAGE}
    return next((modality for modality, names in sets.items() if marker in names), "text")


def codes_of(name: str, given: dict[str, Any], seconds: float) -> Codes:
    rate = 50 / 3 if given["rate"] == 16.7 else float(given["rate"])
    ends = list(accumulate(given.get("durations", [1] * len(given["ids"])), initial=0))
    return Codes(
        key="u", seconds=seconds, tokenizers=(name,), models=("m",), rate=rate, ticks=ends[-1],
        which=(0,) * len(given["ids"]), ids=tuple(given["ids"]), starts=tuple(ends[:-1]),
    )  # fmt: skip


def spoken_of(given: dict[str, Any], streams: dict[str, StreamSettings]) -> Spoken:
    words = tuple(Word(w["w"], w["begin"], w["end"]) for w in given.get("words", ()))
    seconds = (
        given["audio"]["seconds"]
        if "audio" in given
        else given.get("seconds", given.get("end", 0.0) - given.get("begin", 0.0))
    )
    text = given.get("text") or " ".join(word.text for word in words)
    utterance = Utterance(
        key="u", recording="r", source="s", audio=Audio("/a"), sha256="", start=0.0, end=seconds, text=text,
        fields=fields_of(given),
    )  # fmt: skip
    codes = {name: codes_of(name, one, seconds) for name, one in given.get("codes", {}).items()}
    merged = {name: merge([codes[of] for of in stream.of], stream) for name, stream in streams.items()}
    alignment = Alignment(key="u", seconds=seconds, aligner="x", words=words, score=0.0)
    return Spoken(utterance=utterance, alignment=alignment, codes={**codes, **merged})


def fields_of(given: dict[str, Any]) -> tuple[Field, ...]:
    """The texts of an utterance beside its transcript; of some the sample tells more than the text."""
    texts = {name: given[name] for name in ("question", "answer", "caption", "thought", "translation") if name in given}
    return tuple(
        Field(name, text if isinstance(text, str) else text.get("text") or text["value"])
        for name, text in texts.items()
    )


def material_of(golden: dict[str, Any]) -> Material:
    given = golden["material"]
    if "documents" in given:
        return Material(Document("d", "s", given["documents"][0]["text"]))
    streams = {name: StreamSettings(**stream) for name, stream in golden.get("streams", {}).items()}
    if "images" in given:
        (image,) = given["images"]
        caption = spoken_of({"seconds": 0.0, "text": image["caption"]}, {})
        return Material(caption.utterance, (caption,), image=png(image["width"], image["height"]))
    if "answers" in given:
        return dialogue_of(given, streams)
    if "target" in (given.get("pairs") or [{}])[0]:  # written in one language, spoken in the other
        (pair,) = given["pairs"]
        (target,) = (one for one in given["utterances"] if one["id"] == pair["target"])
        translated = spoken_of({**target, "translation": pair["source"]}, streams)
        return Material(translated.utterance, (translated,))
    if "pairs" in given:
        (pair,) = given["pairs"]
        utterances = {one["id"]: one for one in given["utterances"]}
        answers = [("assistant", utterances[pair[answer]], answer) for answer in ("chosen", "rejected")]
        return chat_of([("human", utterances[pair["query"]], ""), *answers], streams)
    if "dialogue" in given:
        turns = given["dialogue"]["turns"]
        if not any("pieces" in turn for turn in turns):
            return conversation_of(given["dialogue"], streams)
        return chat_of([(t["role"], piece, "") for t in turns for piece in t.get("pieces", [t])], streams)
    spoken = tuple(spoken_of(one, streams) for one in given["utterances"])
    if "recording" in given:
        return Material(Passage(given["recording"], tuple(one.utterance for one in spoken)), spoken)
    return Material(spoken[0].utterance, spoken)


def dialogue_of(given: dict[str, Any], streams: dict[str, StreamSettings]) -> Material:
    """A query and its answer, which may be written only."""
    (answer,) = given["answers"]
    utterances = {one["id"]: one for one in given["utterances"]}
    written = {"text": answer.get("text"), "seconds": 0.0, "codes": {}}
    pair = (utterances[answer["query"]], utterances.get(answer.get("answer"), written))
    return chat_of([(role, one, "") for role, one in zip(("human", "assistant"), pair, strict=True)], streams)


def chat_of(rows: list[tuple[str, dict[str, Any], str]], streams: dict[str, StreamSettings]) -> Material:
    """Turns by role, utterance, and which of two answers it is."""
    spoken = [spoken_of({"seconds": 0.0, **one}, streams if one["codes"] else {}) for _, one, _ in rows]
    turns = tuple(
        Turn(speaker=role, role=role, text=one["text"], emotion=one.get("emotion", ""), answer=answer)
        for role, one, answer in rows
    )
    numbered = (replace(one, utterance=replace(one.utterance, turn=n)) for n, one in enumerate(spoken))
    return Material(Dialogue(key="d", source="s", turns=turns), tuple(numbered))


def conversation_of(given: dict[str, Any], streams: dict[str, StreamSettings]) -> Material:
    """A chat whose turns are spoken where they have audio or codes, or are typed, or are what a tool returns."""
    turns, spoken = [], []
    for number, one in enumerate(given["turns"]):
        call, result = one.get("call"), {"name": one.get("name"), "content": one["text"]}
        turn = Turn(
            speaker=one.get("speaker", ""), role=one["role"], text="" if one["role"] == "tool" else one["text"],
            tool_call=json.dumps({**call, "arguments": json.loads(call["arguments"])}) if call else "",
            tool_result=json.dumps(result) if one["role"] == "tool" else "",
        )  # fmt: skip
        turns.append(turn)
        if turn.is_spoken:
            of = spoken_of({"seconds": 0.0, **one}, streams)
            spoken.append(replace(of, utterance=replace(of.utterance, turn=number)))
    tools = f"[{', '.join(given['tools'])}]" if "tools" in given else ""
    return Material(Dialogue(key="d", source="s", turns=tuple(turns), tools=tools), tuple(spoken))


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\0\0\0\0IEND\xaeB`\x82"


def task_of(golden: dict[str, Any]) -> Task:
    settings = dict(golden["recipe"])
    if settings.get("template") == "step-audio":
        settings["template"] = STEP_AUDIO
    made = load("tasks", settings.pop("use")).model_validate({"sources": ("s",), **settings})
    assert isinstance(made, Task)
    return made


def seed_of(golden: dict[str, Any], task: Task, words: int) -> int:
    """One that draws the first modality of the sample."""
    drawn = (seed for seed in range(99) if task.spans(words, Random(seed))[0].modality == golden["first"])  # type: ignore[attr-defined]
    return next(drawn)


@pytest.mark.parametrize("name", samples())
def test_the_sample_is_the_golden_one(name: str) -> None:
    golden = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text("utf-8"))
    task, material, toy = task_of(golden), material_of(golden), Toy(golden["system"] == "step-audio-2")
    latents = Latents(encoders=ENCODERS, audio=Silence())
    builder = SampleBuilder(toy.vocabulary(golden.get("bos", False)), toy.encode, latents)
    builder.begin()
    seed = seed_of(golden, task, len(material.spoken[0].words.words)) if "first" in golden else 0
    task.compose(material, builder, Random(seed))
    spans = [(s, i) for s in builder.segments for i in range(s.begin, s.end)]
    made = [(toy.literal(builder.ids[i]), s.loss, s.modality) for s, i in spans]
    wanted = [(token["t"], token["loss"], token["modality"]) for token in golden["tokens"]]
    # nothing predicts the first token, so whether it counts makes no difference
    assert made[0][::2] == wanted[0][::2]
    assert made[1:] == wanted[1:]
    edges = [0, *builder.bounds, len(made)]
    assert [list(document) for document in pairwise(edges)] == golden["documents"]
    assert builder.answer == (material.field(golden["recipe"]["answer"]) if task.keeps_answer else "")


def test_there_are_golden_samples() -> None:
    assert len(samples()) >= 20


def test_the_page_of_tasks_is_up_to_date() -> None:
    spec = spec_from_file_location("page", GOLDEN / "page.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text("utf-8") == module.page(), "`make docs` writes it"


def versions() -> dict[str, dict[str, str]]:
    """Of each kind of task its version and the digest of its golden samples."""
    kinds: dict[str, list[Any]] = {}
    made: dict[str, Task] = {}
    for name in samples():
        golden = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text("utf-8"))
        kind = golden["recipe"]["use"]
        kinds.setdefault(kind, []).append([name, golden["material"], golden["recipe"], golden["tokens"]])
        made[kind] = task_of(golden)
    return {kind: {"version": made[kind].version(), "samples": digest(some)} for kind, some in sorted(kinds.items())}


def test_a_golden_sample_that_changes_raises_the_version_of_its_task() -> None:
    """Where a digest of versions.json is another one, the task makes something else of the same: raise its version, and record both."""
    assert versions() == json.loads((GOLDEN / "versions.json").read_text("utf-8"))
