"""Every task over every source: it makes a sample of at least one record, or the recipe is refused before anything is built."""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weft.jobs.checks.material import Fits, fits
from weft.pipelines.audio.sound import flac
from weft.pipelines.choices import registry
from weft.pipelines.choices.recipe_faults import RecipeFault
from weft.pipelines.compose import Compose
from weft.pipelines.encoders.step_audio import Encoder
from weft.pipelines.graph import Pipeline
from weft.pipelines.image_encoders.grid import ImageEncoder
from weft.pipelines.models.folders import commit_model
from weft.pipelines.parts.joining import GroupedRow, JoinedRow
from weft.pipelines.segmenters.common.utterances import utterances_of, whole
from weft.pipelines.sources.pictures import drawn
from weft.pipelines.storage.store import Store
from weft.pipelines.tasks.base import Task
from weft.pipelines.turns import Turns
from weft.pipelines.writers.pictures import Shape
from weft.schemas.audio import Alignment, Audio, Codes, Field, Recording, Supervision, Utterance, Word
from weft.schemas.passage import Passage
from weft.schemas.recipe import Recipe
from weft.schemas.sample import ShardSample
from weft.schemas.text import Dialogue, Document, Turn
from weft.schemas.vocabulary import Entry
from weft.tokenizers import bpe
from weft.tokenizers.unified import save, unify

TEXT = "the cat sat on the mat"
AUDIO = Audio("", data=flac(np.zeros(16000, np.float32), 16000))
MODALITIES = {"speech": "speech", "audio-start": "audio", "audio-patch": "audio", "audio-end": "audio", "image-start": "image",
              "image-patch": "image", "image-end": "image"}  # fmt: skip
MARKERS = ["text", *MODALITIES, "bot", "eot"]
SOUND = (
    "folder",
    "manifest",
    "kaldi",
    "lhotse",
    "huggingface",
    "tars",
    "urls",
)  # of the user; their records are made here
WRITTEN = ("grammar", "pairs", "preferences", "tools", "checkable", "pictures", "questions", "scenes")  # by weft
FIELDS = ("question", "answer", "caption", "translation", "thought", "chosen", "rejected")

HUMAN = {"role": "human", "say": "hubert"}
ANSWERS = {"role": "assistant", "say": {"field": "answer"}}
ASKED, REPLY = {"role": "human", "say": "audio"}, {"role": "assistant", "say": "text"}
TALK = [HUMAN, {"role": "assistant", "say": {"of": ["text", "hubert"], "sizes": [1, 2]}}]
TASKS: dict[str, dict[str, Any]] = {
    "text": {"use": "text"},
    "speech": {"use": "speech"},
    "words": {"use": "words", "text_words": [1, 2], "speech_words": [1, 2]},
    "ratio": {"use": "ratio", "of": ["text", "hubert"], "sizes": [1, 2]},
    "continuation": {"use": "continuation", "say": "hubert"},
    "speech to text": {"use": "continuation", "say": "text", "prompt": {"say": "audio"}},
    "long prompt": {"use": "continuation", "say": "hubert", "prompt": {"say": "hubert", "utterances": 3}},
    "utterances": {"use": "utterances", "speech": {"say": "hubert"}},
    "asr": {"use": "turns", "turns": [ASKED, REPLY]},
    "tts": {"use": "turns", "turns": [{"role": "human", "say": "text"}, {"role": "assistant", "say": "hubert"}]},
    "question": {"use": "turns", "turns": [{"role": "human", "say": ["audio", {"field": "question"}]}, ANSWERS]},
    "caption": {"use": "turns", "turns": [ASKED, {"role": "assistant", "say": {"field": "caption"}}]},
    "translation": {"use": "turns", "turns": [{"role": "human", "say": {"field": "translation"}}, REPLY]},
    "image": {"use": "turns", "turns": [{"role": "human", "say": "image"}, REPLY]},
    "recall": {"use": "turns", "turns": [{"role": "human", "say": "text"}, ANSWERS]},
    "dialogue": {"use": "dialogue", "turns": TALK},
    "counted tools": {"use": "dialogue", "turns": TALK, "loss": ["tool"]},
    "counted system": {"use": "dialogue", "turns": TALK, "loss": ["system"]},
    "nobody": {"use": "dialogue", "turns": [{"role": "", "say": "hubert"}], "loss": [""]},
    "one role": {"use": "dialogue", "turns": [REPLY]},
    "uncounted": {"use": "dialogue", "turns": [HUMAN]},
    "alternating": {"use": "dialogue", "turns": TALK, "exchanges": "speech-first"},
    "pairs": {"use": "pairs", "turns": TALK},
    "pairs of fields": {"use": "pairs", "turns": [{"role": "human", "say": "text"}, {"role": "assistant", "say": {"field": "chosen"}}]},
    "prompts": {"use": "prompts", "turns": [ASKED, REPLY]},
    "human prompts": {"use": "prompts", "turns": [HUMAN]},
    "asked": {"use": "prompts", "turns": [{"role": "human", "say": [{"field": "question"}]}], "answer": "answer"},
    "of the human": {"use": "prompts", "turns": [HUMAN, REPLY], "role": "human"},
    "validation": {"use": "speech", "split": "validation"},
    "tools count too": {"use": "dialogue", "turns": TALK, "loss": ["assistant", "tool"]},
    "system as text": {"use": "dialogue", "turns": [{"role": "system", "say": "text"}, *TALK]},
    "system as speech": {"use": "dialogue", "turns": [{"role": "system", "say": "hubert"}, *TALK]},
    "aloud": {"use": "dialogue", "turns": [ASKED, REPLY]},
    "shown": {"use": "dialogue", "turns": [{"role": "human", "say": ["image", "text"]}, REPLY]},
    "translated": {"use": "dialogue", "turns": [{"role": "human", "say": ["text", {"field": "translation"}]}, REPLY]},
    "answer of a turn": {"use": "prompts", "turns": [HUMAN, REPLY], "role": "human", "answer": "translation"},
    "pictures of talks": {"use": "continuation", "say": "hubert", "prompt": {"say": "image"}},
}  # fmt: skip


@dataclass(frozen=True)
class Records:
    """What a source gives: its records, utterances with their codes and words, by the name of the source."""

    store: Store
    own: dict[str, list[Any]]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    """Of each source, and a vocabulary."""
    root = tmp_path_factory.mktemp("all")
    store = Store(str(root / "corpus"))
    text = bpe.Tokenizer(size=300).train([TEXT])
    entries = [Entry(name, f"[{name}]", modality=MODALITIES.get(name, "text")) for name in MARKERS]
    (root / "made").mkdir()
    save(root / "made", text, unify(text, [*entries, Entry("hubert", "[Hu{}]", size=50)]))
    commit_model(store, "vocabulary", root / "made", {"use": "by hand"})
    own = {name: list(_written(name, store)) for name in WRITTEN}
    own |= {name: list(_recordings(name)) for name in SOUND}
    own["script"] = [*own["grammar"], *own["preferences"], *own["tools"], *_scripts()]
    for name in (*SOUND, "script"):
        if Pipeline(recipe(name)).sources["s"].names_splits:
            own[name].append(replace(own[name][0], key="held", split="validation"))
    own["text"] = [Document(key="t", source="s", text=TEXT), Document(key="q", source="s", text=TEXT, fields=_fields())]
    return Records(store=store, own=own)


def _written(name: str, store: Store) -> Iterator[Any]:
    source = Pipeline(recipe(name)).sources["s"]
    for item in source.items("s"):
        yield from source.read(item, store)


def _fields() -> tuple[Field, ...]:
    png = drawn([Shape(form="circle", colour="red", x=9, y=9, radius=5)])
    image = Field("image", f"data:image/png;base64,{base64.b64encode(png).decode()}")
    return (*(Field(name, f"{name} of it") for name in FIELDS), image)


def _recordings(name: str) -> Iterator[Recording]:
    """One with a transcript and all fields that such a source may give, and one of many utterances."""
    given = Pipeline(recipe(name)).sources["s"].field_names
    fields = tuple(field for field in _fields() if given is None or field.name in given)
    one = Recording(key="r", source="s", path="a", audio=AUDIO, seconds=1.0, rate=16000, channels=1, sha256="", text=TEXT,
                    fields=fields)  # fmt: skip
    yield one
    parts = tuple(Supervision(start=n / 5, end=(n + 1) / 5, text=TEXT, fields=fields) for n in range(5))
    yield replace(one, key="talk", text=None, fields=(), supervisions=parts)


def _scripts() -> Iterator[Dialogue]:
    """With all fields: of one speaker each, one of them without a role, and of two."""
    for key, role in (("asks", "human"), ("answers", "assistant"), ("talks", "")):
        turn = Turn(speaker=role or "ann", role=role, text=TEXT)
        yield Dialogue(key=key, source="s", turns=(turn, turn, turn), fields=_fields())
    both = tuple(Turn(speaker=role, role=role, text=TEXT) for role in ("human", "assistant"))
    yield Dialogue(key="both", source="s", turns=both, fields=_fields())


def recipe(source: str, task: str = "") -> Recipe:
    path = {"path": "."} if source in (*SOUND, "script", "text") else {"count": 8}
    return Recipe.model_validate(
        {
            "name": "all",
            "sources": {"s": {"use": source, **path}},
            "tokenizers": {"hubert": {"use": "cepstra"}},
            "vocabulary": {
                "tokens": [{"marker": m, "literal": f"[{m}]", "modality": MODALITIES.get(m, "text")} for m in MARKERS]
            },
            "encoder": {"use": "step_audio"},
            "image_encoder": {"use": "grid"},
            "templates": {"chat": {"open": "bot", "close": "eot"}},
            "tasks": {"t": {**TASKS[task], "sources": ["s"], **_template(task)}} if task else {},
        }
    )


def _template(task: str) -> dict[str, str]:
    return {"template": "chat"} if TASKS[task]["use"] in ("turns", "dialogue", "pairs", "prompts") else {}


def checked_task(source: str, task: str) -> Task | None:
    """None where the recipe is refused."""
    try:
        return Pipeline(recipe(source, task)).tasks["t"]
    except RecipeFault as fault:
        assert fault.path[:2] == ("tasks", "t") and fault.message
        return None


def rows(takes: type, records: Sequence[Any]) -> list[Any]:
    """The rows that a task gets of these records."""
    if takes is Document:
        return [record for record in records if isinstance(record, Document)]
    utterances = [one for record in records for one in _utterances(record)]
    joined = {key: [*map(_row, some)] for key, some in groupby(utterances, key=lambda u: u.recording)}
    if takes is Dialogue:
        return [GroupedRow(record=one, rows=tuple(joined[one.key])) for one in records if isinstance(one, Dialogue)]
    if takes is Passage:
        return [
            GroupedRow(record=Passage(key=key, utterances=tuple(r.utterance for r in some)), rows=tuple(some))
            for key, some in joined.items()
        ]
    return [row for some in joined.values() for row in some]


def _utterances(record: Any) -> list[Utterance]:
    if isinstance(record, Dialogue):
        spoken = [replace(t, audio=AUDIO, seconds=1.0) if t.is_spoken else t for t in record.turns]
        return [made for made in Turns()([replace(record, turns=tuple(spoken))]) if isinstance(made, Utterance)]
    if isinstance(record, Recording):
        cut = utterances_of(record, record.supervisions, "given", "outside") if record.supervisions else [whole(record)]
        return [replace(made, split=record.split or "train") for made in cut if isinstance(made, Utterance)]
    return []


def _row(utterance: Utterance) -> JoinedRow:
    words = (utterance.text or "").split()
    width = utterance.seconds / max(1, len(words))
    timed = tuple(Word(word, n * width, (n + 1) * width) for n, word in enumerate(words))
    alignment = Alignment(key=utterance.key, seconds=utterance.seconds, aligner="x", words=timed, score=0.0)
    codes = Codes(
        key=utterance.key, seconds=utterance.seconds, tokenizers=("hubert",), models=("m",), rate=4 / utterance.seconds, ticks=4,
        which=(0,) * 4, ids=(1, 2, 3, 4), starts=(0, 1, 2, 3),
    )  # fmt: skip
    return JoinedRow(utterance=utterance, alignment=alignment if words else None, codes={"hubert": codes})


def samples(task: Task, given: list[Any], store: Store) -> list[ShardSample]:
    given = [row for row in given if not task.aligned or row.alignment]  # what cannot be aligned never comes so far
    stage = Compose(
        name="t", task=task, pass_number=0, seed=1, split=task.split, encoder=Encoder(), image_encoder=ImageEncoder()
    )
    stage.setup(store)
    return [made for made in stage(given) if isinstance(made, ShardSample)]


def test_every_source_and_every_task_takes_part(records: Records) -> None:
    assert set(registry.names("sources")) == set(records.own)
    assert set(registry.names("tasks")) == {task["use"] for task in TASKS.values()}


@pytest.mark.parametrize("source", [*WRITTEN, *SOUND, "script", "text"])
def test_a_task_makes_a_sample_of_a_source_or_is_refused(source: str, records: Records) -> None:
    made = Pipeline(recipe(source)).sources["s"].makes
    empty = []
    for name in TASKS:
        if task := checked_task(source, name):
            counted = samples(task, rows(task.takes_of(made), records.own[source]), records.store)
            if not counted or not (task.is_prompt or any(sample.loss for sample in counted)):
                empty.append(name)
    assert empty == []


NEVER = {"system as speech", "shown", "answer of a turn", "pictures of talks"}  # what none of weft's own sources serves


@pytest.mark.parametrize(
    ("source", "refused"),
    [
        ("grammar", {"text", "question", "caption", "translation", "image", "recall", "counted tools", "counted system", "nobody",
                     "one role", "uncounted", "pairs", "pairs of fields", "asked", "validation", "human prompts", "translated",
                     *NEVER}),
        ("pairs", {"text", "question", "caption", "image", "recall", "counted tools", "nobody", "one role", "uncounted", "pairs",
                   "pairs of fields", "asked", "validation", "long prompt", "prompts", "human prompts", *NEVER}),
        ("tools", {"text", "question", "caption", "translation", "image", "recall", "nobody", "one role", "uncounted", "pairs",
                   "pairs of fields", "prompts", "asked", "validation", "long prompt", "human prompts", *NEVER, "translated"}),
        ("scenes", {"text", "words", "ratio", "speech to text", "long prompt", "utterances", "asr", "tts", "translation", "image",
                    "recall", "dialogue", "counted tools", "counted system", "nobody", "one role", "uncounted", "alternating",
                    "pairs", "pairs of fields", "prompts", "validation", "of the human", *NEVER, "translated", "tools count too",
                    "system as text", "aloud"}),
        ("pictures", set(TASKS) - {"text", "image"}),
    ],
)  # fmt: skip
def test_what_is_refused(source: str, refused: set[str]) -> None:
    assert {name for name in TASKS if checked_task(source, name) is None} == refused


def test_a_prompt_needs_no_entry_for_marked_answers() -> None:
    assert checked_task("preferences", "human prompts") and not checked_task("preferences", "one role")


def test_a_source_that_gets_transcripts_from_a_recogniser_is_no_longer_without_text() -> None:
    given = recipe("scenes", "asr").model_dump()
    given["transcribe"] = {"use": "pocketsphinx"}
    assert Pipeline(Recipe.model_validate(given)).tasks["t"]


@pytest.mark.parametrize("source", ["questions", "scenes"])
def test_recordings_that_the_recipe_cuts_may_have_several_utterances(source: str) -> None:
    given = recipe(source, "long prompt").model_dump()
    with pytest.raises(RecipeFault, match="has recordings of 1 utterance at most, and this task needs 4 of one"):
        _ = Pipeline(Recipe.model_validate(given)).tasks
    given["segment"] = {"use": "silero", "longest_transcript": 1.5, "longest": 1.5}
    assert Pipeline(Recipe.model_validate(given)).tasks["t"]
    given["segment"] = {"use": "silero", "longest_transcript": 1.5, "longest": 20}  # which are still not cut
    with pytest.raises(RecipeFault):
        _ = Pipeline(Recipe.model_validate(given)).tasks


def test_an_entry_of_what_nobody_speaks_says_text_alone() -> None:
    given = recipe("pairs", "system as text").model_dump()
    given["tasks"]["t"]["turns"][0]["say"] = {"literal": "Listen."}
    with pytest.raises(RecipeFault, match="'system': they are written as they are, so its entry says `text` alone"):
        _ = Pipeline(Recipe.model_validate(given)).tasks


LINES: dict[str, tuple[str, list[dict[str, Any]], list[dict[str, Any]]]] = {
    "caption": ("manifest", [{"audio": "a.wav", "question": "q"}, {"audio": "b.wav"}], [{"audio": "c.wav", "caption": "c"}]),
    "asr": ("manifest", [{"audio": "a.wav", "offset": 1, "duration": 1}, {"audio": "b.wav"}], [{"audio": "c.wav", "text": "c"}]),
    "recall": ("text", [{"text": "a", "question": "q"}, {"text": ""}], [{"text": "b", "answer": "c"}]),
    "pairs": (
        "script",
        [{"turns": [{"role": "human", "text": "a"}, {"role": "assistant", "text": "b"}]}],
        [{"turns": [{"role": "human", "text": "a"}, *({"role": "assistant", "text": t, "answer": t} for t in ("chosen", "rejected"))]}],
    ),
    "dialogue": ("script", [{"turns": [{"speaker": "ann", "text": "a"}]}], [{"turns": [{"role": "assistant", "text": "a"}]}]),
    "prompts": (
        "script",
        [{"turns": [{"role": "human", "text": "a"}, {"role": "assistant", "text": "b"}]}],
        [{"turns": [{"role": "human", "text": "a"}]}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("task", LINES)
def test_data_of_the_user_that_never_fit_are_refused_by_their_listing(task: str, tmp_path: Path) -> None:
    source, wrong, right = LINES[task]
    lines = tmp_path / "lines.jsonl"
    given = recipe(source, task).model_dump()
    given["sources"]["s"]["path"] = str(lines)
    pipeline = Pipeline(Recipe.model_validate(given))
    lines.write_text("".join(json.dumps(line) + "\n" for line in wrong))
    (fault,) = fits(pipeline).misfits
    assert fault.path == ("tasks", "t", "sources") and fault.message.startswith("'s' ")
    lines.write_text("".join(json.dumps(line) + "\n" for line in [*wrong, *right]))
    assert fits(pipeline) == Fits()
    lines.write_text("no JSON\n")  # rejects, which the build counts
    assert fits(pipeline) == Fits()
    lines.unlink()
    assert fits(pipeline) == Fits()
